# A WebSocket goes on where the client was: by arguments, since scripts of a page cannot set headers, or by headers.
--- http_config
push_stream_message_template "~text~|~time~|~tag~";
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }

=== by time and tag
--- steps
! next second
repeat 4: pub /pub?id=s m${i}
a: WS /ws/s.b3
a< capture T = frame ~ m2\|(.*)\|2
a: WS /ws/s?time=${T:unix}&tag=2
b: WS /ws/s?time=${T:url}&tag=2
c: WS /ws/s?tag=3&time=${T:unix}
d: WS /ws/s?time=${T:unix}
e: WS /ws/s?time=0
f: WS /ws/s?tag=1
g: WS /ws/s?time=${T:unix}&tag=W/2
a,b,c,d,e,f,g< status 101
e< frame text m1|${T}|1
e< frame text m2|${T}|2
a,b,e,g< frame text m3|${T}|3
a,b,c,e,g< frame text m4|${T}|4
a,b,c,d,e,f,g< nothing 100ms
pub /pub?id=s live
a,b,c,d,e,f,g< frame text ~ ^live

=== values that are none
--- steps
pub /pub?id=s m1
a: WS /ws/s?time=&tag=
b: WS /ws/s?time=yesterday&tag=1
c: WS /ws/s?time=1e9&tag=0
d: WS /ws/s?last_event_id=
e: WS /ws/s?time=-1&tag=0
f: WS /ws/s?time=99999999999999999999&tag=0
a,b,c,d,e,f< status 101
a,b,c,d,e,f< nothing 100ms

=== by the id of the last event
--- steps
repeat 3: ? POST /pub?id=s {Event-Id: e ${i}} "m${i}" -> 200
a: WS /ws/s?last_event_id=e%201
b: WS /ws/s?last_event_id=e%203
c: WS /ws/s?last_event_id=unknown
d: WS /ws/s
   Last-Event-ID: e 1
a,b,c,d< status 101
a,d< frame text ~ ^m2
a,d< frame text ~ ^m3
a,b,c,d< nothing 100ms

=== by headers
--- steps
! next second
repeat 3: pub /pub?id=s m${i}
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: WS /ws/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
a< frame text m2|${T}|2
a< frame text m3|${T}|3
a< nothing 100ms

=== a backtrack counts more
--- steps
! next second
repeat 3: ? POST /pub?id=s {Event-Id: e${i}} "m${i}" -> 200
a: WS /ws/s.b1?time=0
b: WS /ws/s.b1?last_event_id=e1
a,b< frame text ~ ^m3
a,b< nothing 100ms

=== several channels, each from the same place
--- steps
! next second
pub /pub?id=s s1
pub /pub?id=t t1
pub /pub?id=s s2
pub /pub?id=t t2
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: WS /ws/s/t?time=${T:unix}&tag=2
a< frame text s2|${T}|3
a< frame text t2|${T}|4
a< nothing 100ms

=== directives of the location decide where they are set
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_last_event_id $arg_e;
    push_stream_last_received_message_time $arg_t;
    push_stream_last_received_message_tag $arg_n;
}
--- steps
! next second
repeat 3: ? POST /pub?id=s {Event-Id: e${i}} "m${i}" -> 200
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: WS /ws/s?e=e1
b: WS /ws/s?t=${T:url}&n=1
c: WS /ws/s?time=${T:unix}&tag=1&last_event_id=e1
   If-Modified-Since: ${T}
   If-None-Match: W/1
   Last-Event-ID: e1
a,b< frame text ~ ^m2
a,b< frame text ~ ^m3
a,b,c< status 101
a,b,c< nothing 100ms

=== with these directives, too, several channels come in the order of their publishing
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_last_received_message_time $arg_time;
    push_stream_last_received_message_tag $arg_tag;
}
--- steps
! next second
pub /pub?id=t t1
pub /pub?id=s s1
pub /pub?id=t t2
pub /pub?id=s s2
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: WS /ws/s/t?time=${EPOCH:url}&tag=0
b: WS /ws/s/t?time=${T:url}&tag=1
a< frame text t1|${T}|1
a,b< frame text s1|${T}|2
a,b< frame text t2|${T}|3
a,b< frame text s2|${T}|4
a,b< nothing 100ms

=== an argument means nothing on another location
--- steps
pub /pub?id=s m1
a: GET /sub/s?time=0
a< status 200
a< nothing 100ms
? GET /poll/s?time=0 -> 304

=== nothing is lost or repeated between history and life
--- workers: 2
--- steps
repeat 100: ? POST /pub?id=s "m${i}" -> 200
a: WS /ws/s?time=0 @worker 1
b: WS /ws/s.b100 @worker 2
# Which are the last 100 is decided when the handshake is answered.
b< status 101
repeat 50: ? POST /pub?id=s "l${i}" -> 200
repeat 100: a,b< frame text ~ ^m${i}\|
repeat 50: a,b< frame text ~ ^l${i}\|
a,b< nothing 100ms

=== over a reload
--- steps
! next second
pub /pub?id=s m1
a: WS /ws/s.b1
a< capture T = frame ~ \|(.*)\|1$
! reload
a< last frame close 1001
pub /pub?id=s m2
a: WS /ws/s?time=${T:unix}&tag=1
a< frame text ~ ^m2
pub /pub?id=s m3
a< frame text ~ ^m3
a< nothing 100ms

=== what is missing is told in a message of its own
--- http_config
push_stream_message_template "~id~|~text~";
push_stream_max_messages_stored_per_channel 1;
push_stream_gap_message_text "messages are missing";
push_stream_header_template "H";
--- steps
! next second
repeat 3: ? POST /pub?id=s {Event-Id: e${i}} "m${i}" -> 200
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: WS /ws/s?time=${T:unix}&tag=1
b: WS /ws/s?last_event_id=e1
c: WS /ws/s?last_event_id=e3
d: WS /ws/s
a,b,c,d< frame text "H"
a,b< frame text "-4|messages are missing"
a< frame text "3|m3"
a,b,c,d< nothing 100ms
