# Where each directive may stand, and which level wins.

=== http only
--- nginx_t
server   | push_stream_message_ttl 1m;                       -> fails "push_stream_message_ttl" directive is not allowed here
server   | push_stream_channel_inactivity_time 1m;           -> fails directive is not allowed here
location | push_stream_ping_message_text x;                  -> fails directive is not allowed here
location | push_stream_channel_deleted_message_text x;       -> fails directive is not allowed here
server   | push_stream_max_messages_stored_per_channel 1;    -> fails directive is not allowed here
server   | push_stream_max_channel_id_length 1;              -> fails directive is not allowed here
server   | push_stream_max_channels_per_request 1;           -> fails directive is not allowed here
server   | push_stream_max_subscribers_per_channel 1;        -> fails directive is not allowed here
server   | push_stream_wildcard_channel_prefix x;            -> fails directive is not allowed here
server   | push_stream_events_channel_id x;                  -> fails directive is not allowed here
location | push_stream_timeout_with_body on;                 -> fails directive is not allowed here
location | push_stream_reload_drain 1s;                      -> fails directive is not allowed here
server   | push_stream_zone_full refuse;                     -> fails directive is not allowed here
server   | push_stream_io_uring on;                          -> fails directive is not allowed here
location | push_stream_shared_memory_size 10m;               -> fails directive is not allowed here

=== http, server, location
--- nginx_t
http, server, location | push_stream_store_messages on; || push_stream_store_messages off; || push_stream_store_messages on; -> ok
http, server, location | push_stream_channels_path a; || push_stream_channels_path b; || push_stream_channels_path c; -> ok
http, server, location | push_stream_message_template a; || push_stream_message_template b; || push_stream_message_template c; -> ok
http, server, location | push_stream_ping_message_interval 1s; || push_stream_ping_message_interval 1s; || push_stream_ping_message_interval 1s; -> ok
http, server, location | push_stream_subscriber_connection_ttl 1s; || push_stream_subscriber_connection_ttl 1s; || push_stream_subscriber_connection_ttl 1s; -> ok
http, server, location | push_stream_longpolling_connection_ttl 1s; || push_stream_longpolling_connection_ttl 1s; || push_stream_longpolling_connection_ttl 1s; -> ok
http, server, location | push_stream_authorized_channels_only on; || push_stream_authorized_channels_only off; || push_stream_authorized_channels_only on; -> ok
http, server, location | push_stream_last_received_message_time $arg_a; || push_stream_last_received_message_time $arg_a; || push_stream_last_received_message_time $arg_a; -> ok
http, server, location | push_stream_last_received_message_tag $arg_a; || push_stream_last_received_message_tag $arg_a; || push_stream_last_received_message_tag $arg_a; -> ok
http, server, location | push_stream_last_event_id $arg_a; || push_stream_last_event_id $arg_a; || push_stream_last_event_id $arg_a; -> ok
http, server, location | push_stream_user_agent $arg_a; || push_stream_user_agent $arg_a; || push_stream_user_agent $arg_a; -> ok
http, server, location | push_stream_allowed_origins a; || push_stream_allowed_origins $arg_o; || push_stream_allowed_origins b; -> ok
http, server, location | push_stream_channel_info_on_publish on; || push_stream_channel_info_on_publish off; || push_stream_channel_info_on_publish on; -> ok
http, server, location | push_stream_websocket_allow_publish on; || push_stream_websocket_allow_publish off; || push_stream_websocket_allow_publish on; -> ok
http, server, location | push_stream_auto_event_id on; || push_stream_auto_event_id off; || push_stream_auto_event_id on; -> ok
http, server, location | push_stream_lean_subscribers on; || push_stream_lean_subscribers off; || push_stream_lean_subscribers on; -> ok
http, server, location | push_stream_subscriber_buffer_size 1m; || push_stream_subscriber_buffer_size 2m; || push_stream_subscriber_buffer_size 64k; -> ok

=== in an if of a location
--- nginx_t
if | push_stream_channels_path x;                    -> ok
if | push_stream_store_messages on;                  -> ok
if | push_stream_allow_connections_to_events_channel on; -> ok
if | push_stream_last_received_message_time $arg_t;  -> ok
if | push_stream_last_received_message_tag $arg_t;   -> ok
if | push_stream_last_event_id $arg_e;               -> ok
if | push_stream_message_template x;                 -> fails "push_stream_message_template" directive is not allowed here
if | push_stream_header_template x;                  -> fails directive is not allowed here
if | push_stream_footer_template x;                  -> fails directive is not allowed here
if | push_stream_allowed_origins x;                  -> fails directive is not allowed here
if | push_stream_user_agent x;                       -> fails directive is not allowed here
if | push_stream_padding_by_user_agent a,1,1;        -> fails directive is not allowed here
if | push_stream_authorized_channels_only on;        -> fails directive is not allowed here
if | push_stream_subscriber_connection_ttl 1s;       -> fails directive is not allowed here
if | push_stream_longpolling_connection_ttl 1s;      -> fails directive is not allowed here
if | push_stream_ping_message_interval 1s;           -> fails directive is not allowed here
if | push_stream_wildcard_channel_max_qtd 1;         -> fails directive is not allowed here
if | push_stream_websocket_allow_publish on;         -> fails directive is not allowed here
if | push_stream_auto_event_id on;                   -> fails directive is not allowed here
if | push_stream_websocket_deflate on;               -> fails directive is not allowed here
if | push_stream_channel_info_on_publish on;         -> fails directive is not allowed here

=== twice in one block
--- nginx_t
http       | push_stream_message_ttl 1m; push_stream_message_ttl 1m;                     -> fails "push_stream_message_ttl" directive is duplicate
subscriber | push_stream_channels_path a;                                                -> fails "push_stream_channels_path" directive is duplicate
subscriber | push_stream_message_template a; push_stream_message_template a;             -> fails "push_stream_message_template" directive is duplicate
publisher  | push_stream_store_messages on; push_stream_store_messages on;               -> fails "push_stream_store_messages" directive is duplicate
subscriber | push_stream_ping_message_interval 1s; push_stream_ping_message_interval 1s; -> fails "push_stream_ping_message_interval" directive is duplicate

=== a role ends nginx's own conditional requests
--- nginx_t
subscriber | if_modified_since before;   -> fails "if_modified_since" directive is duplicate

=== the innermost level wins
--- http_config
push_stream_message_template "http[~text~]";
push_stream_footer_template "F";
push_stream_channels_path $arg_id;
push_stream_store_messages on;
--- config
push_stream_message_template "server[~text~]";
location /pub { push_stream_publisher; }
location /live { push_stream_publisher; push_stream_store_messages off; }
location /inherit { push_stream_subscriber polling; }
location /own {
    push_stream_subscriber polling;
    push_stream_message_template "location[~text~]";
    push_stream_footer_template "";
}
--- table
POST /pub?id=a "m"    -> 200 | json stored_messages == 1
POST /live?id=a "n"   -> 200 | json stored_messages == 1
GET  /inherit?id=a.b1 -> 200 | body server[m]F
GET  /own?id=a.b1     -> 200 | body location[m]

=== an if inside a location may store and name the channel
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub {
    push_stream_publisher;
    push_stream_channels_path $arg_id;
    if ($arg_store = on) { push_stream_store_messages on; }
    if ($arg_to) { push_stream_channels_path $arg_to; }
}
--- table
POST /pub?id=a "m"           -> 200 | json stored_messages == 0
POST /pub?id=a&store=on "m"  -> 200 | json stored_messages == 1
POST /pub?id=a&to=b "m"      -> 200 | json channel == b
