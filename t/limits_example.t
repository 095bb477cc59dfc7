# limits.conf: the limits of nginx count held streams, and end with them.
--- conf_file: nginx-conf/limits.conf

=== streams of an address
--- steps
a: GET /sub/news
b: GET /sub/news
a,b< status 200
? GET /sub/news -> 429
bx
json /pub?id=news subscribers == 1
c: GET /sub/news
c< status 200
pub /pub?id=news Hello
a,c< chunk "Hello\n"

=== messages of an address
--- replace
rate=1r/s => rate=1r/m
--- steps
repeat 10: pub /pub?id=news m${i}
? POST /pub?id=news "one more" -> 429

=== the size of a message
--- steps
a: POST /pub?id=news
   Content-Length: 16385
a< status 413
