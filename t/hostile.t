# Requests that nobody means well: each gets its answer or its end, and the others notice nothing.

=== ids, paths and heads longer than nginx takes
--- steps
a: GET /sub/a
a< status 200
b: connect
b> "GET /sub/" + "x" x 1000000 + " HTTP/1.1\r\nHost: x\r\n\r\n"
b< status 414
c: connect
c> "POST /pub?id=" + "a/" x 10000 + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nm"
c< status 414
d: connect
d> "GET /sub/b HTTP/1.1\r\nHost: x\r\n" + "X-Flood: y\r\n" x 10000 + "\r\n"
d< status 400
e: connect
e> "POST /pub?id=b HTTP/1.1\r\nHost: x\r\nEvent-Id: " + "x" x 10000 + "\r\nContent-Length: 1\r\n\r\nm"
e< status 400
f: connect
f> "POST /pub?id=b HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nm"
f< status 413
? GET /stats -> 200 | json channels == 1 | json published_messages == 0
pub /pub?id=a still here
a< text still here

=== the longest that nginx takes
--- http_config
large_client_header_buffers 4 64k;
--- steps
a: connect
a> "GET /sub/" + "x" x 60000 + " HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 200
b: connect
b> "POST /pub?id=" + "x" x 60000 + " HTTP/1.1\r\nHost: x\r\nEvent-Id: " + "i" x 60000 + "\r\nEvent-Type: " + "t" x 60000 + "\r\nContent-Length: 1\r\n\r\nm"
b< status 200
a< text m
c: connect
c> "GET /poll/" + "x" x 60000 + ".b999999999 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
c< status 200
c< body "m"

=== a body that never ends, one that comes too slowly, one that is garbage
--- http_config
client_body_timeout 1s;
--- steps
a: connect
a> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nm"
b: connect
b> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"
c: connect
c> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nm"
c< status 400
d: connect
d> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
d< status 400
e: connect
e> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
e half-close
a< gone within 5s
b< gone within 5s
e< gone within 5s
# Nothing of them was published, and no channel was made for it.
? GET /stats -> 200 | json channels == 0 | json published_messages == 0

=== garbage behind a request is no part of it
--- steps
a: connect
a> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nm\0\xff\x16\x03\x01garbage\r\n\r\n"
a< status 200
a< next
a< status 400
a< EOF
b: connect
b> "GET /poll/a.b1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nm2GET /poll/a.b1 HTTP/1.1\r\nHost: x\r\n\r\n"
b< body "m"
b< next
b< status 200
b< next
b< body "m2"

=== line ends and NUL in an id stay inside of it
--- steps
? POST /pub?id=a%0D%0ASet-Cookie:%20x=y%00/b "m" -> 200 | no Set-Cookie
? GET /stats?id=a%0D%0ASet-Cookie:%20x=y%00 -> 200 | no Set-Cookie | json stored_messages == 1
? GET /poll/a%250D%250ASet-Cookie:%2520x=y%2500.b1 -> 200 | no Set-Cookie | body "m"
? DELETE /pub?id=a%0D%0ASet-Cookie:%20x=y%00 -> 200 | no Set-Cookie

=== an event id or type breaks out of no answer
--- config
location /pub { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/poll/(.*)$ {
    push_stream_subscriber polling; push_stream_channels_path $1;
    push_stream_message_template "~event-id~|~event-type~|~text~";
}
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
--- steps
# nginx ends a header at the line's end and refuses NUL; a lone CR is its business, too.
a: connect
a> "POST /pub?id=s HTTP/1.1\r\nHost: x\r\nEvent-Id: 1\0X\r\nContent-Length: 1\r\n\r\nm"
a< status 400
b: connect
b> "POST /pub?id=s HTTP/1.1\r\nHost: x\r\nEvent-Id: <script>~text~\r\nEvent-Type: \"\\~id~\r\nContent-Length: 1\r\n\r\nm"
b< status 200
# What stands for a word in a value is not looked at again.
? GET /poll/s.b1 -> 200 | body <script>~text~|"\~id~|m

=== cursors that mean nothing
--- steps
pub /pub?id=a m
? GET /poll/a {If-Modified-Since: Thu, 99 Foo 99999 99:99:99 GMT; If-None-Match: W/99999999999999999999} -> 304
? GET /poll/a {If-Modified-Since: x; If-None-Match: "*"; Last-Event-Id: nothing} -> 304
? GET /poll/a.b999999999 -> 200 | body "m"
? GET /poll/a.b0 -> 304
? GET /poll/a.b-1 -> 304
