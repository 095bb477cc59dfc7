# What each signal does to waiting subscribers, mode by mode.
--- workers: 2
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_header_template "H";
push_stream_footer_template "F";
push_stream_ping_message_interval 10m;
push_stream_subscriber_connection_ttl 10m;

=== TERM
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x/y @worker 2
c: GET /sub/x @1.0
d: GET /lp/x @worker 1
e: GET /lp/x/y?callback=cb @worker 2
a,b,c< status 200
d,e< nothing 100ms
! stop
a,b< bytes "1\r\nH\r\n1\r\nF\r\n0\r\n\r\n" within 1s
c< bytes "HF"
d,e< status 304
d,e< header Etag: W/0
d,e< header Connection: close
e< header Content-Type: application/javascript
a,b,c,d,e< EOF
! exited within 2s

=== INT
--- steps
a: GET /sub/x @worker 1
d: GET /lp/x @worker 2
a< status 200
d< nothing 100ms
! signal INT
a< bytes "1\r\nH\r\n1\r\nF\r\n0\r\n\r\n" within 1s
d< status 304
d< header Connection: close
a,d< EOF
! exited within 2s

=== QUIT
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x/y @worker 2
d: GET /lp/x @worker 1
a,b< status 200
d< nothing 100ms
! quit
a,b< bytes "1\r\nH\r\n1\r\nF\r\n0\r\n\r\n" within 1s
d< status 304
a,b,d< EOF
! exited within 2s

=== QUIT lets a publisher finish
--- steps
a: GET /sub/x @worker 1
a< status 200
p: POST /pub?id=x @worker 2
   Content-Length: 10
   body "half "
! quit
a< done within 1s
p> "more."
p< status 200
p< json published_messages == 1
p< EOF
px
! exited within 2s

=== HUP
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x/y @worker 2
c: GET /sub/x @1.0
d: GET /lp/x @worker 1
e: GET /lp/x/y?callback=cb @worker 2
a,b,c< status 200
d,e< nothing 100ms
! signal HUP
a,b< bytes "1\r\nH\r\n1\r\nF\r\n0\r\n\r\n" within 1s
c< bytes "HF"
d,e< status 304
d,e< header Etag: W/0
d,e< header Last-Modified ~ GMT$
a,b,c,d,e< EOF
! wait-workers 2
json /stats subscribers == 0, by_worker.length == 2

=== with timeout_with_body long polls end with it
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_header_template "H";
push_stream_footer_template "F";
push_stream_timeout_with_body on;
--- steps
d: GET /lp/x @worker 1
e: GET /lp/x?callback=cb @worker 2
d,e< nothing 100ms
! signal HUP
d,e< status 200
d,e< header Etag: W/0
d< body "H[-3|Timed out]F"
e< body "Hcb([[-3|Timed out]]);F"
d,e< EOF
! wait-workers 2
d: GET /lp/x @worker 1
e: GET /lp/x?callback=cb @worker 2
d,e< nothing 100ms
! stop
d,e< status 200
d< body "H[-3|Timed out]F"
e< body "Hcb([[-3|Timed out]]);F"
d,e< EOF
! exited within 2s

=== USR1 only reopens the logs
--- steps
a: GET /sub/x @worker 1
b: GET /lp/x @worker 2
a< status 200
a< chunk "H"
b< nothing 100ms
! signal USR1
! log "reopening logs"
a,b< nothing 200ms
json! /stats subscribers == 2
pub /pub?id=x m
a< chunk "[1|m]"
b< body "H[1|m]F"
! access-log "GET /lp/x HTTP/1.1"

=== a killed worker's numbers are put right
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x/y @worker 2
d: GET /lp/x @worker 1
a,b< status 200
json /stats subscribers == 3
! kill-worker a
a,d< gone
json /stats subscribers == 1, by_worker.length == 2 within 1s
json! /stats?id=x subscribers == 1
json! /stats?id=y subscribers == 1
b< chunk "H"
pub /pub?id=x m
b< chunk "[1|m]"
