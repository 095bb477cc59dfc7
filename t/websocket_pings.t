# Pings after silence; a peer from which nothing comes any more is found by its missing pong.
--- http_config
push_stream_message_template "~text~";
push_stream_ping_message_interval 300ms;
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
location ~ ^/pong/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_websocket_pong_timeout 500ms;
}

=== an empty ping after each interval of silence
--- http_config
push_stream_ping_message_interval 300ms;
push_stream_ping_message_text "not used";
push_stream_message_template "[~id~|~text~]";
--- steps
a: WS /ws/s
a< status 101
a< bytes "\x89\x00"
a< took 250ms..1200ms
a< bytes "\x89\x00"
a< took 550ms..1800ms
# Pongs are not waited for.
a< frame ping
a< frame ping
a< frame ping
json! /stats subscribers == 1

=== a message restarts the interval
--- http_config
push_stream_ping_message_interval 1s;
--- steps
a: WS /ws/s
a< status 101
! wait 600ms
pub /pub?id=s m
a< frame text "m"
a< nothing 600ms
a< frame ping
a< took 1500ms..2500ms

=== without an interval there is none
--- http_config
push_stream_message_template "~text~";
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }
--- steps
a: WS /ws/s
a< status 101
a< nothing 800ms

=== a peer that says nothing is dropped
--- steps
a: WS /pong/s
a< status 101
a< frame ping
a< gone within 2s
a< took 700ms..2500ms
json! /stats subscribers == 0
json! /stats?id=s subscribers == 0

=== one that answers stays, whatever the pong carries
--- steps
a: WS /pong/s
a< status 101
a< frame ping
a> frame pong
a< frame ping
a> frame pong "else"
a< frame ping
a> frame pong
a< frame ping
a> frame pong
a< frame ping
a> frame pong
a< frame ping
a< open
json! /stats subscribers == 1

=== and so is anything else
--- steps
a: WS /pong/s
a< status 101
a< frame ping
a> frame ping "p"
a< frame pong "p"
a< frame ping
a> frame text "m"
a< frame text "m"
a< frame ping
a> "\x8a"
a< frame ping
a> "\x00"
a< frame ping
a< open
json! /stats subscribers == 1

=== messages to it do not count for it
--- http_config
push_stream_message_template "~text~";
push_stream_ping_message_interval 200ms;
--- steps
a: WS /pong/s
a< status 101
a< frame ping
repeat 4: pub /pub?id=s m${i}
a< text m4
a< gone within 3s
json! /stats subscribers == 0

=== a ping behind messages that are still on their way has all the time they take
--- listen: sndbuf=16k
--- timeout: 60s
--- http_config
push_stream_message_template "~text~";
push_stream_ping_message_interval 300ms;
push_stream_shared_memory_size 64m;
--- steps
repeat 10: ? POST /pub?id=s "0123456789" x 200000 -> 200
a: WS /pong/s.b10 @slow
a< status 101
repeat 2: a< frame text "0123456789" x 200000 within 10s
! wait 300ms
repeat 2: a< frame text "0123456789" x 200000 within 10s
! wait 300ms
repeat 2: a< frame text "0123456789" x 200000 within 10s
! wait 300ms
repeat 2: a< frame text "0123456789" x 200000 within 10s
! wait 300ms
repeat 2: a< frame text "0123456789" x 200000 within 10s
a< frame ping
a> frame pong
a< open
json! /stats subscribers == 1

=== one that takes nothing any more is dropped all the same
--- listen: sndbuf=16k
--- http_config
push_stream_message_template "~text~";
push_stream_ping_message_interval 300ms;
push_stream_shared_memory_size 64m;
--- steps
a: WS /pong/s @slow
a< status 101
? POST /pub?id=s "0123456789" x 1000000 -> 200
json /stats subscribers == 0 within 3s

=== pongs come one for each ping, in their order, also before a close
--- steps
a: WS /ws/s
a< status 101
a> frame ping "1"
   frame text fin=0 "m"
   frame ping "2"
   frame ping ""
   frame ping unmasked "3" x 125
   frame continuation "n"
   frame ping "4"
   frame close 1000
a< frame pong "1"
a< frame pong "2"
a< frame pong ""
a< frame pong "3" x 125
a< frame pong "4"
a< frame text "mn"
a< frame close 1000
a< end
