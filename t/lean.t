# With push_stream_lean_subscribers nginx forgets the request of a subscriber once its head is sent, and everything goes on without.
--- http_config
push_stream_lean_subscribers on;
push_stream_message_template "[~id~|~text~]";
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason $bytes_sent>';
--- extra_config
access_log access.log story;
error_log error.log info;
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_store_messages on;
    push_stream_websocket_allow_publish on;
}
location ~ ^/full/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_lean_subscribers off; }
location /status { stub_status; }

=== a stream: the access log has its line at the start, the error log the end
--- steps
pub /pub?id=s/t old
a: GET /sub/s.b1/t
a< status 200
a< header Connection: close
a< chunk "[1|old]"
! access-log <GET 200 streaming "s/t" 1 - 2
pub /pub?id=t one
pub /pub?id=s two
a< chunk "[2|one]"
a< chunk "[2|two]"
a< nothing 100ms
json! /stats subscribers == 1
ax
json /stats subscribers == 0
! log subscriber ended: client, streaming, 3 messages,
! log channel "s/t" while serving a lean subscriber, client: 127.0.0.1
? GET /status -> 200 | body ~ Active connections: 1 \n

=== without the directive the line comes at the end, and the connection goes on
--- steps
a: GET /full/s
a< status 200
a< header Connection: keep-alive
? DELETE /pub?id=s -> 200
a< chunk "[-2|Channel deleted]"
a< end
a< open
! access-log <GET 200 streaming "s" 0 deleted
--- no_error_log: subscriber ended

=== a channel is deleted: last piece, footer, last chunk, closed
--- http_config
push_stream_lean_subscribers on;
push_stream_message_template "[~id~|~text~]";
push_stream_header_template "HEADER";
push_stream_footer_template "FOOTER";
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
--- steps
a: GET /sub/s
a< chunk "HEADER"
! access-log <GET 200 streaming "s" 0 ->
? DELETE /pub?id=s -> 200
a< chunk "[-2|Channel deleted]"
a< chunk "FOOTER"
a< end
a< EOF
! log subscriber ended: deleted, streaming, 0 messages,

=== of two channels one is deleted, then the other
--- steps
a: GET /sub/s/t
a< status 200
! access-log <GET 200 streaming "s/t" 0 -
pub /pub?id=s m
a< chunk "[1|m]"
? DELETE /pub?id=s -> 200
a< chunk "[-2|Channel deleted]"
pub /pub?id=t n
a< chunk "[1|n]"
? DELETE /pub?id=t -> 200
a< chunk "[-2|Channel deleted]"
a< end
a< EOF
json! /stats subscribers == 0

=== pings, and the end of the time
--- http_config
push_stream_lean_subscribers on;
push_stream_ping_message_interval 100ms;
push_stream_ping_message_text PING;
push_stream_message_template "[~id~|~text~]";
push_stream_subscriber_connection_ttl 1500ms;
log_format story '<$request_method $status $push_stream_mode>';
--- steps
a: GET /sub/s
b: GET /ev/s
c: WS /ws/s
a< chunk "[-1|PING]"
a< chunk "[-1|PING]"
b< chunk ": \n"
b< chunk ": -1\n"
b< chunk ": -1\n"
c< frame ping
a,b< done within 6s
a,b< EOF
c< last frame close
json! /stats subscribers == 0
! log subscriber ended: ttl, streaming, 0 messages,
! log subscriber ended: ttl, eventsource, 0 messages,
! log subscriber ended: ttl, websocket, 0 messages,

=== an event source
--- http_config
push_stream_lean_subscribers on;
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
--- steps
? POST /pub?id=s {Event-Id: 7} "hello" -> 200
a: GET /ev/s
   Last-Event-Id: 7
a< status 200
! access-log <GET 200 eventsource "s" 0 ->
? POST /pub?id=s {Event-Id: 8} "world" -> 200
a< text "id: 8\ndata: world\n\n"
ax
json /stats subscribers == 0
! log subscriber ended: client, eventsource, 1 messages,

=== a WebSocket: messages both ways, pings, and the closing handshake
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
! access-log <GET 101 websocket "s" 0 -
a> frame text "from a"
a,b< frame text "[1|from a]"
b> frame text fin=0 "from"
b> frame ping "?"
b< frame pong "?"
b> frame continuation " b"
a,b< frame text "[2|from b]"
pub /pub?id=s outside
a,b< frame text "[3|outside]"
a> frame close 1000
a< last frame close 1000
! log subscriber ended: client, websocket, 3 messages,
json! /stats subscribers == 1
b> frame opcode=11 "x"
b< last frame close
! log subscriber ended: violation, websocket, 3 messages,
json! /stats subscribers == 0

=== the client of a WebSocket half-closes, or leaves without a word
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
json /stats subscribers == 2
a half-close
bx
json /stats subscribers == 0
a< gone

=== frames that come together with the handshake
--- steps
b: WS /ws/s
b< status 101
a: WS /ws/s
   frame text "first"
   frame text "second"
a< status 101
a,b< frame text "[1|first]"
a,b< frame text "[2|second]"
a> frame text "third"
a,b< frame text "[3|third]"

