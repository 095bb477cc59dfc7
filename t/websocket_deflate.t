# permessage-deflate (RFC 7692): negotiated where it is on; each message is compressed for itself.
--- http_config
push_stream_message_template "~text~";
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_deflate on;
    push_stream_websocket_allow_publish on;
}
location ~ ^/all/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_deflate on;
    push_stream_websocket_deflate_min_size 0;
}
location ~ ^/plain/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
location ~ ^/small/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_deflate on;
    push_stream_websocket_allow_publish on;
    push_stream_websocket_max_message_size 10k;
}

=== the answer names what was agreed on
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
   Sec-WebSocket-Protocol: chat
a< status 101
a< header Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover
a< names Expires, Cache-Control, Upgrade, Connection, Sec-WebSocket-Accept, Sec-WebSocket-Protocol, Sec-WebSocket-Extensions
b: WS /ws/s
   Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=9
b< header Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9
c: WS /ws/s
   Sec-WebSocket-Extensions: x-webkit-deflate-frame
   Sec-WebSocket-Extensions: permessage-deflate
c< header Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover

=== offers that cannot be met
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8
b: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate; unknown
c: WS /ws/s
d: WS /plain/s
   Sec-WebSocket-Extensions: permessage-deflate
a,b,c,d< status 101
a,b,c,d< no header Sec-WebSocket-Extensions
pub /pub?id=s "0123456789" x 100
a,b,c,d< frame text "0123456789" x 100
a,d> frame text deflated "0123456789" x 100
a,d< frame close 1002
a,d< end

=== long messages are deflated, for those who agreed
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /ws/s
a,b< status 101
pub /pub?id=s "0123456789" x 100
a< frame text deflated "0123456789" x 100
b< frame text "0123456789" x 100
# The second is not built on the first.
pub /pub?id=s "0123456789" x 100
a< frame text deflated "0123456789" x 100
pub /pub?id=s "h\xc3\xa4llo \xf0\x9f\x98\x80 " x 50000
a< frame text deflated "h\xc3\xa4llo \xf0\x9f\x98\x80 " x 50000
b< frame text "0123456789" x 100
b< frame text "h\xc3\xa4llo \xf0\x9f\x98\x80 " x 50000
a,b< nothing 100ms

=== short ones are not
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /all/s
   Sec-WebSocket-Extensions: permessage-deflate
a,b< status 101
pub /pub?id=s "a" x 127
a< frame text "a" x 127
b< frame text deflated "a" x 127
pub /pub?id=s "a" x 128
a< frame text deflated "a" x 128
b< frame text deflated "a" x 128
# What does not shrink is not deflated either.
pub /pub?id=s "abc"
a,b< frame text "abc"
pub /pub?id=s all-bytes
a,b< frame text all-bytes

=== the rendered message counts
--- http_config
push_stream_message_template "................................................................................~text~";
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
a< status 101
pub /pub?id=s "a" x 47
a< frame text "." x 80 + "a" x 47
pub /pub?id=s "a" x 48
a< frame text deflated "." x 80 + "a" x 48

=== history, footer and control frames
--- http_config
push_stream_footer_template "FOOTER";
push_stream_subscriber_connection_ttl 500ms;
push_stream_message_template "~text~";
--- steps
pub /pub?id=s "0123456789" x 100
a: WS /ws/s.b1
   Sec-WebSocket-Extensions: permessage-deflate
a< frame text deflated "0123456789" x 100
a> frame ping "0123456789" x 12
a< frame pong "0123456789" x 12
a< frame text "FOOTER"
a< frame close
a< end

