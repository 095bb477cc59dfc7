# Streaming: an endless chunked answer, one chunk for each piece, at once.
--- http_config
push_stream_message_template "[~id~|~channel~|~text~]\r\n";

=== the head comes at once, messages follow as they are published
--- steps
a: GET /sub/s
a< status 200
a< header Transfer-Encoding: chunked
a< names Content-Type, Transfer-Encoding, Connection, Expires, Cache-Control
a< header Connection: keep-alive
a< header Expires: Thu, 01 Jan 1970 00:00:01 GMT
a< header Cache-Control: no-cache, no-store, must-revalidate
a< no header Last-Modified
a< no header Etag
a< nothing 200ms
json! /stats?id=s subscribers == 1
pub /pub?id=s m1
a< bytes "a\r\n[1|s|m1]\r\n\r\n"
pub /pub?id=s m2
a< bytes "a\r\n[2|s|m2]\r\n\r\n"
a< nothing 200ms

=== header template, backtrack, live
--- http_config
push_stream_header_template "HEADER\r\n";
push_stream_message_template "[~id~|~channel~|~text~]\r\n";
--- steps
repeat 4: pub /pub?id=s m${i}
a: GET /sub/s.b2
a< status 200
a< chunk "HEADER\r\n"
a< chunk "[3|s|m3]\r\n"
a< chunk "[4|s|m4]\r\n"
pub /pub?id=s m5
a< chunk "[5|s|m5]\r\n"
a< nothing 100ms

=== chunk sizes are lower-case hex
--- steps
a: GET /sub/s
a< status 200
pub /pub?id=s "x" x 161
a< bytes "a9\r\n[1|s|"
a< bytes "x" x 161
a< bytes "]\r\n\r\n"

=== without a cursor nothing old is sent
--- steps
pub /pub?id=s old
a: GET /sub/s
a< status 200
a< nothing 200ms
pub /pub?id=s new
a< chunk "[2|s|new]\r\n"

=== with a cursor old messages come first, then live ones, nothing twice
--- steps
! next second
repeat 5: pub /pub?id=s m${i}
p: GET /poll/s.b1
p< capture T = header Last-Modified
a: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: W/2
b: GET /sub/s
   If-Modified-Since: ${EPOCH}
c: GET /sub/s
   Last-Event-Id: nobody
pub /pub?id=s live
a< chunk "[3|s|m3]\r\n"
a< chunk "[4|s|m4]\r\n"
a< chunk "[5|s|m5]\r\n"
a< chunk "[6|s|live]\r\n"
b< text [1|s|m1]
b< text [5|s|m5]
b< text "[6|s|live]\r\n"
c< chunk "[6|s|live]\r\n"
a,b,c< nothing 100ms
b< count 6 "|s|"

=== several channels on one connection
--- steps
a: GET /sub/s1/s2/s3
a< status 200
json! /stats subscribers == 1
json! /stats?id=s2 subscribers == 1
pub /pub?id=s3 x
pub /pub?id=s1 y
pub /pub?id=s2 z
a< chunk "[1|s3|x]\r\n"
a< chunk "[1|s1|y]\r\n"
a< chunk "[1|s2|z]\r\n"

=== old messages of several channels come channel by channel
--- steps
pub /pub?id=s1 a
pub /pub?id=s2 b
pub /pub?id=s1 c
pub /pub?id=s3 d
a: GET /sub/s2.b9/s1.b1/s3
a< chunk "[1|s2|b]\r\n"
a< chunk "[2|s1|c]\r\n"
a< nothing 100ms

=== with a cursor they come in the order of their publishing, so that the client can go on behind any of them
--- http_config
push_stream_message_template "[~id~|~channel~|~tag~]";
--- steps
! next second
pub /pub?id=s2 b1
pub /pub?id=s1 a1
pub /pub?id=s2 b2
   Event-Id: b2
pub /pub?id=s1 a2
pub /pub?id=s2 b3
p: GET /poll/s1.b1
p< capture T = header Last-Modified
a: GET /sub/s1/s2
   If-Modified-Since: ${EPOCH}
b: GET /sub/s1/s2
   If-Modified-Since: ${T}
   If-None-Match: W/1
c: GET /sub/s1/s2
   Last-Event-Id: b2
d: GET /sub/s1.b9/s2
   If-Modified-Since: ${T}
   If-None-Match: W/3
