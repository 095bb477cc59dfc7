# Messages leave after push_stream_message_ttl, channels after push_stream_channel_inactivity_time.
--- timeout: 40s

=== a message expires
--- http_config
push_stream_message_ttl 2s;
push_stream_channel_inactivity_time 10m;
--- steps
pub /pub?id=a old
? GET /poll/a.b1 -> 200 | body old
! wait 1s
? GET /poll/a.b1 -> 200 | body old
json! /stats?id=a stored_messages == 1
json /stats?id=a stored_messages == 0, published_messages == 1 within 8s
json! /stats stored_messages == 0, channels == 1
? GET /poll/a.b1 -> 304
? GET /poll/a {If-Modified-Since: ${EPOCH}} -> 304
json /stats messages_in_trash == 0 within 15s
? POST /pub?id=a "new" -> 200 | json published_messages == 2 | json stored_messages == 1

=== only the old ones
--- http_config
push_stream_message_ttl 3s;
--- steps
pub /pub?id=a old
! wait 2s
pub /pub?id=a new
json /stats?id=a stored_messages == 1 within 6s
? GET /poll/a.b9 -> 200 | body new
json /stats?id=a stored_messages == 0 within 8s

=== an idle channel goes to the trash, then is gone
--- http_config
push_stream_channel_inactivity_time 2s;
--- extra_config
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
--- steps
pub /live?id=a not stored
json! /stats channels == 1, channels_in_trash == 0
! wait 1s
json! /stats channels == 1
json /stats channels == 0, channels_in_trash == 1 within 8s
? GET /stats?id=a -> 404
json /stats channels_in_trash == 0, messages_in_trash == 0 within 18s
? POST /live?id=a "again" -> 200 | json published_messages == 1

=== a stored message keeps its channel
--- http_config
push_stream_channel_inactivity_time 1s;
--- steps
pub /pub?id=a stored
! wait 6s
json! /stats channels == 1, stored_messages == 1

=== a subscriber keeps its channel, and his going does not count as use
--- http_config
push_stream_channel_inactivity_time 1s;
--- steps
a: GET /sub/a
a< status 200
! wait 6s
json! /stats?id=a subscribers == 1
ax
json /stats channels == 0 within 6s

=== a poll counts as use
--- http_config
push_stream_channel_inactivity_time 1s;
--- steps
? GET /poll/a -> 304
json! /stats channels == 1
json /stats channels == 0 within 8s

=== messages keep the ttl they were published with
--- http_config
push_stream_message_ttl 2s;
--- reload_http_config
push_stream_message_ttl 10m;
--- steps
pub /pub?id=a short
! reload changed
! wait-workers 1
pub /pub?id=a long
json /stats?id=a stored_messages == 1 within 8s
? GET /poll/a.b9 -> 200 | body long

=== an unstored message is never stored and soon out of the trash
--- extra_config
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
--- steps
a: GET /sub/a
a< status 200
repeat 10: pub /live?id=a m${i}
repeat 10: a< chunk "m${i}"
json! /stats stored_messages == 0, published_messages == 10
json /stats messages_in_trash == 0 within 15s
? GET /poll/a.b9 -> 304
? GET /poll/a {If-Modified-Since: ${EPOCH}} -> 304

=== expiry survives the death of all workers
--- workers: 2
--- http_config
push_stream_message_ttl 3s;
push_stream_channel_inactivity_time 1s;
--- steps
repeat 10: pub /pub?id=a${i} m
? DELETE /pub?id=a1 -> 200
! kill-worker all
json /stats channels == 0, stored_messages == 0, channels_in_delete == 0 within 12s
json /stats channels_in_trash == 0, messages_in_trash == 0 within 16s
