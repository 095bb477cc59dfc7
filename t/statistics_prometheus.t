# Metrics for Prometheus: who gets them, what is counted, and that totals never go back.
--- config
location /metrics { push_stream_channels_statistics prometheus; }
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub {
    push_stream_publisher admin;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
    client_max_body_size 64m;
}
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; }
location ~ ^/es/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/lp/(.*)$ { push_stream_subscriber long-polling; push_stream_channels_path $1; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }

=== who gets metrics
--- table
POST /pub?id=a "m"                               -> 200
GET  /metrics                                    -> 200 | Content-Type: text/plain; version=0.0.4; charset=utf-8 | Cache-Control: no-cache, no-store, must-revalidate | X-Nginx-PushStream-Tag ~ .
GET  /metrics                                    -> 200 | body ~ ^# HELP push_stream_build_info [^\n]+\n# TYPE push_stream_build_info gauge\npush_stream_build_info\{version="[^"]+",commit="[^"]+"\} 1\n
GET  /metrics {Accept: application/json}         -> 200 | Content-Type: text/plain; version=0.0.4; charset=utf-8
GET  /metrics?id=a                               -> 200 | Content-Type: text/plain; version=0.0.4; charset=utf-8
POST /metrics "x"                                -> 405 | Allow: GET
# On an ordinary location the client decides.
GET  /stats {Accept: text/plain;version=0.0.4}  -> 200 | Content-Type: text/plain; version=0.0.4; charset=utf-8 | body ~ \npush_stream_channels\{kind="normal"\} 1\n
GET  /stats {Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1} -> 200 | Content-Type: text/plain; version=0.0.4; charset=utf-8
GET  /stats {Accept: text/plain}                 -> 200 | Content-Type: text/plain | body ~ ^hostname: [^\n]+\ntime: [^\n]+\nchannels: 1\r\n
GET  /stats                                      -> 200 | Content-Type: application/json
# There are no metrics of a channel.
GET  /stats?id=a {Accept: text/plain;version=0.0.4} -> 200 | Content-Type: text/plain | body ~ ^channel: a\r\n
GET  /pub?id=a {Accept: text/plain;version=0.0.4}   -> 200 | Content-Type: text/plain | body ~ ^channel: a\r\n

=== the argument
--- no_zone
--- nginx_t
--- http_config
push_stream_shared_memory_size 1m;
{http}
--- config
{server}
location /m { {location} }
--- nginx_t
location | push_stream_channels_statistics prometheus; -> ok
location | push_stream_channels_statistics Prometheus; -> ok
location | push_stream_channels_statistics json; -> fails invalid push_stream_channels_statistics mode value: json, accepted values (prometheus)
location | push_stream_channels_statistics prometheus x; -> fails invalid number of arguments
location | push_stream_channels_statistics; -> fails push_stream_channels_path must be set.

=== every mode in every worker
--- workers: 2
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
c: GET /es/x @worker 2
d: GET /sub/x/y @worker 1
e: GET /lp/x @worker 1
f: GET /lp/x/y @worker 2
a,b,c,d< status 200
metrics /metrics push_stream_subscribers == 6, push_stream_subscribers{worker="0",mode="streaming"} == 2, push_stream_subscribers{worker="1",mode="streaming"} == 1, push_stream_subscribers{worker="1",mode="eventsource"} == 1, push_stream_subscribers{worker="0",mode="long-polling"} == 1, push_stream_subscribers{worker="1",mode="long-polling"} == 1
metrics /metrics push_stream_worker_info == 2, push_stream_zone_bytes{use="subscriptions"} == 192
pub /pub?id=x @worker 1 one
a,b< chunk "one"
e,f< body one
repeat 9: pub /pub?id=y @worker 2 two
repeat 9: d< text two
# 3 streams, 1 event source and 2 long polls got the first, the one of two channels the others.
metrics /metrics push_stream_deliveries_total{mode="streaming"} == 12, push_stream_deliveries_total{mode="eventsource"} == 1, push_stream_deliveries_total{mode="long-polling"} == 2
metrics /metrics push_stream_delivery_latency_seconds_count == push_stream_deliveries_total, push_stream_delivery_latency_seconds_bucket{le="+Inf"} == 15, push_stream_worker_deliveries_total == push_stream_deliveries_total
metrics /metrics push_stream_delivery_latency_seconds_sum >= 0.00001, push_stream_delivery_latency_seconds_sum <= 30
metrics /metrics push_stream_messages_published_total == 10, push_stream_messages_stored == 10, push_stream_subscribers_ended_total{reason="message"} == 2
metrics /metrics push_stream_wakeups_sent_total >= 2, push_stream_wakeups_received_total >= 2, push_stream_wakeups_received_total <= push_stream_wakeups_sent_total
# Stored messages are deliveries, but have no latency.
? GET /poll/y.b4 -> 200 | body twotwotwotwo
g: GET /sub/x.b1
g< chunk "one"
metrics /metrics push_stream_deliveries_total == 20, push_stream_deliveries_total{mode="polling"} == 4, push_stream_delivery_latency_seconds_count == 15
metrics /metrics push_stream_subscriber_requests_total{mode="polling"} == 1, push_stream_subscriber_requests_total{mode="long-polling"} == 2, push_stream_subscriber_requests_total == 8
ax
metrics /metrics push_stream_subscribers == 4, push_stream_subscribers_ended_total{reason="client"} == 1
? DELETE /pub?id=x -> 200
metrics /metrics push_stream_subscribers == 1, push_stream_subscribers_ended_total{reason="deleted"} == 3, push_stream_channels{kind="normal"} == 1