=== a long head with frames behind it, in buffers of its own
--- steps
a: connect
a> "GET /ws/s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Long: "
   "x" x 3000
   "\r\n\r\n"
   frame text "first"
a< status 101
a< frame text "[1|first]"
a> frame text "second"
a< frame text "[2|second]"
a> frame close
a< last frame close

=== bytes behind the request of a stream are not answered, and the end still arrives
--- steps
a: connect
a> "GET /sub/s HTTP/1.1\r\nHost: x\r\n\r\nGET /sub/t HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 200
json! /stats subscribers == 1
pub /pub?id=s m
a< chunk "[1|m]"
a> "more" x 1000
pub /pub?id=s n
a< chunk "[2|n]"
? DELETE /pub?id=s -> 200
a< chunk "[-2|Channel deleted]"
a< end
a< EOF
json! /stats subscribers == 0

=== a request that is still sending its body keeps it
--- steps
a: connect
a> "GET /sub/s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"
a< status 200
pub /pub?id=s m
a< chunk "[1|m]"
a> "67890"
pub /pub?id=s n
a< chunk "[2|n]"
ax
json /stats subscribers == 0
! access-log <GET 200 streaming "s" 2 client

=== HTTP/1.0: as it is, to the end of the connection
--- steps
a: GET /sub/s @1.0
a< status 200
pub /pub?id=s m
a< bytes "[1|m]"
? DELETE /pub?id=s -> 200
a< bytes "[-2|Channel deleted]"
a< EOF

=== a long poll keeps its request
--- steps
a: GET /lp/s
a< nothing 200ms
json! /stats?id=s subscribers == 1
pub /pub?id=s m
a< status 200
a< body "[1|m]"
a< open
! access-log <GET 200 long-polling "s" 1 message

=== a body filter that wants the bytes keeps the request
--- extra_config
access_log access.log story;
error_log error.log info;
location ~ ^/gzip/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    default_type text/html;
    gzip on;
    gzip_min_length 0;
}
location ~ ^/slow/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; limit_rate 1m; }
location ~ ^/after/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; post_action /stats; }
--- steps
a: GET /gzip/s
   Accept-Encoding: gzip
b: GET /slow/s
c: GET /after/s
a,b,c< status 200
pub /pub?id=s m
b,c< chunk "[1|m]"
ax
bx
cx
json /stats subscribers == 0
! access-log <GET 200 streaming "s" 1 client
--- no_error_log: subscriber ended

=== who does not read is ended, and who takes nothing
--- listen: sndbuf=16k
--- http_config
push_stream_lean_subscribers on;
push_stream_shared_memory_size 64m;
log_format story '<$request_method $status $push_stream_mode>';
--- extra_config
error_log error.log info;
location ~ ^/slow/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 256k;
}
location ~ ^/stuck/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 64m;
    send_timeout 300ms;
    reset_timedout_connection on;
}
--- steps
a: GET /slow/s @slow
b: GET /stuck/t @slow
a,b< status 200
repeat 100: ? POST /pub?id=s "${i} 0123456789" x 5000 -> 200
json /stats?id=s subscribers == 0 within 5s
! log subscriber ended: slow, streaming,
a< gone within 10s
repeat 200: ? POST /pub?id=t "0123456789" x 5000 -> 200
json /stats?id=t subscribers == 0 within 5s
! log subscriber ended: send_timeout, streaming,
--- error_log: bytes wait for it, channel "s"

=== what is on its way when the channel is deleted is sent to the end
--- listen: sndbuf=16k
--- http_config
push_stream_lean_subscribers on;
push_stream_shared_memory_size 64m;
push_stream_subscriber_buffer_size 64m;
push_stream_footer_template "FOOTER";
log_format story '<$status>';
--- steps
a: GET /sub/s @slow
b: GET /sub/s @slow
a,b< status 200
! wait 200ms
repeat 20: ? POST /pub?id=s "0123456789" x 50000 -> 200
? DELETE /pub?id=s -> 200
json! /stats subscribers == 0
repeat 20: a< chunk "0123456789" x 50000
a< chunk "Channel deleted"
a< chunk "FOOTER"
a< end
a< EOF
bx

=== a history longer than the socket takes: the request goes when it has been sent
--- listen: sndbuf=16k
--- http_config
push_stream_lean_subscribers on;
push_stream_shared_memory_size 64m;
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent>';
--- extra_config
access_log access.log story;
location /keep {
    push_stream_publisher;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
    client_max_body_size 2m;
}
--- steps
repeat 20: ? POST /keep?id=s "0123456789" x 50000 -> 200
a: GET /sub/s.b20 @slow
a< status 200
repeat 20: a< chunk "0123456789" x 50000
! access-log <GET 200 streaming "s" 20>
pub /pub?id=s m
a< chunk "m"

