# Where the WebSocket directives may stand, what they take, and what they inherit.

=== a location of its own
--- nginx_t
location | push_stream_channels_path x; push_stream_subscriber websocket; -> ok
server   | push_stream_subscriber websocket;                             -> fails directive is not allowed here
location | push_stream_subscriber websocket;                             -> fails push_stream_channels_path

=== http, server, location
--- nginx_t
http, server, subscriber | push_stream_websocket_strict on; || push_stream_websocket_strict off; || push_stream_websocket_strict on; -> ok
http, server, subscriber | push_stream_websocket_check_origin on; || push_stream_websocket_check_origin off; || push_stream_websocket_check_origin on; -> ok
http, server, subscriber | push_stream_websocket_binary on; || push_stream_websocket_binary off; || push_stream_websocket_binary on; -> ok
http, server, subscriber | push_stream_websocket_deflate on; || push_stream_websocket_deflate off; || push_stream_websocket_deflate on; -> ok
http, server, subscriber | push_stream_websocket_deflate_min_size 1; || push_stream_websocket_deflate_min_size 1k; || push_stream_websocket_deflate_min_size 1m; -> ok
http, server, subscriber | push_stream_websocket_max_message_size 1; || push_stream_websocket_max_message_size 1k; || push_stream_websocket_max_message_size 1m; -> ok
http, server, subscriber | push_stream_ping_message_interval 1s; || push_stream_websocket_pong_timeout 5s; || push_stream_websocket_pong_timeout 500ms; -> ok

=== nowhere else, and not twice
--- nginx_t
main       | push_stream_websocket_strict on;             -> fails "push_stream_websocket_strict" directive is not allowed here
main       | push_stream_websocket_deflate on;            -> fails "push_stream_websocket_deflate" directive is not allowed here
subscriber | push_stream_websocket_strict on; push_stream_websocket_strict on;                 -> fails "push_stream_websocket_strict" directive is duplicate
subscriber | push_stream_websocket_binary on; push_stream_websocket_binary on;                 -> fails "push_stream_websocket_binary" directive is duplicate
subscriber | push_stream_websocket_check_origin on; push_stream_websocket_check_origin on;     -> fails "push_stream_websocket_check_origin" directive is duplicate
subscriber | push_stream_websocket_max_message_size 1; push_stream_websocket_max_message_size 1; -> fails "push_stream_websocket_max_message_size" directive is duplicate

=== values
--- nginx_t
subscriber | push_stream_websocket_strict maybe;          -> fails invalid value "maybe" in "push_stream_websocket_strict" directive, it must be "on" or "off"
subscriber | push_stream_websocket_deflate;               -> fails invalid number of arguments in "push_stream_websocket_deflate" directive
subscriber | push_stream_websocket_deflate_min_size x;    -> fails "push_stream_websocket_deflate_min_size" directive invalid value
subscriber | push_stream_websocket_deflate_min_size 0;    -> ok
subscriber | push_stream_websocket_max_message_size -1;   -> fails "push_stream_websocket_max_message_size" directive invalid value
subscriber | push_stream_websocket_max_message_size huge; -> fails "push_stream_websocket_max_message_size" directive invalid value

=== a pong is waited for where there are pings
--- config
location /ws { push_stream_subscriber websocket; push_stream_channels_path $arg_id; {websocket} }
--- nginx_t
websocket | push_stream_websocket_pong_timeout 5s;        -> fails push_stream_ping_message_interval
websocket | push_stream_websocket_pong_timeout 5s; push_stream_ping_message_interval 10s; -> ok

=== the innermost level wins
--- http_config
push_stream_websocket_allow_publish on;
push_stream_websocket_strict on;
push_stream_message_template "~text~";
--- config
push_stream_channels_path $arg_id;
location /strict { push_stream_subscriber websocket; }
location /lenient { push_stream_subscriber websocket; push_stream_websocket_strict off; }
location /mute { push_stream_subscriber websocket; push_stream_websocket_allow_publish off; }
location = /stats { push_stream_channels_statistics; }
--- steps
a: WS /strict?id=s
b: WS /lenient?id=s
c: WS /mute?id=s
a,b,c< status 101
c> frame text "nobody hears"
b> frame text unmasked "hello"
a,b,c< frame text "hello"
a> frame text unmasked "hello"
a< frame close 1002
b,c< nothing 100ms
