# Polling: 200 with what is due, or 304, at once; the cursor of the answer leads to the next one.
--- http_config
push_stream_message_template "[~text~]";

=== nothing due
--- steps
set T = ${NOW+60}
--- table
GET /poll/s -> 304 | Content-Length: 0 | no Last-Modified | no Etag | Content-Type ~ . | body ""
GET /poll/s -> 304 | names Content-Type, Content-Length, Connection, Expires, Cache-Control
GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/4} -> 304 | Last-Modified: ${T} | Etag: W/4
GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/4} -> 304 | names Content-Type, Content-Length, Last-Modified, Connection, Expires, Cache-Control, Etag

=== something due
--- http_config
push_stream_message_template "[~text~]";
push_stream_header_template "H|";
push_stream_footer_template "|F";
--- steps
! next second
pub /pub?id=s m1
pub /pub?id=s m2
a: GET /poll/s.b2
a< status 200
a< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
a< header Etag: W/2
a< bytes "2\r\nH|\r\n4\r\n[m1]\r\n4\r\n[m2]\r\n2\r\n|F\r\n0\r\n\r\n"
a< end
a< open
? GET /poll/s -> 304 | body ""

=== the answer's cursor leads on
--- steps
! next second
repeat 4: pub /pub?id=s m${i}
a: GET /poll/s.b2
a< capture T = header Last-Modified
a< capture N = header Etag
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304 | Last-Modified: ${T} | Etag: ${N}
pub /pub?id=s m5
b: GET /poll/s
   If-Modified-Since: ${T}
   If-None-Match: ${N}
b< body [m5]
b< capture T = header Last-Modified
b< capture N = header Etag
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304

=== polling never subscribes
--- steps
pub /pub?id=s m
a: GET /poll/s.b1
a< body [m]
json! /stats subscribers == 0
json! /stats?id=s subscribers == 0
pub /pub?id=s later
a< done
a< open

=== conditions that are not ours do not matter
--- steps
pub /pub?id=s m
? GET /poll/s.b1 {If-None-Match: *}                       -> 200 | body [m]
? GET /poll/s.b1 {If-None-Match: W/1}                     -> 200 | body [m]
? GET /poll/s.b1 {If-Match: "x"}                          -> 200 | body [m]
? GET /poll/s.b1 {If-Match: *}                            -> 200 | body [m]
? GET /poll/s.b1 {If-Unmodified-Since: ${EPOCH}}          -> 200 | body [m]
? GET /poll/s.b1 {If-Unmodified-Since: ${EPOCH}; If-None-Match: *; If-Modified-Since: ${NOW+100}} -> 200 | body [m]
? GET /poll/s {If-Match: "x"}                             -> 304
? GET /poll/s {If-Unmodified-Since: ${EPOCH}}             -> 304
? GET /poll/s.b1 {Range: bytes=0-0}                       -> 200 | body [m]

=== several channels, channel by channel; the cursor is the newest of them
--- steps
! next second
pub /pub?id=x x1
pub /pub?id=y y1
pub /pub?id=x x2
? GET /poll/y.b9/x.b9 -> 200 | body [y1][x1][x2] | Etag: W/3
? GET /poll/x.b9/y.b9 -> 200 | body [x1][x2][y1] | Etag: W/3
? GET /poll/x.b9/y    -> 200 | body [x1][x2] | Etag: W/3
? GET /poll/y.b9/none -> 200 | body [y1] | Etag: W/2
? GET /poll/x/y {If-Modified-Since: ${EPOCH}} -> 200 | body [x1][x2][y1] | Etag: W/3

=== HTTP/1.0
--- steps
pub /pub?id=s m
a: GET /poll/s.b1 @1.0
a< status 200
a< no header Transfer-Encoding
a< header Connection: close
a< body [m]
a< EOF

=== old messages of any size
--- steps
repeat 5: pub /pub?id=s "0123456789" x 20000
? GET /poll/s.b5 -> 200 | body "[" + "0123456789" x 20000 + "][" + "0123456789" x 20000 + "][" + "0123456789" x 20000 + "][" + "0123456789" x 20000 + "][" + "0123456789" x 20000 + "]"
