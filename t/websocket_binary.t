# With push_stream_websocket_binary on, what was published as binary goes out in binary frames.
--- http_config
push_stream_message_template "~text~";
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_binary on;
    push_stream_websocket_allow_publish on;
    push_stream_store_messages on;
}
location ~ ^/text/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}

=== published over HTTP, by its Content-Type
--- steps
a: WS /ws/s
b: WS /text/s
c: GET /sub/s
a,b< status 101
c< status 200
? POST /pub?id=s {Content-Type: application/octet-stream} all-bytes -> 200
a< frame binary all-bytes
b< frame text all-bytes
c< chunk all-bytes
? POST /pub?id=s {Content-Type: text/plain} "text" -> 200
a,b< frame text "text"
? POST /pub?id=s "neither" -> 200
a,b< frame text "neither"
a,b< nothing 100ms
# Stored messages remember it.
d: WS /ws/s.b3
d< frame binary all-bytes
d< frame text "text"
d< frame text "neither"
e: WS /text/s.b3
e< frame text all-bytes

=== published through the socket
--- steps
a: WS /ws/s
b: WS /text/s
c: WS /ws/s
a,b,c< status 101
a> frame binary "\x00\xff\xfe"
a,c< frame binary "\x00\xff\xfe"
b< frame text "\x00\xff\xfe"
a> frame binary fin=0 "\xc3"
   frame ping "p"
   frame continuation unmasked fin=0 "\x28"
   frame continuation "\xff"
a< frame pong "p"
a,c< frame binary "\xc3\x28\xff"
b< frame text "\xc3\x28\xff"
a> frame text "text"
a,b,c< frame text "text"
a> frame binary ""
   frame binary all-bytes
a,c< frame binary all-bytes
a,c< nothing 100ms

=== what is stored of it
--- steps
a: WS /ws/s
a< status 101
a> frame binary "one"
   frame binary "\xff\xfe"
a< frame binary "one"
a< frame binary "\xff\xfe"
? GET /poll/s.b9 -> 200 | body "one\xff\xfe"
! reload
b: WS /ws/s.b2
b< frame binary "one"
b< frame binary "\xff\xfe"

=== texts are still checked, sequences as well
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /text/s
a,b,c< status 101
a> frame text "\xff"
a< frame close 1007
b> frame binary fin=0 "one"
   frame text "two"
b< frame close 1002
c> frame binary "one"
c< bytes "\x88\x00"
a,b,c< end
json! /stats published_messages == 0

=== templates are text, and a message in one is what was published
--- http_config
push_stream_message_template "[~text~]";
push_stream_header_template "HEADER";
push_stream_footer_template "FOOTER";
--- steps
a: WS /ws/s
a< status 101
a< frame text "HEADER"
? POST /pub?id=s {Content-Type: application/octet-stream} "\xff" -> 200
a< frame binary "[\xff]"
? DELETE /pub?id=s -> 200
a< frame text "[Channel deleted]"
a< frame text "FOOTER"
a< frame close
a< end

=== across workers, deflated or not
--- workers: 2
--- http_config
push_stream_websocket_deflate on;
push_stream_message_template "~text~";
--- steps
a: WS /ws/s @worker 1
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /ws/s @worker 2
   Sec-WebSocket-Extensions: permessage-deflate
c: WS /ws/s @worker 2
a,b,c< status 101
a> frame binary deflated "\xff\x00" x 1000
a,b< frame binary deflated "\xff\x00" x 1000
c< frame binary "\xff\x00" x 1000
