# The access log has one line for a WebSocket, when it ends: status 101, mode, channels, messages, reason.
--- http_config
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
--- extra_config
access_log access.log story;
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}

=== by the client, with a close or without
--- steps
pub /pub?id=s/t old
a: WS /ws/s.b1/t
b: WS /ws/u
a< frame text "old"
b< status 101
a> frame text "m"
a< frame text "m"
a< frame text "m"
a> frame close 1000
a< last frame close 1000
! access-log <GET 101 websocket "s/t" 3 client>
bx
! access-log <GET 101 websocket "u" 0 client>

=== by its time
--- http_config
log_format story '<$status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_subscriber_connection_ttl 200ms;
push_stream_header_template "H";
push_stream_footer_template "F";
push_stream_ping_message_interval 50ms;
--- steps
a: WS /ws/s
a< last frame close
! access-log <101 websocket "s" 0 ttl>

=== by a deletion, by a reload
--- steps
a: WS /ws/s
b: WS /ws/t
a,b< status 101
? DELETE /pub?id=s -> 200
a< last frame close
! access-log <GET 101 websocket "s" 0 deleted>
! reload
b< last frame close 1001
! access-log <GET 101 websocket "t" 0 shutdown>

=== reached by error_page
--- extra_config
access_log access.log story;
error_page 418 @ws;
location /room { return 418; }
location @ws {
    push_stream_subscriber websocket;
    push_stream_channels_path room;
    push_stream_message_template "~text~";
}
--- steps
a: WS /room
a< status 101
pub /pub?id=room m
a< frame text "m"
ax
! access-log <GET 101 websocket "room" 1 client>

=== refused after the handshake, and before
--- steps
? WS /ws/ALL -> 101
! access-log <GET 101 websocket "ALL" 0 ->
? WS /ws/s {no Upgrade} -> 400
! access-log "<GET 400 "
? POST /ws/s "x" -> 405
! access-log "<POST 405 "

=== by what the client did
--- http_config
log_format story '<$status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_shared_memory_size 128k;
push_stream_ping_message_interval 200ms;
--- extra_config
access_log access.log story;
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
location ~ ^/pong/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_pong_timeout 300ms;
}
--- steps
a: WS /ws/a
a< status 101
a> frame text "\xff"
a< last frame close 1007
! access-log <101 websocket "a" 0 violation>
b: WS /ws/b
b< status 101
b> "WRITE SOMETHING UNKNOWN"
b< last frame close
! access-log <101 websocket "b" 0 violation>
c: WS /ws/c
c< status 101
c> frame text "0123456789" x 12600
c< last frame close 1013
! access-log <101 websocket "c" 0 zone_full>
d: WS /pong/d
d< gone
! access-log <101 websocket "d" 0 pong_timeout>

=== a reader that is too slow
--- listen: sndbuf=16k
--- http_config
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_shared_memory_size 64m;
--- extra_config
access_log access.log story;
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 256k;
}
location ~ ^/stuck/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    send_timeout 300ms;
}
--- steps
a: WS /ws/s @slow
a< status 101
repeat 150: ? POST /pub?id=s "0123456789" x 5000 -> 200
json /stats?id=s subscribers == 0 within 5s
a< last frame close 1013 within 10s
! access-log " slow>"
b: WS /stuck/t @slow
b< status 101
repeat 200: ? POST /pub?id=t "0123456789" x 5000 -> 200
! access-log "<GET 101 websocket \"t\" " within 10s
! access-log " send_timeout>" within 1s
