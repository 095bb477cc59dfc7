# push_stream_authorized_channels_only: only channels with a stored message may be subscribed to.
--- config
push_stream_authorized_channels_only on;
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub {
    push_stream_publisher admin;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
}
location /pub-live { push_stream_publisher; push_stream_channels_path $arg_id; }
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; }
location ~ ^/lp/(.*)$ { push_stream_subscriber long-polling; push_stream_channels_path $1; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
location ~ ^/open/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_authorized_channels_only off;
}

=== who may subscribe
--- table
GET  /sub/a          -> 403 | explain Subscriber could not create channels. | Content-Length: 0
GET  /lp/a           -> 403 | explain Subscriber could not create channels.
GET  /poll/a         -> 403 | explain Subscriber could not create channels.
GET  /stats?id=a     -> 404
POST /pub-live?id=a "not stored" -> 200
GET  /poll/a         -> 403 | explain Subscriber could not create channels.
POST /pub?id=a "stored" -> 200
GET  /poll/a         -> 304
GET  /poll/a/b       -> 403 | explain Subscriber could not create channels.
POST /pub?id=b "stored" -> 200
GET  /poll/a/b       -> 304
DELETE /pub?id=a     -> 200
GET  /poll/a         -> 403
GET  /open/new       -> 304
# The order of the checks.
GET  /poll/ALL       -> 403 | explain Channel id not authorized for this method.
GET  /poll/          -> 400

=== a subscriber stays when the last stored message goes
--- http_config
push_stream_message_ttl 1s;
--- steps
pub /pub?id=a x
a: GET /sub/a
a< status 200
json /stats?id=a stored_messages == 0, subscribers == 1 within 8s
? GET /poll/a -> 403
pub /pub-live?id=a live
a< chunk "live"
