# Long polling: as polling when something is due, else it waits for exactly one message.
--- http_config
push_stream_message_template "[~id~|~channel~|~text~|~tag~]";

=== waits, then answers with one message
--- steps
a: GET /lp/s
a< nothing 200ms
json! /stats?id=s subscribers == 1
! next second
pub /pub?id=s m1
a< status 200
a< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
a< header Etag: W/1
a< bytes "a\r\n[1|s|m1|1]\r\n0\r\n\r\n"
a< end
json! /stats?id=s subscribers == 0
json! /stats subscribers == 0
pub /pub?id=s m2
a< open

=== the same bytes without a template
--- http_config
push_stream_ping_message_interval 100ms;
--- steps
a: GET /lp/s
a< nothing 400ms
pub /pub?id=s "message to be sent 001"
a< status 200
a< bytes "16\r\nmessage to be sent 001\r\n0\r\n\r\n"

=== header and footer around the message
--- http_config
push_stream_header_template "H|";
push_stream_message_template "[~text~]";
push_stream_footer_template "|F";
--- steps
a: GET /lp/s
a< nothing 100ms
pub /pub?id=s m
a< status 200
a< bytes "2\r\nH|\r\n3\r\n[m]\r\n2\r\n|F\r\n0\r\n\r\n"

=== something due is the polling answer
--- steps
! next second
pub /pub?id=s m1
pub /pub?id=s m2
? GET /lp/s.b2 -> 200 | body "[1|s|m1|1][2|s|m2|2]" | Etag: W/2
? GET /lp/s {If-Modified-Since: ${EPOCH}} -> 200 | body "[1|s|m1|1][2|s|m2|2]" | Etag: W/2
json! /stats subscribers == 0

=== on one connection, request after request, nothing is lost or repeated
--- steps
a: GET /lp/s
a< nothing 100ms
! next second
pub /pub?id=s m1
pub /pub?id=s m2
pub /pub?id=s m3
a< status 200
a< body [1|s|m1|1]
a< capture T = header Last-Modified
a< capture N = header Etag
a: GET /lp/s @keep
   If-Modified-Since: ${T}
   If-None-Match: ${N}
a< status 200
a< body [2|s|m2|2][3|s|m3|3]
a< capture T = header Last-Modified
a< capture N = header Etag
a: GET /lp/s @keep
   If-Modified-Since: ${T}
   If-None-Match: ${N}
a< nothing 200ms
pub /pub?id=s m4
a< body ~ ^\[4\|s\|m4\|\d+\]$

=== a publish to two of its channels gives two answers
--- steps
a: GET /lp/x/y
a< nothing 100ms
json! /stats subscribers == 1
! next second
pub /pub?id=x/y both
a< body [1|x|both|1]
a< header Etag: W/1
a< capture T = header Last-Modified
? GET /lp/x/y {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | body [1|y|both|2] | Etag: W/2

=== the time limit ends it with 304
--- extra_config
location ~ ^/short/(.*)$ {
    push_stream_subscriber long-polling;
    push_stream_channels_path $1;
    push_stream_longpolling_connection_ttl 500ms;
    push_stream_subscriber_connection_ttl 100s;
}
location ~ ^/other/(.*)$ {
    push_stream_subscriber long-polling;
    push_stream_channels_path $1;
    push_stream_subscriber_connection_ttl 500ms;
}
--- steps
! next second
a: GET /short/s
b: GET /other/s
a,b< status 304
a,b< took 450ms..1500ms
a,b< header Etag: W/0
a,b< header Last-Modified ~ GMT$
a,b< header Content-Length: 0
a,b< names Content-Type, Content-Length, Last-Modified, Connection, Expires, Cache-Control, Etag
a,b< end
a,b< open
json! /stats subscribers == 0

=== the cursor of a timeout repeats nothing and loses nothing
--- extra_config
location ~ ^/short/(.*)$ {
    push_stream_subscriber long-polling;
    push_stream_channels_path $1;
    push_stream_longpolling_connection_ttl 200ms;
}
--- steps
! next second
pub /pub?id=s before
a: GET /short/s
a< status 304
a< capture T = header Last-Modified
a< capture N = header Etag
pub /pub?id=s after
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 200 | body ~ ^\[2\|s\|after\|\d+\]$

=== without a limit it waits on, and a client that leaves is forgotten
--- steps
a: GET /lp/s
b: GET /lp/s
a,b< nothing 300ms
json! /stats?id=s subscribers == 2
ax
json /stats?id=s subscribers == 1 within 1s
b half-close
json /stats?id=s subscribers == 0 within 1s

=== many polls of one message
--- steps
a: GET /lp/s
b: GET /lp/s/t
c: GET /lp/t/s
d: GET /lp/t
json /stats subscribers == 4
pub /pub?id=s m
a,b,c< body ~ ^\[1\|s\|m\|\d+\]$
d< nothing 100ms
json! /stats subscribers == 1

=== HTTP/1.0
--- steps
a: GET /lp/s @1.0
a< nothing 100ms
pub /pub?id=s m
a< status 200
a< no header Transfer-Encoding
a< body ~ ^\[1\|s\|m\|\d+\]$
a< EOF
