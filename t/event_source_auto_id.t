# With push_stream_auto_event_id on, every message carries its place in the stream, and a browser resumes exactly there.
--- http_config
push_stream_auto_event_id on;
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }

=== every message has one, instead of the publisher's
--- steps
! next second
pub /pub?id=s m1
   Event-Id: own
   Event-Type: t
pub /pub?id=s m2
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s.b2
a< chunk ": \n"
a< chunk "id: ${T:unix}:1\n"
a< chunk "event: t\n"
a< chunk "data: m1\n\n"
a< chunk "id: ${T:unix}:2\n"
a< chunk "data: m2\n\n"
pub /pub?id=s "one\ntwo"
   Event-Id: own
a< chunk ~ ^id: \d{10}:\d+\n$
a< chunk "data: one\ndata: two\n\n"
a< nothing 100ms

=== a browser that comes back gets exactly what it has not seen
--- steps
! next second
repeat 3: pub /pub?id=s m${i}
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s
   Last-Event-ID: ${T:unix}:1
b: GET /ev/s
   Last-Event-ID: ${T:unix}:3
c: GET /ev/s
   Last-Event-ID: ${T:unix}:0
a,b,c< no header X-Nginx-PushStream-Gap
a,b,c< chunk ": \n"
c< chunk "id: ${T:unix}:1\n"
c< chunk "data: m1\n\n"
a,c< chunk "id: ${T:unix}:2\n"
a,c< chunk "data: m2\n\n"
a,c< chunk "id: ${T:unix}:3\n"
a,c< chunk "data: m3\n\n"
a,b,c< nothing 100ms

=== several channels come in the order of their publishing, so that any id is a place to go on
--- steps
! next second
pub /pub?id=s s1
pub /pub?id=t t1
pub /pub?id=t t2
pub /pub?id=s s2
pub /pub?id=t t3
p: GET /poll/t.b1
p< capture T = header Last-Modified
a: GET /ev/s/t
   Last-Event-ID: ${T:unix}:0
b: GET /ev/t/s
   Last-Event-ID: ${T:unix}:2
c: GET /ev/s/t
   Last-Event-ID: ${T:unix}:4
a,b,c< chunk ": \n"
a< chunk "id: ${T:unix}:1\n"
a< chunk "data: s1\n\n"
a< chunk "id: ${T:unix}:2\n"
a< chunk "data: t1\n\n"
a,b< chunk "id: ${T:unix}:3\n"
a,b< chunk "data: t2\n\n"
a,b< chunk "id: ${T:unix}:4\n"
a,b< chunk "data: s2\n\n"
a,b,c< chunk "id: ${T:unix}:5\n"
a,b,c< chunk "data: t3\n\n"
a,b,c< nothing 100ms

=== before the first message there is an id as well
--- steps
! next second
pub /pub?id=s old
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s/t
a< chunk ": \n"
a< chunk "id: ${T:unix}:1\n\n"
a< nothing 100ms
ax
pub /pub?id=t m1
pub /pub?id=s m2
b: GET /ev/s/t
   Last-Event-ID: ${T:unix}:1
b< chunk ": \n"
b< chunk ~ ^id: \d+:\d+\n$
b< chunk "data: m1\n\n"
b< chunk ~ ^id: \d+:\d+\n$
b< chunk "data: m2\n\n"
b< nothing 100ms

=== it counts more than anything else that says where
--- steps
! next second
pub /pub?id=s m1
   Event-Id: first
pub /pub?id=s m2
pub /pub?id=s m3
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s.b3
   Last-Event-ID: ${T:unix}:2
b: GET /ev/s
   Last-Event-ID: ${T:unix}:2
   If-Modified-Since: ${EPOCH}
a,b< chunk ": \n"
a,b< chunk "id: ${T:unix}:3\n"
a,b< chunk "data: m3\n\n"
a,b< nothing 100ms

=== what is no such id is looked up as the publisher's
--- steps
pub /pub?id=s m1
   Event-Id: 1:x
pub /pub?id=s m2
   Event-Id: own
pub /pub?id=s m3
a: GET /ev/s
   Last-Event-ID: own
b: GET /ev/s
   Last-Event-ID: 1:x
c: GET /ev/s
   Last-Event-ID: 1:2:3
a,b,c< chunk ": \n"
c< chunk ~ ^id: \d+:\d+\n\n$
b< chunk ~ ^id: \d+:\d+\n$
b< chunk "data: m2\n\n"
a,b< chunk ~ ^id: \d+:\d+\n$
a,b< chunk "data: m3\n\n"
a,b,c< nothing 100ms

=== pings, gaps and deletions have none
--- http_config
push_stream_auto_event_id on;
push_stream_max_messages_stored_per_channel 1;
push_stream_gap_message_text "missing";
push_stream_ping_message_interval 300ms;
--- steps
! next second
repeat 3: pub /pub?id=s m${i}
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s
   Last-Event-ID: ${T:unix}:1
a< header X-Nginx-PushStream-Gap: 1
a< chunk ": \n"
a< chunk "event: gap\n"
a< chunk "data: missing\n\n"
a< chunk "id: ${T:unix}:3\n"
a< chunk "data: m3\n\n"
a< chunk ": -1\n"
? DELETE /pub?id=s -> 200
a< chunk "data: Channel deleted\n\n"
a< end

=== off, as it is by default, nothing of this happens
--- http_config
push_stream_auto_event_id off;
--- steps
! next second
pub /pub?id=s m1
pub /pub?id=s m2
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s.b1
b: GET /ev/s
   Last-Event-ID: ${T:unix}:1
a,b< chunk ": \n"
a< chunk "data: m2\n\n"
a,b< nothing 100ms

=== other modes are as they were
--- steps
pub /pub?id=s m1
   Event-Id: own
? GET /poll/s.b1 -> 200 | body m1
? GET /poll/s {Last-Event-ID: own} -> 304

=== over a reload and in every worker
--- workers: 2
--- steps
! next second
pub /pub?id=s m1
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /ev/s.b1 @worker 1
a< chunk ": \n"
a< chunk "id: ${T:unix}:1\n"
a< chunk "data: m1\n\n"
! reload
a< end
pub /pub?id=s m2
a: GET /ev/s @worker 2
   Last-Event-ID: ${T:unix}:1
a< chunk ": \n"
a< chunk ~ ^id: \d+:\d+\n$
a< chunk "data: m2\n\n"
a< nothing 100ms