a< chunk "[1|s2|1]"
a,b< chunk "[1|s1|2]"
a,b< chunk "[2|s2|3]"
d< chunk "[1|s1|2]"
a,b,c,d< chunk "[2|s1|4]"
a,b,c,d< chunk "[3|s2|5]"
a,b,c,d< nothing 100ms

=== the same channel twice is subscribed twice
--- steps
a: GET /sub/s/s
a< status 200
json! /stats?id=s subscribers == 2
json! /stats subscribers == 1
pub /pub?id=s m
a< chunk "[1|s|m]\r\n"
a< chunk "[1|s|m]\r\n"
a< nothing 100ms

=== HTTP/1.0 and HTTP/0.9 have no chunks
--- steps
a: GET /sub/s @1.0
a< status 200
a< header Connection: close
a< no header Transfer-Encoding
b: GET /sub/s @0.9
json /stats?id=s subscribers == 2
pub /pub?id=s m
a< bytes "[1|s|m]\r\n"
b< bytes "[1|s|m]\r\n"
? DELETE /pub?id=s -> 200
a,b< text Channel deleted
a,b< EOF

=== a client that leaves is unsubscribed at once
--- steps
a: GET /sub/s
a< status 200
b: GET /sub/s
b< status 200
c: GET /sub/s
c< status 200
json! /stats?id=s subscribers == 3
ax
json /stats?id=s subscribers == 2 within 1s
b half-close
json /stats?id=s subscribers == 1 within 1s
json! /stats subscribers == 1
pub /pub?id=s still
c< chunk "[1|s|still]\r\n"

=== content types follow nginx's rules
--- extra_config
default_type text/x-default;
types { text/html html; }
--- steps
a: GET /sub/room
a< header Content-Type: text/x-default
b: GET /sub/room.html
b< header Content-Type: text/html

=== the callback argument means nothing
--- steps
a: GET /sub/s?callback=cb
a< header Content-Type ~ ^text/plain
pub /pub?id=s m
a< chunk "[1|s|m]\r\n"

=== a message of several megabytes
--- steps
a: GET /sub/s
a< status 200
b: GET /sub/s @1.0
b< status 200
pub /pub?id=s "0123456789abcdef" x 200000
pub /pub?id=s after
a< text [1|s|0123456789abcdef within 10s
a< text [2|s|after] within 10s
b< text [2|s|after] within 10s
a< count 200000 "0123456789abcdef"

=== a burst of messages arrives whole and in order
--- steps
a: GET /sub/s
a< status 200
repeat 50: ? POST /pub?id=s "m${i}" -> 200
repeat 50: a< chunk "[${i}|s|m${i}]\r\n"
a< nothing 100ms

=== bytes are not touched
--- http_config
push_stream_message_template "~text~";
--- steps
a: GET /sub/s
a< status 200
pub /pub?id=s all-bytes
a< chunk all-bytes
pub /pub?id=s "\0\r\n0\r\n\r\n"
a< chunk "\0\r\n0\r\n\r\n"

=== a head goes out even if nothing is to be seen of the history behind it
--- http_config
push_stream_message_template "~event-type~";
--- extra_config
location /zipped { push_stream_subscriber; push_stream_channels_path s.b2; gzip on; gzip_types *; gzip_min_length 0; }
location /plain { push_stream_subscriber; push_stream_channels_path s.b2; }
location /limited { push_stream_subscriber; push_stream_channels_path s.b2; limit_rate 1m; }
--- steps
repeat 2: pub /pub?id=s m${i}
a: GET /zipped
   Accept-Encoding: gzip
b: GET /plain
c: GET /limited
a,b,c< status 200
a< chunk ~ (?s).
a,b,c< nothing 100ms
? POST /pub?id=s {Event-Type: x} "m3" -> 200
a,b,c< chunk ~ (?s).

=== gzip compresses and flushes every piece
--- extra_config
gzip on;
gzip_types *;
gzip_min_length 0;
--- steps
a: GET /sub/s
   Accept-Encoding: gzip
a< status 200
pub /pub?id=s m1
a< header Content-Encoding: gzip
a< chunk ~ (?s).
b: GET /sub/s
b< status 200
pub /pub?id=s m2
b< chunk "[2|s|m2]\r\n"
