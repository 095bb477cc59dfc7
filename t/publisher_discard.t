# A body that nobody wants is thrown away; it is never taken for the next request.

=== bodies on refused requests
--- table
POST   /pub?id=ALL "GET /pub?id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"    -> 403
POST   /pub "GET /pub?id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"           -> 400
PATCH  /pub?id=a "GET /pub?id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"      -> 405
GET    /pub?id=a "GET /pub?id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"      -> 404
OPTIONS /pub?id=a "GET / HTTP/1.1\r\n\r\n"                               -> 200
POST   /sub/a "GET / HTTP/1.1\r\n\r\n"                                   -> 405
OPTIONS /sub/a "GET / HTTP/1.1\r\n\r\n"                                  -> 200
GET    /sub/ALL "GET / HTTP/1.1\r\n\r\n"                                 -> 403
GET    /poll/a "GET / HTTP/1.1\r\n\r\n"                                  -> 304
GET    /poll/a chunked "GET / HTTP/1.1\r\n\r\n"                          -> 304
POST   /stats "GET / HTTP/1.1\r\n\r\n"                                   -> 405
GET    /stats "GET / HTTP/1.1\r\n\r\n"                                   -> 200
GET    /stats?id=nobody "GET / HTTP/1.1\r\n\r\n"                         -> 404
POST   /pub?id=ALL "0123456789" x 20000                                  -> 403
POST   /pub?id=ALL chunked "0123456789" x 20000                          -> 403
GET    /stats                                                            -> 200

=== a body on a waiting subscriber's request
--- steps
a: connect
a> "GET /lp/a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nGET /stats HTTP/1.1\r\n"
a< nothing 200ms
json /stats?id=a subscribers == 1
pub /pub?id=a hello
a< status 200
a< body hello
a< end

=== the same bytes in one packet with a following request
--- steps
a: connect
a> "POST /pub?id=ALL HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET GET /stats?id=nobody HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 403
a< end
a< next
a< status 404
a< end
a< open
