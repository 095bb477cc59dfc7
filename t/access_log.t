# The access log tells what a request was about: channels, mode, messages sent, why a subscriber's request ended.
--- http_config
log_format story '<$request_method $status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
--- extra_config
access_log access.log story;

=== a stream ends by its time
--- http_config
log_format story '<$status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_subscriber_connection_ttl 300ms;
--- steps
a: GET /sub/s
a< status 200
pub /pub?id=s one
pub /pub?id=s two
a< done
! access-log <200 streaming "s" 2 ttl>

=== by the client, stored messages count as well
--- steps
repeat 3: pub /pub?id=s m${i}
a: GET /sub/s.b2
a< text m3
pub /pub?id=s m4
a< text m4
ax
! access-log <GET 200 streaming "s" 3 client>

=== by the deletion of its channel, which is no message
--- steps
a: GET /sub/s/t
a< status 200
pub /pub?id=s/t both
a< text both
? DELETE /pub?id=s/t -> 200
a< done
! access-log <DELETE 200 publisher "s/t" 0 ->
! access-log <GET 200 streaming "s/t" 2 deleted>

=== one of several channels is deleted, the stream goes on
--- steps
a: GET /sub/s/t
a< status 200
pub /pub?id=s before
? DELETE /pub?id=s -> 200
pub /pub?id=t after
a< text after
ax
! access-log <GET 200 streaming "s/t" 2 client>

=== by a reload, in every worker
--- workers: 2
--- steps
a: GET /sub/a @worker 1
b: GET /sub/b @worker 2
c: GET /lp/c
a,b< status 200
c< nothing 100ms
pub /pub?id=a/b m
a,b< text m
! reload
a,b< end
c< status 304
! access-log <GET 200 streaming "a" 1 shutdown>
! access-log <GET 200 streaming "b" 1 shutdown>
! access-log <GET 304 long-polling "c" 0 shutdown>

=== by quit
--- steps
a: GET /sub/s
a< status 200
! quit
! exited
a< end
! access-log <GET 200 streaming "s" 0 shutdown>

=== a stream without messages: pings and templates are none
--- http_config
log_format story '<$status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_ping_message_interval 100ms;
push_stream_header_template "HEADER";
push_stream_footer_template "FOOTER";
push_stream_gap_message_text "gap";
push_stream_subscriber_connection_ttl 400ms;
--- steps
a: GET /sub/s
   If-Modified-Since: ${NOW-60}
a< text HEADER
a< text gap
a< text " "
a< text FOOTER
a< done
! access-log <200 streaming "s" 0 ttl>

=== a message that is sent to a subscriber twice counts twice
--- steps
a: GET /sub/s/s
a< status 200
pub /pub?id=s m
a< text mm
ax
! access-log <GET 200 streaming "s/s" 2 client>

=== an event source
--- extra_config
access_log access.log story;
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
--- steps
a: GET /ev/s
a< status 200
repeat 2: pub /pub?id=s m${i}
a< text m2
ax
! access-log <GET 200 eventsource "s" 2 client>

=== a long poll gets its message
--- steps
a: GET /lp/s
a< nothing 100ms
pub /pub?id=s m
a< done
! access-log <GET 200 long-polling "s" 1 message>

=== a long poll of several channels
--- steps
a: GET /lp/s/t
a< nothing 100ms
pub /pub?id=t m
a< done
! access-log <GET 200 long-polling "s/t" 1 message>

=== a long poll that is answered at once has not been closed by anything
--- steps
repeat 3: pub /pub?id=s m${i}
? GET /lp/s.b2 -> 200
! access-log <GET 200 long-polling "s" 2 ->

=== a long poll waits in vain
--- http_config
log_format story '<$status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_longpolling_connection_ttl 200ms;
--- steps
? GET /lp/s -> 304
! access-log <304 long-polling "s" 0 ttl>

=== a long poll waits in vain and is told so
--- http_config
log_format story '<$status $push_stream_mode "$push_stream_channel" $push_stream_messages_sent $push_stream_close_reason>';
push_stream_longpolling_connection_ttl 200ms;
push_stream_timeout_with_body on;
--- steps
? GET /lp/s -> 200 | body Timed out
! access-log <200 long-polling "s" 0 ttl>

