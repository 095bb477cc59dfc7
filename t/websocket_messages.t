# Messages from WebSocket clients arrive whole, however they are framed and however the network cuts them.
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}

=== a text, masked or not
--- steps
a: WS /ws/s
a< status 101
a> frame text "hello"
a< frame text "hello"
a> frame text unmasked "hello"
a< frame text "hello"
a> frame text key=00000000 "hello"
a< frame text "hello"
a> frame text key=ffffffff "h\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
a< frame text "h\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
a< nothing 100ms

=== lengths of all widths
--- steps
a: WS /ws/s
a< status 101
a> frame text "a" x 125
a< frame text "a" x 125
a> frame text "a" x 126
a< frame text "a" x 126
a> frame text "a" x 65535
a< frame text "a" x 65535
a> frame text "a" x 65536
a< frame text "a" x 65536
# More bytes than needed say the same.
a> frame text len16 "short"
a< frame text "short"
a> frame text len64 "short"
a< frame text "short"

=== an empty text is no message
--- steps
a: WS /ws/s
a< status 101
a> frame text ""
   frame text unmasked ""
   frame text fin=0 ""
   frame continuation ""
   frame text "after"
a< frame text "after"
a< nothing 100ms
json! /stats?id=s published_messages == 1

=== fragments are one message
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "one "
a< nothing 100ms
a> frame continuation fin=0 "two "
a> frame continuation fin=0 ""
a> frame continuation "three"
a< frame text "one two three"

=== fragments whose first or last part is empty
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "the last is empty"
   frame continuation ""
a< frame text "the last is empty"
a> frame text fin=0 ""
   frame continuation fin=0 ""
   frame continuation "the first is empty"
a< frame text "the first is empty"
a< nothing 100ms

=== control frames between fragments
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "one "
   frame ping "are you there"
   frame continuation fin=0 "two "
   frame pong "unasked"
   frame ping
a< frame pong "are you there"
a< frame pong ""
a> frame continuation "three"
a< frame text "one two three"

=== a close between fragments
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "one "
   frame close 1000
a< frame close 1000
a< end
json! /stats?id=s published_messages == 0

=== several frames in one segment
--- steps
a: WS /ws/s
a< status 101
a> frame text "one"
   frame text "two"
   frame ping "p"
   frame text fin=0 "th"
   frame continuation "ree"
   frame text "four"
a< text one
a< text two
a< text three
a< text four
a< count 1 "\x8a\x01p"
a< nothing 100ms

=== frames in the segment of the handshake
--- steps
a: WS /ws/s
   frame text "one"
   frame ping "p"
   frame text "two"
a< status 101
a< text one
a< text two
a< nothing 50ms
a< count 1 "\x8a\x01p"
b: WS /ws/s
   frame text "three"
   frame close 1000
b< status 101
a< frame text "three"
b< last frame close 1000
c: WS /ws/s
   "\x81"
c< status 101
c> "\x03hey"
a,c< frame text "hey"

=== more than a read buffer behind the handshake
--- steps
a: WS /ws/s
   frame text "a" x 100000
   frame text "b"
a< status 101
a< frame text "a" x 100000
a< frame text "b"

=== byte by byte
--- steps
a: WS /ws/s
a< status 101
a> slowly frame text "h\xc3\xa4llo"
   frame text fin=0 "on\xe2"
   frame ping "p"
   frame continuation fin=0 "\x82"
   frame continuation "\xace"
   frame text len64 "long"
a< frame text "h\xc3\xa4llo"
a< frame pong "p"
a< frame text "on\xe2\x82\xace"
a< frame text "long"
a> slowly frame text "a" x 126
   frame close 3000 "bye"
a< frame text "a" x 126
a< frame close 3000
a< end

=== a character in two fragments
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "\xf0\x9f"
a> frame continuation fin=0 ""
a> frame continuation fin=0 "\x98"
a> frame continuation "\x80"
a< frame text "\xf0\x9f\x98\x80"

=== pongs are taken as they come
--- steps
a: WS /ws/s
a< status 101
a> frame pong
   frame pong "unasked"
   frame pong unmasked "a" x 125
   frame pong "\xff\xfe"
   frame text "after"
a< frame text "after"
a< nothing 100ms

=== a ping is answered with what it carried
--- steps
a: WS /ws/s
a< status 101
a> frame ping
a< bytes "\x8a\x00"
a> frame ping "payload"
a< bytes "\x8a\x07payload"
a> frame ping unmasked "\x00\xff\xfe"
a< bytes "\x8a\x03\x00\xff\xfe"
a> frame ping "a" x 125
a< frame pong "a" x 125
a> slowly frame ping "slow"
a< frame pong "slow"
a> frame ping "1"
   frame ping "2"
   frame ping "3"
a< frame pong "1"
a< frame pong "2"
a< frame pong "3"
a< nothing 100ms
