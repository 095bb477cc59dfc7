# A message's text is the body, byte for byte, however it comes: in memory, in a file, in chunks.
--- config
location = /pub {
    push_stream_publisher admin;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
    client_max_body_size 3m;
    client_body_buffer_size 1k;
}
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }

=== in memory
--- table
POST /pub?id=a "hello"                         -> 200
GET  /poll/a.b1                                -> 200 | body hello
POST /pub?id=a all-bytes                       -> 200
GET  /poll/a.b1                                -> 200 | body all-bytes
POST /pub?id=a "\r\n"                          -> 200
GET  /poll/a.b1                                -> 200 | body "\r\n"
POST /pub?id=a "\0"                            -> 200
GET  /poll/a.b1                                -> 200 | body "\0"

=== in a temporary file, which is gone afterwards
--- steps
? POST /pub?id=a "0123456789" x 20000 -> 200
? GET  /poll/a.b1 -> 200 | body "0123456789" x 20000
? POST /pub?id=a "0123456789abcdef" x 160000 -> 200
? GET  /poll/a.b1 -> 200 | body "0123456789abcdef" x 160000
! no-temp-files

=== chunked
--- steps
a: POST /pub?id=a
   chunked "one "
   chunked "two "
   chunked all-bytes
   chunked "three"
a< status 200
? GET /poll/a.b1 -> 200 | body ~ (?s)^one two .*three$
b: POST /pub?id=b
   chunked "0123456789" x 300
   chunked "abcdefghij" x 3000
b< status 200
? GET /poll/b.b1 -> 200 | body "0123456789" x 300 + "abcdefghij" x 3000
! no-temp-files

=== in two pieces, memory then file
--- steps
a: connect
a> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n"
a> "a" x 600
a< nothing 100ms
a> "b" x 1400
a> "c" x 1000
a< status 200
? GET /poll/a.b1 -> 200 | body "a" x 600 + "b" x 1400 + "c" x 1000
! no-temp-files

=== Expect: 100-continue
--- steps
a: connect
a> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
a< bytes "HTTP/1.1 100 Continue\r\n\r\n"
a> "hello"
a< status 200
a< json published_messages == 1
? GET /poll/a.b1 -> 200 | body hello

=== too large for nginx
--- steps
a: POST /pub?id=a
   Content-Length: 3145729
a< status 413
a< header Connection: close
? GET /pub?id=a -> 404

=== the client leaves in the middle of a body
--- steps
a: POST /pub?id=a
   Content-Length: 100000
   body "x" x 50000
! wait 100ms
ax
! no-temp-files
? GET /pub?id=a -> 404

=== words of the template inside a text are not expanded
--- http_config
push_stream_message_template "[~id~ ~text~]";
--- table
POST /pub?id=a "~id~ ~text~ ~channel~"  -> 200
GET  /poll/a.b1                         -> 200 | body "[1 ~id~ ~text~ ~channel~]"
POST /pub?id=a "~text~" x 130000        -> 200
GET  /poll/a.b1                         -> 200 | body "[2 " + "~text~" x 130000 + "]"
