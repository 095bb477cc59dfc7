# The cursor: which stored messages a subscriber gets for a time, a tag, an event id or a backtrack.
--- http_config
push_stream_message_template "~text~ ";

=== the whole table
--- steps
! next second
pub /pub?id=c a1
   Event-Id: A
pub /pub?id=c a2
pub /pub?id=c a3
   Event-Id: B
p: GET /poll/c.b1
p< header Etag: W/3
p< capture T1 = header Last-Modified
! next second
pub /pub?id=c b1
pub /pub?id=other x
pub /pub?id=c b2
   Event-Id: C
p: GET /poll/c.b1
p< header Etag: W/3
p< capture T2 = header Last-Modified
set FUTURE = ${NOW+1000}
--- table
GET /poll/c                                                    -> 304 | no Last-Modified | no Etag
GET /poll/c {If-Modified-Since: ${EPOCH}}                      -> 200 | body "a1 a2 a3 b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T1}}                         -> 200 | body "b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T1}; If-None-Match: 0}       -> 200 | body "a1 a2 a3 b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T1}; If-None-Match: 1}       -> 200 | body "a2 a3 b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T1}; If-None-Match: 2}       -> 200 | body "a3 b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T1}; If-None-Match: 3}       -> 200 | body "b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T1}; If-None-Match: 9}       -> 200 | body "b1 b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T2}}                         -> 304 | Last-Modified: ${T2} | no Etag
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: 1}       -> 200 | body "b2 " | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: W/1}     -> 200 | body "b2 " | Last-Modified: ${T2} | Etag: W/3
# Tag 2 of that second is another channel's message: what follows it is b2.
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: W/2}     -> 200 | body "b2 "
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: W/3}     -> 304 | Last-Modified: ${T2} | Etag: W/3
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: "1"}     -> 304 | Last-Modified: ${T2} | no Etag
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: -5}      -> 304 | no Etag
GET /poll/c {If-Modified-Since: ${T2}; If-None-Match: *}       -> 304 | no Etag
GET /poll/c {If-None-Match: 1}                                 -> 304 | no Last-Modified | Etag: W/1
GET /poll/c {Last-Event-Id: A}                                 -> 200 | body "a2 a3 b1 b2 "
GET /poll/c {Last-Event-Id: B}                                 -> 200 | body "b1 b2 "
GET /poll/c {Last-Event-Id: C}                                 -> 304
GET /poll/c {Last-Event-Id: unknown}                           -> 304
GET /poll/c {Last-Event-Id: B; If-Modified-Since: ${T2}; If-None-Match: 1} -> 200 | body "b1 b2 "
GET /poll/c {Last-Event-Id: C; If-Modified-Since: ${T1}; If-None-Match: 1} -> 200 | body "a2 a3 b1 b2 "
GET /poll/c {Last-Event-Id: unknown; If-Modified-Since: ${T2}; If-None-Match: 1} -> 200 | body "b2 "
GET /poll/c.b2 {Last-Event-Id: A}                              -> 200 | body "b1 b2 "
GET /poll/c {If-Modified-Since: ${FUTURE}; If-None-Match: 1}   -> 304 | Last-Modified: ${FUTURE} | Etag: W/1
# A time that is none.
GET /poll/c {If-Modified-Since: null}                          -> 304 | no Last-Modified
GET /poll/c {If-Modified-Since: yesterday; If-None-Match: 1}   -> 304 | no Last-Modified | Etag: W/1
# The other two forms of an HTTP date.
GET /poll/c {If-Modified-Since: Thursday, 01-Jan-70 00:00:00 GMT} -> 200 | body "a1 a2 a3 b1 b2 "
GET /poll/c {If-Modified-Since: Thu Jan  1 00:00:00 1970}      -> 200 | body "a1 a2 a3 b1 b2 "
# Backtrack beats everything else, for its channel only.
GET /poll/c.b1                                                 -> 200 | body "b2 "
GET /poll/c.b0                                                 -> 304
GET /poll/c.b0 {Last-Event-Id: B}                              -> 200 | body "b1 b2 "
GET /poll/c.b9                                                 -> 200 | body "a1 a2 a3 b1 b2 "
GET /poll/c.b99999999999999999999                              -> 200 | body "a1 a2 a3 b1 b2 "
GET /poll/c.b2 {If-Modified-Since: ${EPOCH}}                   -> 200 | body "b1 b2 "
GET /poll/c.b1/other {If-Modified-Since: ${EPOCH}}             -> 200 | body "b2 x "
GET /poll/other/c.b1                                           -> 200 | body "b2 "

