# With push_stream_reload_drain a reload ends the subscribers spread over that time; until then the old workers deliver to them.
--- workers: 2
--- http_config
push_stream_reload_drain 60s;
push_stream_message_template "[~id~|~text~]";
push_stream_ping_message_interval 10m;
push_stream_subscriber_connection_ttl 10m;
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }

=== one after the other, evenly, and everybody gets everything until then
--- workers: 1
--- http_config
push_stream_reload_drain 6s;
push_stream_message_template "[~id~|~text~]";
push_stream_footer_template "FOOTER";
--- steps
a: GET /sub/x @worker 1
a< status 200
b: GET /sub/x @worker 1
b< status 200
c: GET /sub/x @worker 1
c< status 200
! reload
d: GET /sub/x @worker 1
d< status 200
a,b,c< pid != d
pub /pub?id=x m1
a,b,c,d< chunk "[1|m1]"
json! /stats subscribers == 4, by_worker.length == 2
# Two, four and six seconds after the reload.
a< chunk "FOOTER" within 4s
a< end
pub /pub?id=x m2
b,c,d< chunk "[2|m2]"
json! /stats subscribers == 3
b< chunk "FOOTER" within 4s
b< end
pub /pub?id=x m3
c,d< chunk "[3|m3]"
json! /stats subscribers == 2
c< chunk "FOOTER" within 4s
c< end
c< took 5s..9s
! wait-workers 1
json! /stats subscribers == 1, by_worker.length == 1
pub /pub?id=x m4
d< chunk "[4|m4]"

=== every worker does so, and clients that come back with their cursor miss nothing
--- http_config
push_stream_reload_drain 2s;
push_stream_message_template "[~id~|~text~]";
--- steps
! next second
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
c: GET /lp/x @worker 1
d: GET /lp/x @worker 2
a,b< status 200
c,d< nothing 50ms
! reload
a,b,c,d< nothing 100ms
pub /pub?id=x m1
a,b< chunk "[1|m1]"
# The message is what a long poll was waiting for.
c,d< status 200
c,d< body [1|m1]
c< capture T = header Last-Modified
c< capture N = header Etag
e: GET /lp/x
   If-Modified-Since: ${T}
   If-None-Match: ${N}
a,b< end within 4s
! wait-workers 2
pub /pub?id=x m2
pub /pub?id=x m3
e< body [2|m2]
f: GET /sub/x
   If-Modified-Since: ${T}
   If-None-Match: ${N}
f< chunk "[2|m2]"
f< chunk "[3|m3]"

=== a long poll that gets nothing is answered as at its time limit, with its cursor
--- workers: 1
--- http_config
push_stream_reload_drain 1s;
--- steps
! next second
a: GET /lp/x
a< nothing 50ms
! reload
a< status 304 within 4s
a< header Etag: W/0
a< header Last-Modified ~ GMT$
a< end
! wait-workers 1

=== WebSockets too
--- workers: 1
--- http_config
push_stream_reload_drain 2s;
push_stream_message_template "[~id~|~text~]";
--- steps
a: WS /ws/x
a< status 101
b: WS /ws/x
b< status 101
! reload
pub /pub?id=x m1
a,b< frame text "[1|m1]"
a< frame close 1001 within 4s
b< frame close 1001 within 4s
a> frame close 1001
b> frame close 1001
! wait-workers 1

=== a worker whose last subscriber leaves does not wait
--- steps
a: GET /sub/x @worker 1
a< status 200
! reload
a< nothing 200ms
ax
! wait-workers 2 within 3s
json /stats subscribers == 0, by_worker.length == 2

=== a worker without subscribers leaves at once
--- steps
pub /pub?id=x m
! reload
! wait-workers 2 within 2s

=== who comes late is ended at once, the others stay
--- steps
a: connect
a> "GET /sub/late HTTP/1.1\r\nHost: localhost\r\n"
b: GET /sub/x @worker 1
c: GET /sub/x @worker 2
b,c< status 200
! reload
a> "\r\n"
a< status 200
a< end within 2s
a< EOF
json /stats?id=late subscribers == 0
pub /pub?id=x m
b,c< chunk "[1|m]"

