# The variables and directives of releases up to 0.3.5 that replaced, or shaped, the modern ones.

=== $push_stream_channel_id is one id, taken as it is
--- config
location /pub {
    push_stream_publisher admin;
    set $push_stream_channel_id $arg_id;
    push_stream_store_messages on;
}
location /stats { push_stream_channels_statistics; set $push_stream_channel_id $arg_id; }
location /modern-stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
--- table
POST /pub?id=a "m"      -> 200 | json channel == a
POST /pub?id=a/b "m"    -> 200 | json channel == a/b
POST /pub?id=a.b3 "m"   -> 200 | json channel == a.b3
POST /pub?id=a%20b "m"  -> 200 | json channel == a%20b
POST /pub?id= "m"       -> 400 | explain No channel id provided.
POST /pub "m"           -> 400 | explain No channel id provided.
GET  /stats?id=a/b      -> 200 | json channel == a/b
GET  /stats             -> 200 | json channels == 4
GET  /modern-stats?id=a -> 200 | json channel == a

=== $push_stream_channels_path is a path for subscribers
--- http_config
push_stream_message_template "[~channel~|~text~]";
--- config
location /pub { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/old/(.*)$ { push_stream_subscriber polling; set $push_stream_channels_path $1; }
location ~ ^/sub/(.*)$ { push_stream_subscriber; set $push_stream_channels_path $1; }
location ~ ^/new/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
--- steps
pub /pub?id=a/b m
pub /pub?id=b n
# Without a time: everything stored, as those releases did; the modern location: nothing.
? GET /old/a -> 200 | body [a|m]
? GET /old/a/b -> 200 | body [a|m][b|m][b|n]
? GET /old//a//b -> 200 | body [a|m][b|m][b|n]
? GET /old/a/b.b1 -> 200 | body [a|m][b|n]
? GET /new/a -> 304
? GET /old/a {If-Modified-Since: ${NOW+10}} -> 304
s: GET /sub/a
s< status 200
s< nothing 100ms
pub /pub?id=a live
s< chunk "[a|live]"

=== push_stream_content_type
--- http_config
push_stream_content_type "text/x-http";
--- extra_config
default_type text/x-default;
location ~ ^/typed/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_content_type "text/javascript";
}
--- table
GET /poll/a  -> 304 | Content-Type: text/x-http
GET /typed/a -> 304 | Content-Type: text/javascript

=== push_stream_keepalive off closes
--- config
location /on { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_keepalive on; }
location /off { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_keepalive off; }
location /unset { push_stream_publisher; push_stream_channels_path $arg_id; }
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; push_stream_keepalive off; }
--- table
POST /on?id=a "m"    -> 200 | Connection: keep-alive
POST /unset?id=a "m" -> 200 | Connection: keep-alive
POST /off?id=a "m"   -> 200 | close
GET  /off?id=a       -> 200 | close
GET  /off?id=nobody  -> 404 | close
GET  /stats          -> 200 | close

=== a variable that is defined nowhere does not count
--- nginx_t
location | push_stream_subscriber;                                        -> fails push stream module: push_stream_channels_path must be set.
location | push_stream_publisher;                                         -> fails push stream module: push_stream_channels_path must be set.
location | push_stream_channels_statistics;                               -> fails push stream module: push_stream_channels_path must be set.
location | push_stream_subscriber; set $push_stream_channels_path x;      -> ok
location | push_stream_publisher; set $push_stream_channel_id x;          -> ok
location | push_stream_channels_statistics; set $push_stream_channel_id x; -> ok

=== every other legacy directive is accepted
--- nginx_t
publisher  | push_stream_keepalive on;                              -> ok
http       | push_stream_keepalive off;                             -> ok
subscriber | push_stream_content_type text/javascript;              -> ok
subscriber | push_stream_eventsource_support off;                   -> ok
publisher  | push_stream_publisher_admin off;                       -> ok
http       | push_stream_shared_memory_cleanup_objects_ttl 30s;     -> ok
http       | push_stream_memory_cleanup_timeout 30s;                -> ok
http       | push_stream_min_message_buffer_timeout 5m;             -> ok
http       | push_stream_max_message_buffer_length 10;              -> ok
http       | push_stream_min_message_buffer_length 1;               -> ok
subscriber | push_stream_subscriber_connection_timeout 30s;         -> ok
http       | push_stream_subscriber_disconnect_interval 10s;        -> ok
http       | push_stream_broadcast_channel_prefix broad_;           -> ok
http       | push_stream_broadcast_channel_prefix broad_; push_stream_broadcast_channel_max_qtd 3; -> ok
http       | push_stream_broadcast_channel_prefix broad_; push_stream_max_number_of_broadcast_channels 3; -> ok

=== the zone size by its oldest name
--- no_zone
--- nginx_t
http | push_stream_max_reserved_memory 32m; -> ok

=== the older name of the websocket mode
--- nginx_t
location   | push_stream_channels_path x; push_stream_websocket;    -> ok