=== the same cursors in streaming
--- steps
! next second
pub /pub?id=c a1
   Event-Id: A
pub /pub?id=c a2
pub /pub?id=c a3
p: GET /poll/c.b1
p< capture T = header Last-Modified
a: GET /sub/c
   If-Modified-Since: ${T}
   If-None-Match: 1
b: GET /sub/c
   Last-Event-Id: A
c: GET /sub/c.b2
d: GET /sub/c
   If-Modified-Since: ${T}
e: GET /sub/c
   If-Modified-Since: ${EPOCH}
a,b,c< chunk "a2 "
a,b,c< chunk "a3 "
e< chunk "a1 "
d< status 200
a,b,c,d< nothing 100ms

=== from arguments: the headers are not looked at
--- extra_config
location ~ ^/args/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_last_received_message_time $arg_time;
    push_stream_last_received_message_tag $arg_tag;
}
--- steps
! next second
pub /pub?id=c a1
pub /pub?id=c a2
pub /pub?id=c a3
p: GET /poll/c.b1
p< capture T = header Last-Modified
? GET /args/c?time=${T:url}&tag=1 -> 200 | body "a2 a3 " | Last-Modified: ${T} | Etag: W/3
? GET /args/c?time=${T:url}&tag=W%2F2 -> 200 | body "a3 "
? GET /args/c?time=${T:url}&tag=3 -> 304 | Last-Modified: ${T} | Etag: W/3
? GET /args/c?time=${EPOCH:url} -> 200 | body "a1 a2 a3 "
? GET /args/c {If-Modified-Since: ${EPOCH}; If-None-Match: 1} -> 304 | no Last-Modified | no Etag
? GET /args/c?time=&tag= {If-Modified-Since: ${EPOCH}} -> 304
? GET /args/c?time=nonsense -> 304
? GET /args/c?time=${EPOCH:url} {If-Modified-Since: ${NOW+100}} -> 200 | body "a1 a2 a3 "

=== from arguments only where the request asks for it
--- extra_config
location ~ ^/mixed/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    if ($arg_qs = on) {
        push_stream_last_received_message_time $arg_time;
        push_stream_last_received_message_tag $arg_tag;
    }
}
--- steps
! next second
pub /pub?id=c a1
pub /pub?id=c a2
p: GET /poll/c.b1
p< capture T = header Last-Modified
? GET /mixed/c?qs=on&time=${T:url}&tag=1 -> 200 | body "a2 "
? GET /mixed/c?time=${T:url}&tag=1 -> 304
? GET /mixed/c {If-Modified-Since: ${T}; If-None-Match: 1} -> 200 | body "a2 "
? GET /mixed/c?qs=on {If-Modified-Since: ${T}; If-None-Match: 1} -> 304

=== messages that left the store are not sent
--- http_config
push_stream_message_template "~text~ ";
push_stream_max_messages_stored_per_channel 2;
--- table
POST /pub?id=c "a" -> 200
POST /pub?id=c "b" -> 200
POST /pub?id=c "c" -> 200
GET /poll/c {If-Modified-Since: ${EPOCH}} -> 200 | body "b c "
GET /poll/c.b9 -> 200 | body "b c "
GET /poll/c.b1 -> 200 | body "c "
