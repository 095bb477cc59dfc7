# An event source goes on where the browser was, and says when it comes back and what it has missed.
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }

=== by the id of the last event
--- steps
repeat 3: ? POST /pub?id=s {Event-Id: e${i}; Event-Type: t} "m${i}" -> 200
pub /pub?id=s m4
a: GET /ev/s
   Last-Event-ID: e1
b: GET /ev/s
   last-event-id: e3
c: GET /ev/s
a,b,c< no header X-Nginx-PushStream-Gap
a,b,c< chunk ": \n"
a< chunk "id: e2\n"
a< chunk "event: t\n"
a< chunk "data: m2\n\n"
a< chunk "id: e3\n"
a< chunk "event: t\n"
a< chunk "data: m3\n\n"
a,b< chunk "data: m4\n\n"
pub /pub?id=s live
a,b,c< chunk "data: live\n\n"
a,b,c< nothing 100ms

=== several channels: the event is in one of them, what came behind it in all of them
--- steps
pub /pub?id=s s1
   Event-Id: 1
pub /pub?id=t t1
   Event-Id: 2
pub /pub?id=s s2
   Event-Id: 3
pub /pub?id=t t2
   Event-Id: 4
pub /pub?id=s s3
   Event-Id: 5
a: GET /ev/s/t
   Last-Event-ID: 2
b: GET /ev/t/s
   Last-Event-ID: 1
a,b< no header X-Nginx-PushStream-Gap
a,b< chunk ": \n"
b< chunk "id: 2\n"
b< chunk "data: t1\n\n"
a,b< chunk "id: 3\n"
a,b< chunk "data: s2\n\n"
a,b< chunk "id: 4\n"
a,b< chunk "data: t2\n\n"
a,b< chunk "id: 5\n"
a,b< chunk "data: s3\n\n"
a,b< nothing 100ms
? GET /poll/t/s {Last-Event-ID: 3} -> 200 | body "t2s3"
? GET /poll/t/s {Last-Event-ID: 5} -> 304 | no X-Nginx-PushStream-Gap

=== a browser that is ended again and again misses nothing
--- http_config
push_stream_subscriber_connection_ttl 250ms;
--- steps
a: GET /ev/s
a< chunk ": \n"
pub /pub?id=s m1
   Event-Id: 1
a< chunk "id: 1\n"
a< chunk "data: m1\n\n"
a< end
? POST /pub?id=s {Event-Id: 2} "m2" -> 200
a: GET /ev/s
   Last-Event-ID: 1
a< chunk ": \n"
a< chunk "id: 2\n"
a< chunk "data: m2\n\n"
pub /pub?id=s m3
   Event-Id: 3
a< chunk "id: 3\n"
a< chunk "data: m3\n\n"
a< end
a: GET /ev/s
   Last-Event-ID: 3
a< no header X-Nginx-PushStream-Gap
a< chunk ": \n"
a< end

=== by backtrack, by time and tag
--- steps
! next second
repeat 3: ? POST /pub?id=s {Event-Id: e${i}} "m${i}" -> 200
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s.b2
b: GET /ev/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
c: GET /ev/s
   If-Modified-Since: ${T}
   If-None-Match: 2
d: GET /ev/s
   If-Modified-Since: ${EPOCH}
# A backtrack does not look at the event id; the earlier position counts.
e: GET /ev/s.b1
   Last-Event-ID: e1
f: GET /ev/s
   Last-Event-ID: e1
   If-Modified-Since: ${T}
   If-None-Match: W/2
a,b,c,d,e,f< status 200
a,b,c,d,e,f< no header Last-Modified
a,b,c,d,e,f< no header Etag
a,b,c,d,e,f< chunk ": \n"
d< chunk "id: e1\n"
d< chunk "data: m1\n\n"
a,b,d,f< chunk "id: e2\n"
a,b,d,f< chunk "data: m2\n\n"
a,b,c,d,e,f< chunk "id: e3\n"
a,b,c,d,e,f< chunk "data: m3\n\n"
a,b,c,d,e,f< nothing 100ms

=== by arguments
--- extra_config
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_last_event_id $arg_e;
    push_stream_last_received_message_time $arg_time;
    push_stream_last_received_message_tag $arg_tag;
}
--- steps
! next second
repeat 2: ? POST /pub?id=s {Event-Id: e ${i}} "m${i}" -> 200
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s?e=e%201
b: GET /ev/s?time=${T:url}&tag=1
# The headers do not count then.
c: GET /ev/s
   Last-Event-ID: e 1
   If-Modified-Since: ${T}
   If-None-Match: W/1
a,b,c< chunk ": \n"
a,b< chunk "id: e 2\n"
a,b< chunk "data: m2\n\n"
a,b,c< nothing 100ms

=== several channels, each by its own
--- steps
pub /pub?id=x x1
   Event-Id: 1
