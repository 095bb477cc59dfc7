# A subscriber that does not read costs nobody else: over push_stream_subscriber_buffer_size it is ended.
--- listen: sndbuf=16k
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher; push_stream_channels_path $arg_id; client_max_body_size 64m; }
location /keep {
    push_stream_publisher;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
    client_max_body_size 64m;
}
location ~ ^/sub/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 256k;
}
# For clients of the runner that are to be in time though the machine is not.
location ~ ^/patient/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_buffer_size 16m;
}
--- timeout: 60s

=== it is ended, the others go on
--- steps
slow: GET /sub/s @slow
slow< status 200
fast: GET /patient/s
fast< status 200
json! /stats?id=s subscribers == 2
repeat 100: ? POST /pub?id=s "${i} 0123456789" x 5000 -> 200
json /stats?id=s subscribers == 1 within 5s
pub /pub?id=s the last
fast< text the last within 10s
slow< gone within 10s
--- error_log: bytes wait for it, channel "s"

=== one message of any size is admitted
--- steps
slow: GET /sub/s @slow
slow< status 200
pub /pub?id=s "0123456789" x 200000
! wait 300ms
json! /stats?id=s subscribers == 1
slow< chunk "0123456789" x 200000 within 10s
pub /pub?id=s after
slow< chunk "after"

=== history is pulled as it is read, however long it is
--- http_config
push_stream_shared_memory_size 64m;
--- steps
repeat 60: ? POST /keep?id=s "0123456789" x 10000 -> 200
slow: GET /sub/s.b60 @slow
slow< status 200
! wait 300ms
json! /stats?id=s subscribers == 1
pub /pub?id=s live
repeat 60: slow< chunk "0123456789" x 10000
slow< chunk "live"

=== a client that reads at last gets everything in order
--- steps
slow: GET /sub/s @slow
slow< status 200
repeat 20: ? POST /pub?id=s "m${i}" -> 200
! wait 200ms
repeat 20: slow< chunk "m${i}"