=== a small window
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9
b: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10
c: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15
d: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
a,b,c,d< status 101
pub /pub?id=s "xylophone " + "aabbc" x 209 + "hotel brown jumping quick fox wax xylophone" + "z" x 3000 + "xylophone"
a< frame text deflated window=9 "xylophone " + "aabbc" x 209 + "hotel brown jumping quick fox wax xylophone" + "z" x 3000 + "xylophone"
b< frame text deflated window=10 "xylophone " + "aabbc" x 209 + "hotel brown jumping quick fox wax xylophone" + "z" x 3000 + "xylophone"
c,d< frame text deflated "xylophone " + "aabbc" x 209 + "hotel brown jumping quick fox wax xylophone" + "z" x 3000 + "xylophone"

=== deflated messages from clients
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /plain/s
a,b< status 101
a> frame text deflated "hello"
a,b< frame text "hello"
a> frame text deflated unmasked "0123456789" x 1000
a< frame text deflated "0123456789" x 1000
b< frame text "0123456789" x 1000
a> frame text "0123456789" x 1000
a< frame text deflated "0123456789" x 1000
b< frame text "0123456789" x 1000
b> frame text "0123456789" x 100
a< frame text deflated "0123456789" x 100
a> frame text deflated ""
   frame text "after"
a< frame text "after"
a< nothing 100ms

=== the examples of RFC 7692
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
a< status 101
# One block; in two fragments; not compressed; with a last block; in two blocks.
a> frame text rsv=4 "\xf2\x48\xcd\xc9\xc9\x07\x00"
a< frame text "Hello"
a> frame text rsv=4 fin=0 "\xf2\x48\xcd"
   frame continuation "\xc9\xc9\x07\x00"
a< frame text "Hello"
a> frame text rsv=4 "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"
a< frame text "Hello"
a> frame text rsv=4 "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"
a< frame text "Hello"
a> frame text rsv=4 "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"
a< frame text "Hello"
# A message that refers to the one before is not what was agreed on.
a> frame text rsv=4 "\xf2\x00\x11\x00\x00"
a< frame close 1007
a< end

=== byte by byte, with control frames in between
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
a< status 101
a> slowly frame text rsv=4 fin=0 "\xf2\x48\xcd"
   frame ping "p"
   frame continuation fin=0 "\xc9\xc9"
   frame continuation "\x07\x00"
a< frame pong "p"
a< frame text "Hello"

=== deflated frames that are wrong
--- steps
a: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
c: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
d: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
e: WS /ws/s
   Sec-WebSocket-Extensions: permessage-deflate
a,b,c,d,e< status 101
a> frame ping rsv=4 "p"
b> frame text fin=0 "hel"
   frame continuation rsv=4 "lo"
c> frame text rsv=6 "hello"
d> frame text rsv=4 "no deflate at all"
e> frame text deflated "\xff\xfe"
a,b,c< frame close 1002
d,e< frame close 1007
a,b,c,d,e< end
json! /stats subscribers == 0, published_messages == 0

=== a small message that inflates to a large one
--- steps
a: WS /small/s
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /small/s
   Sec-WebSocket-Extensions: permessage-deflate
a,b< status 101
a> frame text deflated "a" x 10240
a,b< frame text deflated "a" x 10240
a> frame text deflated "a" x 10241
a< frame close 1009
a< end
c: WS /small/s
   Sec-WebSocket-Extensions: permessage-deflate
c> frame text deflated "a" x 20000000
c< last frame close 1009
b< nothing 100ms
json! /stats published_messages == 1

=== in all workers, beside those without
--- workers: 2
--- steps
a: WS /ws/s @worker 1
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /ws/s @worker 2
   Sec-WebSocket-Extensions: permessage-deflate
c: WS /ws/s @worker 1
d: WS /plain/s @worker 2
e: GET /sub/s @worker 1
a,b,c,d< status 101
e< status 200
repeat 20: ? POST /pub?id=s "message ${i} " x 20 -> 200
repeat 20: a,b< frame text deflated "message ${i} " x 20
repeat 20: c,d< frame text "message ${i} " x 20
repeat 20: e< chunk "message ${i} " x 20
a,b,c,d,e< nothing 100ms