pub /pub?id=x x2
pub /pub?id=y y1
pub /pub?id=y y2
a: GET /ev/x/y.b1
   Last-Event-ID: 1
a< no header X-Nginx-PushStream-Gap
a< chunk ": \n"
a< chunk "data: x2\n\n"
a< chunk "data: y2\n\n"
a< nothing 100ms

=== a long history
--- steps
repeat 300: ? POST /pub?id=s {Event-Id: ${i}} "m${i}" -> 200
a: GET /ev/s
   Last-Event-ID: 1
a< text "id: 300\n"
a< chunk "data: m300\n\n"
a< count 299 "id: "
a< count 299 "data: m"
pub /pub?id=s live
a< chunk "data: live\n\n"

=== an unknown event id sends nothing old and says so
--- steps
pub /pub?id=s m1
   Event-Id: 1
a: GET /ev/s
   Last-Event-ID: nobody
a< status 200
a< header X-Nginx-PushStream-Gap: 1
a< names Content-Type, Transfer-Encoding, Connection, Expires, Cache-Control, X-Nginx-PushStream-Gap
a< chunk ": \n"
a< nothing 100ms
pub /pub?id=s m2
a< chunk "data: m2\n\n"

=== a gap is an event of its own, before the messages
--- http_config
push_stream_max_messages_stored_per_channel 1;
push_stream_header_template "H";
push_stream_message_template "~id~|~channel~|~text~|~size~|~tag~|~event-id~|~event-type~";
push_stream_gap_message_text "messages are\nmissing";
push_stream_eventsource_retry 2500ms;
--- steps
! next second
repeat 3: ? POST /pub?id=s {Event-Id: e${i}} "m${i}" -> 200
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
a< header X-Nginx-PushStream-Gap: 1
a< chunk ": H\n"
a< chunk "retry: 2500\n"
a< chunk "event: gap\n"
a< chunk ~ ^data: -4\|\|messages are\|12\|0\|\|\ndata: -4\|\|missing\|7\|0\|\|\n\n$
a< chunk "id: e3\n"
a< chunk "data: 3|s|m3|2|3|e3|\n\n"
a< nothing 100ms
b: GET /ev/s
   Last-Event-ID: e1
b< header X-Nginx-PushStream-Gap: 1
b< chunk ": H\n"
b< chunk "retry: 2500\n"
b< chunk "event: gap\n"
b< chunk ~ missing
b< nothing 100ms
# Nothing is missing for these.
c: GET /ev/s
   Last-Event-ID: e3
d: GET /ev/s
c,d< no header X-Nginx-PushStream-Gap
c,d< chunk ": H\n"
c,d< chunk "retry: 2500\n"
c,d< nothing 100ms
e: GET /ev/s @1.0
   Last-Event-ID: nobody
e< header X-Nginx-PushStream-Gap: 1
e< text "retry: 2500\nevent: gap\ndata: -4|"

=== when the browser comes back: once, behind the header template
--- http_config
push_stream_eventsource_retry 3s;
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/own/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_eventsource_retry 250ms;
    if ($arg_e) { push_stream_last_event_id $arg_e; }
}
--- steps
pub /pub?id=s old
a: GET /ev/s.b1
b: GET /own/s.b1?e=x
c: GET /sub/s.b1
a,b< chunk ": \n"
a< chunk "retry: 3000\n"
b< chunk "retry: 250\n"
a,b< chunk "data: old\n\n"
c< chunk "old"
pub /pub?id=s live
a,b< chunk "data: live\n\n"
c< chunk "live"
a,b,c< nothing 100ms

=== where it may stand, and what it takes
--- nginx_t
http       | push_stream_eventsource_retry 5s;     -> ok
server     | push_stream_eventsource_retry 1m;     -> ok
subscriber | push_stream_eventsource_retry 1500ms; -> ok
publisher  | push_stream_eventsource_retry 1s;     -> ok
if         | push_stream_eventsource_retry 1s;     -> fails "push_stream_eventsource_retry" directive is not allowed here
main       | push_stream_eventsource_retry 1s;     -> fails "push_stream_eventsource_retry" directive is not allowed here
subscriber | push_stream_eventsource_retry soon;   -> fails "push_stream_eventsource_retry" directive invalid value
subscriber | push_stream_eventsource_retry -1;     -> fails "push_stream_eventsource_retry" directive invalid value
subscriber | push_stream_eventsource_retry;        -> fails invalid number of arguments in "push_stream_eventsource_retry" directive
subscriber | push_stream_eventsource_retry 1s; push_stream_eventsource_retry 1s; -> fails "push_stream_eventsource_retry" directive is duplicate

=== a poll is not told when to come back
--- http_config
push_stream_eventsource_retry 3s;
--- steps
pub /pub?id=s m
? GET /ev/s.b1 {X-Nginx-PushStream-Mode: polling} -> 200 | body ": \ndata: m\n\n"