=== bytes are those of the bodies
--- steps
a: GET /sub/x
a< status 200
pub /pub?id=x 0123456789
a< bytes "a\r\n0123456789\r\n"
metrics /metrics push_stream_sent_bytes_total == 15, push_stream_worker_sent_bytes_total == 15
? GET /poll/x.b1 -> 200 | body 0123456789
metrics /metrics push_stream_sent_bytes_total == 25

=== the zone by use
--- http_config
push_stream_wildcard_channel_prefix w_;
--- steps
metrics /metrics push_stream_zone_bytes == push_stream_zone_size_bytes, push_stream_zone_bytes{use="channels"} == 0, push_stream_zone_bytes{use="messages"} == 0
repeat 10: pub /pub?id=x m
pub /pub?id=w_1 m
metrics /metrics push_stream_zone_bytes == push_stream_zone_size_bytes, push_stream_zone_bytes{use="channels"} == 224, push_stream_zone_bytes{use="messages"} == 880
metrics /metrics push_stream_channels{kind="normal"} == 1, push_stream_channels{kind="wildcard"} == 1, push_stream_zone_repairs_total == 0

=== a worker that is killed takes no totals with it
--- workers: 2
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
a,b< status 200
repeat 20: pub /pub?id=x m
repeat 20: a,b< text m
metrics /metrics push_stream_deliveries_total == 40, push_stream_worker_deliveries_total{worker="0"} == 20, push_stream_sent_bytes_total == 240, push_stream_subscriber_requests_total == 2
! kill-worker a
a< gone
metrics /metrics push_stream_subscribers == 1, push_stream_worker_deliveries_total{worker="0"} == 0, push_stream_worker_info == 2
metrics /metrics push_stream_deliveries_total == 40, push_stream_delivery_latency_seconds_count == 40, push_stream_sent_bytes_total == 240, push_stream_subscriber_requests_total == 2
c: GET /sub/x @worker 1
c< status 200
pub /pub?id=x last
b,c< text last
metrics /metrics push_stream_deliveries_total == 42, push_stream_worker_deliveries_total == 22
! kill-worker all
metrics /metrics push_stream_deliveries_total == 42, push_stream_worker_deliveries_total == 0, push_stream_subscribers == 0 within 5s

=== a reload takes none either
--- workers: 2
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
a,b< status 200
repeat 20: pub /pub?id=x m
repeat 20: a,b< text m
! reload
a,b< end
! wait-workers 2
metrics /metrics push_stream_deliveries_total == 40, push_stream_subscribers_ended_total{reason="shutdown"} == 2, push_stream_worker_deliveries_total == 0, push_stream_worker_info == 2

=== slow readers
--- listen: sndbuf=16k
--- extra_config
location ~ ^/small/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 256k;
}
location ~ ^/impatient/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    send_timeout 1s;
    push_stream_subscriber_buffer_size 64m;
}
--- timeout: 60s
--- steps
slow: GET /small/s @slow
slow< status 200
late: GET /impatient/s @slow
late< status 200
fast: GET /sub/s
fast< status 200
repeat 100: ? POST /pub?id=s "${i} 0123456789" x 5000 -> 200
metrics /metrics push_stream_subscribers_ended_total{reason="slow"} == 1, push_stream_subscribers_ended_total{reason="send_timeout"} == 1, push_stream_subscribers == 1 within 10s
slow,late< gone within 10s

=== a full zone
--- no_zone
--- http_config
push_stream_shared_memory_size 256k;
--- steps
? POST /pub?id=x "0123456789" x 100000 -> 500
? POST /pub?id=x "0123456789" x 100000 -> 500
pub /pub?id=x small
metrics /metrics push_stream_publishes_refused_total{reason="zone_full"} == 2, push_stream_messages_published_total == 1
--- allow_error_log: unable to allocate message in shared memory

=== events are messages, too
--- http_config
push_stream_events_channel_id events;
--- extra_config
location /events {
    push_stream_subscriber;
    push_stream_channels_path events;
    push_stream_allow_connections_to_events_channel on;
}
--- steps
e: GET /events
e< status 200
pub /pub?id=x m
e< text channel_created
metrics /metrics push_stream_deliveries_total == 1, push_stream_delivery_latency_seconds_count == 1
# But none of anybody.
metrics /metrics push_stream_messages_published_total == 1, push_stream_messages_stored == 1

=== WebSockets
--- http_config
push_stream_shared_memory_size 256k;
--- no_zone
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_websocket_max_message_size 1m;
}
--- steps
a: WS /ws/x
b: WS /ws/x/y
a,b< status 101
metrics /metrics push_stream_subscribers{worker="0",mode="websocket"} == 2, push_stream_subscriber_requests_total{mode="websocket"} == 2
a> frame text "hello"
a,b< frame text "hello"

metrics /metrics push_stream_deliveries_total{mode="websocket"} == 2, push_stream_delivery_latency_seconds_count == 2, push_stream_messages_published_total == 1
a> frame text "0123456789" x 50000
a< last frame close 1013
metrics /metrics push_stream_subscribers_ended_total{reason="zone_full"} == 1, push_stream_publishes_refused_total{reason="zone_full"} == 1, push_stream_subscribers == 1
--- allow_error_log: no memory|unable to allocate|too slow
