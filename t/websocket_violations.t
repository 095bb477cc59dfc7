# A client that breaks the rules is told the code of RFC 6455, and nothing of it is published.
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
--- no_error_log: client sent invalid

=== kinds of frames that are not taken get an empty close, at the second byte
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
e: WS /ws/s
f: WS /ws/s
a,b,c,d,e,f< status 101
a> "\x82\x85"
b> "\x83\x80"
c> "\x87\xff"
d> "\x8b\x00"
e> "\x8f\x7f"
f> frame binary fin=0 "bin"
a,b,c,d,e,f< bytes "\x88\x00"
a,b,c,d,e,f< end
json! /stats subscribers == 0, published_messages == 0

=== junk
--- steps
a: WS /ws/s
a< status 101
a> "WRITE SOMETHING UNKNOWN\r\n"
a< bytes "\x88\x00"
a< end
b: WS /ws/s
   "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"
b< status 101
b< frame close
b< end

=== reserved bits
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
a,b,c,d< status 101
a> frame text rsv=4 "hello"
b> frame text rsv=2 "hello"
c> frame ping rsv=1
d> frame text fin=0 "hel"
   frame continuation rsv=4 "lo"
a,b,c,d< frame close 1002
a,b,c,d< end
json! /stats published_messages == 0

=== control frames are short and whole
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
a,b,c,d< status 101
a> frame ping "a" x 126
b> frame ping fin=0 "a"
c> frame pong length=65536
d> frame close fin=0 1000
a,b,c,d< frame close 1002
a,b,c,d< end

=== wrong sequences of frames
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
a,b,c,d< status 101
a> frame continuation "alone"
b> frame continuation fin=0 "alone"
c> frame text fin=0 "one"
   frame text "two"
d> frame text fin=0 "one"
   frame text fin=0 "two"
a,b,c,d< frame close 1002
a,b,c,d< end
json! /stats published_messages == 0
--- error_log: wrong websocket frames sequence

=== after a whole message there is nothing to continue
--- steps
a: WS /ws/s
a< status 101
a> frame text "one"
a< frame text "one"
a> frame continuation "two"
a< frame close 1002
a< end
json! /stats published_messages == 1

=== text that is no UTF-8
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
e: WS /ws/s
f: WS /ws/s
a,b,c,d,e,f< status 101
# Truncated, overlong, beyond 10FFFF, a surrogate, no first byte, cut off in a fragment.
a> frame text "caf\xc3"
b> frame text "\xc0\xaf"
c> frame text "\xf4\x90\x80\x80"
d> frame text "\xed\xa0\x80"
e> frame text unmasked "ok\x80"
f> frame text fin=0 "\xe2\x82"
   frame continuation "x"
a,b,c,d,e,f< frame close 1007
a,b,c,d,e,f< end
json! /stats subscribers == 0, published_messages == 0

=== it is found before the message is whole
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "fine \xff"
a< frame close 1007
a< end
b: WS /ws/s
b< status 101
b> frame text length=1000 "fine so far \xc0"
b< frame close 1007
b< end

=== an impossible length
--- steps
a: WS /ws/s
a< status 101
a> frame text length=9223372036854775808
a< frame close 1002
a< end

=== an announced length takes no memory
--- http_config
push_stream_shared_memory_size 512m;
push_stream_websocket_max_message_size 500m;
--- steps
! memory mark
repeat 20: a${i}: WS /ws/s
repeat 20: a${i}> frame text unmasked length=500000000 "begun"
json! /stats subscribers == 20
! memory grew below 100m
repeat 20: a${i}x
json /stats subscribers == 0

=== one client's violation is nobody else's
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
a> frame text "last words"
   frame text "\xff"
   frame text "never"
b< frame text "last words"
a< last frame close 1007
b< nothing 100ms
b> frame text "still here"
b< frame text "still here"
json! /stats subscribers == 1, published_messages == 2