=== quit
--- workers: 2
--- http_config
push_stream_lean_subscribers on;
push_stream_footer_template "FOOTER";
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x/y @worker 2
c: WS /ws/x
a,b< status 200
c< status 101
pub /pub?id=x m
a,b< chunk "m"
c< frame text "m"
! quit
a,b< chunk "FOOTER" within 1s
a,b< end
c< frame text "FOOTER"
c< last frame close 1001
a,b< EOF
! exited within 2s
! log subscriber ended: shutdown, streaming, 1 messages,

=== stop
--- steps
a: GET /sub/x
b: WS /ws/x
a< status 200
b< status 101
! stop
a< bytes "0\r\n\r\n" within 1s
a< EOF
b< last frame close 1001
! exited within 2s

=== quit while somebody does not read: nginx waits no longer than it is told
--- listen: sndbuf=16k
--- main_config
worker_shutdown_timeout 1s;
--- http_config
push_stream_lean_subscribers on;
push_stream_shared_memory_size 64m;
log_format story '<$status>';
--- steps
a: GET /sub/s @slow
b: WS /ws/s @slow
a< status 200
b< status 101
! wait 200ms
repeat 20: ? POST /pub?id=s "0123456789" x 50000 -> 200
! quit
! exited within 5s

=== a reload with a drain
--- http_config
push_stream_lean_subscribers on;
push_stream_reload_drain 3s;
push_stream_message_template "[~id~|~text~]";
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
--- steps
a: GET /sub/x @worker 1
a< status 200
b: WS /ws/x @worker 1
b< status 101
! reload
c: GET /sub/x @worker 1
c< status 200
a,b< pid != c
pub /pub?id=x m
a,c< chunk "[1|m]"
b< frame text "[1|m]"
a< end within 5s
a< EOF
b< last frame close 1001 within 5s
pub /pub?id=x n
c< chunk "[2|n]"
! wait-workers 1

=== who is authorised by another server, before or by X-Accel-Redirect
--- http_config
push_stream_lean_subscribers on;
push_stream_message_template "[~id~|~text~]";
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
server {
    listen unix:${PREFIX}/application;
    location = / { return 204; }
    location ~ ^/(.*)$ { add_header X-Accel-Redirect /room/$1; return 200; }
}
--- extra_config
access_log access.log story;
location ~ ^/door/(.*)$ { proxy_pass http://unix:${PREFIX}/application:/$1; }
location ~ ^/room/(.*)$ { internal; push_stream_subscriber; push_stream_channels_path $1; }
location ~ ^/guarded/(.*)$ { auth_request /guard; push_stream_subscriber; push_stream_channels_path $1; }
location = /guard { internal; proxy_pass http://unix:${PREFIX}/application:/; proxy_pass_request_body off; }
--- steps
a: GET /door/s
b: GET /guarded/t
a,b< status 200
! access-log <GET 200 streaming "s" 0 -
! access-log <GET 200 streaming "t" 0 -
pub /pub?id=s/t m
a,b< chunk "[1|m]"
ax
bx
json /stats subscribers == 0

=== TLS and HTTP/2 keep the request
--- conf_file: nginx-conf/tls-http2.conf
--- replace
push_stream_shared_memory_size 16m; => push_stream_shared_memory_size 16m; push_stream_lean_subscribers on; log_format story '<$server_protocol $https $push_stream_mode $push_stream_close_reason>';
listen 127.0.0.1:9080 ssl http2; => listen 127.0.0.1:9080;
location = /pub { => listen unix:${PREFIX}/tls ssl; listen unix:${PREFIX}/http2 http2; access_log access.log story; location /tls/ { proxy_pass https://unix:${PREFIX}/tls:/; proxy_http_version 1.1; access_log off; } location /http2/ { rewrite ^/http2(.*)$ $1 break; grpc_pass grpc://unix:${PREFIX}/http2; access_log off; } location = /pub {
--- steps
a: GET /tls/ev/s
b: GET /http2/ev/s
c: GET /ev/s
a,b,c< status 200
! access-log <HTTP/1.1  eventsource ->
pub /pub?id=s m
a,b,c< chunk ": \n"
a,b,c< chunk "data: m\n\n"
ax
bx
! access-log <HTTP/1.1 on eventsource client>
! access-log <HTTP/2.0  eventsource client>

=== where limit_conn applies, nginx -t warns
--- http_config
limit_conn_zone $binary_remote_addr zone=a:64k;
limit_conn_zone $server_name zone=b:64k;
{http}
--- config
location /pub { push_stream_publisher; push_stream_channels_path x; {publisher} }
location /subscriber { push_stream_subscriber; push_stream_channels_path x; {subscriber} }
{server}
--- nginx_t
subscriber | push_stream_lean_subscribers on;                          -> ok test is successful
http, subscriber | limit_conn a 10; || push_stream_lean_subscribers on; -> ok limit_conn counts a subscriber only until its head has been sent, because of push_stream_lean_subscribers (location "/subscriber")
server, subscriber | limit_conn b 10; || push_stream_lean_subscribers on; -> ok limit_conn counts a subscriber only until
http, subscriber | push_stream_lean_subscribers on; || limit_conn a 1; limit_conn b 1; -> ok limit_conn counts a subscriber only until
subscriber | push_stream_lean_subscribers maybe;                       -> fails invalid value "maybe"
