# X-Nginx-PushStream-Mode makes a poll or a long poll of any HTTP subscriber location.

=== what the header makes of the locations
--- steps
pub /pub?id=s m
? GET /sub/s.b1 {X-Nginx-PushStream-Mode: polling}       -> 200 | body m | Etag ~ ^W/\d+$
? GET /sub/s {X-Nginx-PushStream-Mode: polling}          -> 304
? GET /sub/s {X-Nginx-PushStream-Mode: Polling}          -> 304
? GET /poll/s {X-Nginx-PushStream-Mode: polling}         -> 304
? GET /lp/s {X-Nginx-PushStream-Mode: polling}           -> 304
? GET /sub/s.b1 {X-Nginx-PushStream-Mode: long-polling}  -> 200 | body m | Etag ~ ^W/\d+$
a: GET /sub/s
   X-Nginx-PushStream-Mode: LONG-polling
b: GET /poll/s
   X-Nginx-PushStream-Mode: long-polling
c: GET /lp/s
   X-Nginx-PushStream-Mode: long-polling
d: GET /lp/s
   X-Nginx-PushStream-Mode: streaming
e: GET /sub/s
   X-Nginx-PushStream-Mode: long_polling
e< status 200
e< no header Etag
a,b,c,d< nothing 200ms
pub /pub?id=s next
a,b,c,d< status 200
a,b,c,d< header Etag ~ ^W/\d+$
a,b,c,d< body next
e< chunk "next"
e< nothing 100ms

=== without the header every location has its own mode
--- steps
a: GET /sub/s
a< header Transfer-Encoding: chunked
b: GET /lp/s
b< nothing 100ms
? GET /poll/s -> 304
