# A WebSocket that does not read costs nobody else: it is closed with 1013, between two frames.
--- listen: sndbuf=16k
--- timeout: 60s
--- http_config
push_stream_message_template "~text~";
push_stream_shared_memory_size 64m;
push_stream_max_channels_per_request 0;
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_subscriber_buffer_size 256k;
}
# For clients of the runner that are to be in time though the machine is not.
location ~ ^/patient/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 16m;
}

=== it is closed, the others go on
--- steps
slow: WS /ws/s @slow
fast: WS /patient/s
slow,fast< status 101
json! /stats?id=s subscribers == 2
repeat 150: ? POST /pub?id=s "${i} 0123456789" x 5000 -> 200
json /stats?id=s subscribers == 1 within 5s
pub /pub?id=s the last
fast< text the last within 10s
slow< last frame close 1013 within 10s
slow< count 0 "the last"

=== small messages take no more memory than large ones
# Whose path names a channel so often gets each message so often: millions of frames of six bytes.
--- steps
! memory mark
a: connect
a> "GET /ws/" + "a/" x 3900 + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
json /stats subscribers == 1
a> frame text "four"
json /stats published_messages == 3900, subscribers == 0 within 20s
a< last frame close 1013 within 10s
! memory grew below 64m
--- error_log: push stream module: subscriber is too slow

=== one message of any size is admitted
--- steps
slow: WS /ws/s @slow
slow< status 101
pub /pub?id=s "0123456789" x 200000
! wait 300ms
json! /stats?id=s subscribers == 1
slow< frame text "0123456789" x 200000 within 10s
pub /pub?id=s after
slow< frame text "after"

=== history is pulled as it is read, however long it is
--- steps
repeat 60: ? POST /pub?id=s "0123456789" x 10000 -> 200
slow: WS /ws/s.b60 @slow
slow< status 101
! wait 300ms
json! /stats?id=s subscribers == 1
pub /pub?id=s live
repeat 60: slow< frame text "0123456789" x 10000
slow< frame text "live"

=== while it is stuck only the latest ping is answered
--- steps
slow: WS /ws/s @slow
slow< status 101
? POST /pub?id=s "0123456789" x 1000000 -> 200
! wait 200ms
slow> frame ping "1"
! wait 100ms
slow> frame ping "2"
   frame ping "3"
! wait 100ms
slow< frame text "0123456789" x 1000000 within 10s
slow< frame pong "3"
slow< nothing 100ms
slow> frame ping "4"
slow< frame pong "4"

=== a flood of pings takes no memory of ours
--- steps
slow: WS /ws/s @slow
slow< status 101
? POST /pub?id=s "0123456789" x 1000000 -> 200
! wait 200ms
! memory mark
slow> frame ping "first"
   "\x89\x00" x 100000
   frame ping "last"
! memory grew below 2m
slow< frame text "0123456789" x 1000000 within 10s
slow< text last
slow< count 0 "first"

=== a close of its own is answered behind what is on its way
--- steps
slow: WS /ws/s @slow
slow< status 101
? POST /pub?id=s "0123456789" x 500000 -> 200
! wait 200ms
slow> frame close 1000
json /stats subscribers == 0
slow< frame text "0123456789" x 500000 within 10s
slow< frame close 1000
slow< end

=== a reader that takes nothing for send_timeout
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    send_timeout 300ms;
}
--- steps
slow: WS /ws/s @slow
slow< status 101
? POST /pub?id=s "0123456789" x 1000000 -> 200
json /stats subscribers == 0 within 5s
slow< gone within 10s