=== a long poll's channel is deleted
--- steps
a: GET /lp/s
a< nothing 100ms
? DELETE /pub?id=s -> 200
a< done
! access-log <GET 200 long-polling "s" 0 deleted>

=== a long poll is given up by its client
--- steps
a: GET /lp/s
a< nothing 100ms
ax
! access-log <GET 499 long-polling "s" 0 client>

=== polls
--- steps
? GET /poll/s/t -> 304
! access-log <GET 304 polling "s/t" 0 ->
repeat 3: pub /pub?id=s m${i}
? GET /poll/s.b3/t -> 200
! access-log <GET 200 polling "s/t" 3 ->

=== the mode is the one the client asked for
--- steps
? GET /sub/s {X-Nginx-PushStream-Mode: polling} -> 304
! access-log <GET 304 polling "s" 0 ->

=== publishers
--- steps
? POST /pub?id=s/t "text" -> 200
? GET /pub?id=s -> 200
? DELETE /pub?id=none -> 404
! access-log <POST 200 publisher "s/t" 0 ->
! access-log <GET 200 publisher "s" 0 ->
! access-log <DELETE 404 publisher "none" 0 ->

=== refused requests
--- steps
? GET /sub/ALL -> 403
? GET /sub/ -> 400
? POST /pub?id=s "" -> 400
! access-log <GET 403 streaming "ALL" 0 ->
! access-log <GET 400 streaming "" 0 ->
! access-log <POST 400 publisher "s" 0 ->

=== requests about nothing, and none at all
--- extra_config
access_log access.log story;
location = /plain { return 204; }
--- steps
? GET /plain -> 204
? OPTIONS /sub/s -> 200
? HEAD /sub/s -> 405
! access-log <GET 204 - "-" - ->
! access-log <OPTIONS 200 - "-" - ->
! access-log <HEAD 405 - "-" - ->
a: connect
a> "\x16\x03\x01 no request\r\n\r\n"
a< EOF
! access-log <- 400 - "-" - ->

=== several requests on one connection have a line each
--- steps
a: GET /poll/a
a< done
a: GET /poll/b @keep
a< done
! access-log "<GET 304 polling \"a\" 0 ->\n<GET 304 polling \"b\" 0 ->"

=== ids are escaped as everything in the log
--- steps
? GET /poll/a%22b%20c%09d -> 304
! access-log "\"a\\x22b c\\x09d\" 0 ->"

=== a reader that is too slow
--- listen: sndbuf=16k
--- extra_config
access_log access.log story;
location ~ ^/slow/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 256k;
}
--- steps
a: GET /slow/s @slow
a< status 200
repeat 100: ? POST /pub?id=s "0123456789" x 5000 -> 200
! access-log " slow>" within 10s
a< gone within 10s

=== a reader that takes nothing for send_timeout
--- listen: sndbuf=16k
--- extra_config
access_log access.log story;
client_max_body_size 64m;
location ~ ^/stuck/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    send_timeout 300ms;
}
--- steps
a: GET /stuck/s @slow
a< status 200
? POST /pub?id=s "0123456789" x 500000 -> 200
! access-log <GET 200 streaming "s" 1 send_timeout> within 10s
a< gone within 10s

=== elsewhere than in the log: in a header
--- extra_config
access_log access.log story;
add_header X-About "$push_stream_mode $push_stream_channel";
--- steps
? GET /poll/s/t -> 304 | X-About: polling s/t
? POST /pub?id=s "m" -> 200 | X-About: publisher s

=== which lines are written can depend on them
--- http_config
log_format story '<$push_stream_mode $push_stream_close_reason>';
map $push_stream_close_reason $ended_early { default 0; slow 1; send_timeout 1; client 1; }
--- config
location = /pub { push_stream_publisher; push_stream_channels_path $arg_id; access_log off; }
location ~ ^/sub/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_connection_ttl 200ms;
    access_log access.log story if=$ended_early;
}
--- steps
a: GET /sub/s
a< status 200
ax
! access-log <streaming client>
b: GET /sub/s
b< end
? GET /nowhere -> 404
! access-log "<streaming client>\n<- ->"

