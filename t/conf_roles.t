# The directives that give a location its role: arguments, contexts, duplicates, what a role needs.

=== modes
--- nginx_t
location | push_stream_channels_path x; push_stream_publisher;               -> ok
location | push_stream_channels_path x; push_stream_publisher normal;        -> ok
location | push_stream_channels_path x; push_stream_publisher Admin;         -> ok
location | push_stream_channels_path x; push_stream_publisher foo;           -> fails push stream module: invalid push_stream_publisher mode value: foo, accepted values (normal, admin)
location | push_stream_channels_path x; push_stream_publisher "";            -> fails push stream module: invalid push_stream_publisher mode value: , accepted values (normal, admin)
location | push_stream_channels_path x; push_stream_subscriber;              -> ok
location | push_stream_channels_path x; push_stream_subscriber streaming;    -> ok
location | push_stream_channels_path x; push_stream_subscriber POLLING;      -> ok
location | push_stream_channels_path x; push_stream_subscriber long-polling; -> ok
location | push_stream_channels_path x; push_stream_subscriber foo;          -> fails push stream module: invalid push_stream_subscriber mode value: foo, accepted values (streaming, polling, long-polling, eventsource, websocket)
location | push_stream_channels_path x; push_stream_subscriber "";           -> fails push stream module: invalid push_stream_subscriber mode value: , accepted values
location | push_stream_channels_path x; push_stream_channels_statistics;     -> ok
location | push_stream_channels_path x; push_stream_channels_statistics on;  -> fails push stream module: invalid push_stream_channels_statistics mode value: on, accepted values (prometheus)
location | push_stream_channels_path x; push_stream_publisher a b;           -> fails invalid number of arguments

=== the other two modes
--- nginx_t
location | push_stream_channels_path x; push_stream_subscriber eventsource;  -> ok
location | push_stream_channels_path x; push_stream_subscriber websocket;    -> ok

=== one role for a location
--- nginx_t
publisher  | push_stream_subscriber;  -> fails "push_stream_subscriber" directive is duplicate
publisher  | push_stream_publisher;   -> fails "push_stream_publisher" directive is duplicate
subscriber | push_stream_publisher;   -> fails "push_stream_publisher" directive is duplicate
subscriber | push_stream_subscriber;  -> fails "push_stream_subscriber" directive is duplicate
statistics | push_stream_publisher;   -> fails "push_stream_publisher" directive is duplicate
statistics | push_stream_subscriber;  -> fails "push_stream_subscriber" directive is duplicate

=== where a role may stand
--- nginx_t
http   | push_stream_publisher;            -> fails "push_stream_publisher" directive is not allowed here
server | push_stream_publisher;            -> fails "push_stream_publisher" directive is not allowed here
server | push_stream_subscriber;           -> fails "push_stream_subscriber" directive is not allowed here
server | push_stream_channels_statistics;  -> fails "push_stream_channels_statistics" directive is not allowed here
if     | push_stream_publisher;            -> fails "push_stream_publisher" directive is not allowed here
if     | push_stream_subscriber;           -> fails "push_stream_subscriber" directive is not allowed here
main   | push_stream_shared_memory_size 10m; -> fails "push_stream_shared_memory_size" directive is not allowed here

=== a role needs a path, its own or an outer one
--- nginx_t
location         | push_stream_publisher;                               -> fails push stream module: push_stream_channels_path must be set.
location         | push_stream_subscriber;                              -> fails push stream module: push_stream_channels_path must be set.
location         | push_stream_channels_statistics;                     -> fails push stream module: push_stream_channels_path must be set.
http, location   | push_stream_channels_path $arg_id; || push_stream_publisher;  -> ok
server, location | push_stream_channels_path $arg_id; || push_stream_subscriber; -> ok
subscriber       | location /sub/in { push_stream_authorized_channels_only on; } -> ok
location         | push_stream_subscriber; push_stream_channels_path $nosuch;    -> fails unknown "nosuch" variable

=== a role needs a zone
--- no_zone
--- nginx_t
http | sendfile on;                           -> fails push stream module: push_stream_shared_memory_size must be set.
http | push_stream_shared_memory_size 128k;   -> ok
http | push_stream_shared_memory_size 125k;   -> ok
http | push_stream_shared_memory_size 256M;   -> ok
http | push_stream_shared_memory_size 100k;   -> fails The push_stream_shared_memory_size value must be at least 128KiB
http | push_stream_shared_memory_size 0;      -> fails The push_stream_shared_memory_size value must be at least 128KiB
http | push_stream_shared_memory_size foo;    -> fails The push_stream_shared_memory_size value must be at least 128KiB
http | push_stream_shared_memory_size 10m second;  -> ok
http | push_stream_shared_memory_size 10m a b;     -> fails invalid number of arguments
http | push_stream_shared_memory_size 10m one; push_stream_shared_memory_size 10m one; -> fails duplicate zone "one"

=== without any role anything goes
--- no_zone
--- config
{server}
location / { push_stream_ping_message_interval 0; push_stream_message_template ""; }
--- nginx_t
server | push_stream_message_template "";                        -> ok
server | push_stream_channels_path $arg_id;                      -> ok
http   | push_stream_message_ttl 0;                              -> ok

=== a server without any role says so at its start
--- no_zone
--- config
location / { return 200 ok; }
--- steps
? GET / -> 200 | body ok
--- error_log: ngx_http_push_stream_module will not be used with this configuration.

=== the zone is announced
--- no_zone
--- nginx_t
http | push_stream_shared_memory_size 10m;       -> ok Using 10240KiB of shared memory for push stream module on zone: push_stream_module
http | push_stream_shared_memory_size 1m second; -> ok Using 1024KiB of shared memory for push stream module on zone: second
