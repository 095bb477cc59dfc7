# With push_stream_websocket_strict on, what most servers forgive is refused.
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_strict on;
    push_stream_websocket_allow_publish on;
}

=== a good client notices nothing
--- steps
a: WS /ws/s
   Connection: keep-alive, upgrade
   Upgrade: WebSocket
b: WS /ws/s
   Sec-WebSocket-Version: 8
a,b< status 101
a> frame text "hello"
a,b< frame text "hello"
a> frame text fin=0 "a" x 126
   frame ping "p"
   frame continuation "b" x 65536
a< frame pong "p"
a,b< frame text "a" x 126 + "b" x 65536
a> frame close 1000
a< frame close 1000
b> frame close
b< frame close
a,b< end

=== a list may stand in several lines
--- steps
a: WS /ws/s
   Connection: keep-alive
   Connection: Upgrade
   Upgrade: h2c
   Upgrade: websocket
a< status 101

=== contents of the handshake
--- table
WS /ws/s {Connection: keep-alive}                     -> 400 | explain Header Connection must contain the token upgrade. | Content-Length: 0 | close
WS /ws/s {Connection: upgraded}                       -> 400 | explain Header Connection must contain the token upgrade.
WS /ws/s {Upgrade: h2c}                               -> 400 | explain Header Upgrade must contain the token websocket. | close
WS /ws/s {Sec-WebSocket-Key:}                         -> 400 | explain Header Sec-WebSocket-Key must be 16 bytes in base64. | close
WS /ws/s {Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=} -> 400 | explain Header Sec-WebSocket-Key must be 16 bytes in base64.
WS /ws/s {Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy} -> 400 | explain Header Sec-WebSocket-Key must be 16 bytes in base64.
WS /ws/s {Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j-_==} -> 400 | explain Header Sec-WebSocket-Key must be 16 bytes in base64.
WS /ws/s {no Upgrade}                                 -> 400 | explain Don't have at least one of the mandatory headers: Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version
WS /ws/s {Sec-WebSocket-Version: 7}                   -> 400 | explain Version not supported. Supported versions: 8, 13
GET /stats                                            -> 200 | json channels == 0

=== frames without a mask
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
a,b,c,d< status 101
a> frame text unmasked "hello"
b> frame ping unmasked
c> frame text fin=0 "hel"
   frame continuation unmasked "lo"
d> "\x81\x05"
a,b,c,d< frame close 1002
a,b,c,d< end
json! /stats published_messages == 0

=== lengths in more bytes than they need
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
a,b,c< status 101
a> frame text len16 "hello"
b> frame text len64 "a" x 126
c> frame text len64 ""
a,b,c< frame close 1002
a,b,c< end

=== half a close code
--- steps
a: WS /ws/s
a< status 101
a> frame close "\x03"
a< frame close 1002
a< end

=== unknown kinds of frames are answered as ever
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
a> frame opcode=3
b> frame binary "x"
a,b< bytes "\x88\x00"
a,b< end