=== a configuration that has such a name of its own keeps it
--- http_config
log_format own '<$push_stream_mode $push_stream_channel>';
map $uri $push_stream_channel { default "from map"; }
--- extra_config
access_log access.log own;
--- config
location ~ ^/poll/(.*)$ {
    set $push_stream_mode "from set";
    push_stream_subscriber polling;
    push_stream_channels_path $1;
}
--- steps
? GET /poll/s -> 304
! access-log <from set from map>

=== what post_action is told
--- http_config
log_format told '<$status $push_stream_mode "$push_stream_channel" $told>';
--- extra_config
access_log access.log told;
set $told -;
location ~ ^/then/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; post_action /told; }
location = /told { set $told $push_stream_messages_sent; return 204; }
--- steps
a: GET /then/s
a< status 200
pub /pub?id=s one
pub /pub?id=s two
pub /pub?id=s three
a< text three
ax
! access-log <204 streaming "s" 3>

=== through the filter of gzip: by the client, with old messages and new ones
--- extra_config
access_log access.log story;
location ~ ^/gz/(.*)$ { gzip on; gzip_types text/plain; gzip_min_length 0; default_type text/plain; push_stream_subscriber; push_stream_channels_path $1; }
--- steps
repeat 3: pub /pub?id=s m${i}
a: GET /gz/s.b2
   Accept-Encoding: gzip
a< status 200
a< header Content-Encoding: gzip
a< chunk ~ (?s).
pub /pub?id=s m4
a< chunk ~ (?s).
ax
! access-log <GET 200 streaming "s" 3 client>

=== through TLS and HTTP/2: by the client
--- conf_file: nginx-conf/tls-http2.conf
--- replace
push_stream_shared_memory_size 16m; => push_stream_shared_memory_size 16m; log_format story '<$server_protocol $https $push_stream_messages_sent $push_stream_close_reason>';
listen 127.0.0.1:9080 ssl http2; => listen 127.0.0.1:9080;
location = /pub { => listen unix:${PREFIX}/tls ssl; listen unix:${PREFIX}/http2 http2; access_log access.log story; location /tls/ { proxy_pass https://unix:${PREFIX}/tls:/; proxy_http_version 1.1; access_log off; } location /http2/ { rewrite ^/http2(.*)$ $1 break; grpc_pass grpc://unix:${PREFIX}/http2; access_log off; } location = /pub {
--- steps
a: GET /tls/ev/s
b: GET /http2/ev/s
a,b< status 200
pub /pub?id=s m1
pub /pub?id=s m2
a,b< text data: m2
ax
bx
! access-log <HTTP/1.1 on 2 client>
! access-log <HTTP/2.0  2 client>

=== long polls that are answered together
--- steps
repeat 20: p${i}: GET /lp/s
json /stats?id=s subscribers == 20
pub /pub?id=s m
repeat 20: p${i}< text m
repeat 20: p${i}x
! access-log <GET 200 long-polling "s" 1 message>

=== a request whose body comes later is not taken for its mirrored copy
--- extra_config
access_log access.log story;
location = /mirrored { mirror /copy; mirror_request_body off; push_stream_publisher admin; push_stream_channels_path $arg_id; }
location = /copy { internal; push_stream_publisher admin; push_stream_channels_path other; }
--- steps
a: connect
a> "POST /mirrored?id=mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
! log Post request was sent with no message
a> "hi"
a< status 200
a< text mine
? GET /pub?id=mine -> 200
! access-log <POST 200 publisher "mine" 0 ->

=== nor is a subscriber
--- extra_config
access_log access.log story;
location ~ ^/mirrored/(.*)$ { mirror /copy; push_stream_subscriber; push_stream_channels_path $1; }
location = /copy { internal; push_stream_publisher admin; push_stream_channels_path other; }
--- steps
a: GET /mirrored/s
a< status 200
pub /pub?id=s m
a< text m
ax
! access-log <GET 200 streaming "s" 1 client>