=== quit ends everybody at once
--- steps
a: GET /sub/x @worker 1
b: GET /lp/x @worker 2
a< status 200
b< nothing 50ms
! quit
a< bytes "0\r\n\r\n" within 1s
b< status 304
a,b< EOF
! exited within 2s

=== quit while a drain goes on ends it
--- steps
a: GET /sub/x @worker 1
b: GET /lp/y @worker 2
a< status 200
b< nothing 50ms
! reload
c: GET /sub/x
c< status 200
a,b,c< nothing 200ms
! quit
a,c< bytes "0\r\n\r\n" within 1s
b< status 304
a,b,c< EOF
! exited within 2s

=== stop while a drain goes on ends it
--- steps
a: GET /sub/x @worker 1
b: GET /lp/y @worker 2
a< status 200
b< nothing 50ms
! reload
a,b< nothing 200ms
! stop
a< bytes "0\r\n\r\n" within 1s
b< status 304
a,b< EOF
! exited within 2s

=== a second reload leaves the first drain alone, a third one ends it
--- steps
a: GET /sub/x @worker 1
a< status 200
! reload
b: GET /sub/x
b< status 200
! reload
c: GET /sub/x
c< status 200
pub /pub?id=x m1
a,b,c< chunk "[1|m1]"
json! /stats?id=x subscribers == 3
! reload
a< end within 1s
d: GET /sub/x
d< status 200
pub /pub?id=x m2
b,c,d< chunk "[2|m2]"
json /stats?id=x subscribers == 3

=== the drain goes on when the new workers die
--- steps
a: GET /sub/x @worker 1
a< status 200
! reload
b: GET /sub/x @worker 1
b< status 200
! kill-worker b
b< gone
pub /pub?id=x m1
a< chunk "[1|m1]"
c: GET /sub/x
c< status 200
pub /pub?id=x m2
a,c< chunk "[2|m2]"
json /stats?id=x subscribers == 2

=== a worker that dies in the middle of it is cleared away
--- steps
a: GET /sub/x @worker 1
a< status 200
b: GET /sub/x @worker 2
b< status 200
! reload
json! /stats?id=x subscribers == 2
! kill-worker a
a< gone
json /stats?id=x subscribers == 1 within 5s
pub /pub?id=x m1
b< chunk "[1|m1]"

=== worker_shutdown_timeout shortens it, and still ends everybody in order
--- main_config
worker_shutdown_timeout 2s;
--- steps
a: GET /sub/x @worker 1
b: GET /lp/y @worker 2
a< status 200
b< nothing 50ms
! reload
a,b< nothing 500ms
a< bytes "0\r\n\r\n" within 3s
b< status 304 within 3s
! wait-workers 2

=== a zone of another name has nothing for those who stay: they are ended at once
--- http_config
push_stream_shared_memory_size 10m one;
push_stream_reload_drain 60s;
--- reload_http_config
push_stream_shared_memory_size 10m two;
push_stream_reload_drain 60s;
--- steps
a: GET /sub/x @worker 1
a< status 200
! reload changed
a< end within 1s
! wait-workers 2

=== the time is that of the configuration with which a worker has started
--- http_config
push_stream_reload_drain 0;
--- reload_http_config
push_stream_reload_drain 60s;
--- steps
a: GET /sub/x
a< status 200
! reload changed
a< end within 1s
b: GET /sub/x
b< status 200
! reload
pub /pub?id=x m
b< chunk "m"
b< nothing 300ms

=== it does not bring back the events channel of before
--- http_config
push_stream_reload_drain 60s;
push_stream_events_channel_id before;
push_stream_message_ttl 1s;
push_stream_channel_inactivity_time 1s;
--- reload_http_config
push_stream_reload_drain 60s;
push_stream_events_channel_id after;
push_stream_message_ttl 1s;
push_stream_channel_inactivity_time 1s;
--- steps
a: GET /sub/x @worker 1
b: GET /sub/y @worker 1
a,b< status 200
! reload changed
json /stats channels == 3 within 10s
json! /stats?id=after channel == "after"
# Nobody knows the one of before any more, when the old worker has something to announce.
ax
json /stats?id=x subscribers == 0
? GET /stats?id=before -> 404
bx
! wait-workers 2 within 3s
json /stats channels == 1 within 10s
json! /stats?id=after channel == "after"
