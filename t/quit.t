# Quit and stop end the subscribers in order and at once; nginx exits without waiting for them.
--- workers: 2
--- http_config
push_stream_ping_message_interval 10m;
push_stream_subscriber_connection_ttl 10m;

=== quit
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
c: GET /lp/x @worker 1
a,b< status 200
c< nothing 100ms
! quit
a,b< bytes "0\r\n\r\n" within 1s
c< status 304
a,b,c< EOF
! exited within 2s

=== stop
--- steps
a: GET /sub/x
a< status 200
b: GET /lp/x
b< nothing 100ms
! stop
a< bytes "0\r\n\r\n" within 1s
a< EOF
b< status 304
b< header Connection: close
b< EOF
! exited within 2s

=== USR1 changes nothing for them
--- steps
a: GET /sub/x
a< status 200
! signal USR1
pub /pub?id=x m
a< chunk "m"
a< nothing 200ms
