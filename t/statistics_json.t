# Statistics in JSON: one channel, several, all, by prefix, and the summary.

=== requests
--- table
GET     /stats            -> 200 | Content-Type: application/json
POST    /stats "x"        -> 405 | Allow: GET | Content-Length: 0 | Cache-Control: no-cache, no-store, must-revalidate
PUT     /stats "x"        -> 405 | Allow: GET
DELETE  /stats            -> 405 | Allow: GET
HEAD    /stats            -> 405 | Allow: GET
OPTIONS /stats            -> 405 | Allow: GET | no Access-Control-Allow-Origin
GET     /stats?id=nobody  -> 404 | Content-Length: 0 | no X-Nginx-PushStream-Explain
GET     /stats?id=nobody  -> 404 | names Content-Length, Connection, Expires, Cache-Control, X-Nginx-PushStream-Tag, X-Nginx-PushStream-Commit
GET     /stats            -> 200 | names Content-Type, Content-Length, Connection, Expires, Cache-Control, X-Nginx-PushStream-Tag, X-Nginx-PushStream-Commit
GET     /stats            -> 200 | X-Nginx-PushStream-Tag ~ . | X-Nginx-PushStream-Commit ~ .
# Asking creates nothing.
GET     /stats            -> 200 | json channels == 0

=== an id too long
--- http_config
push_stream_max_channel_id_length 4;
--- table
GET /stats?id=12345        -> 400 | explain Channel id is too large. | Content-Length: 0 | X-Nginx-PushStream-Tag ~ .
POST /pub?id=1234 "m"      -> 200
GET /stats?id=1234/12345   -> 400
GET /stats?id=1234.b10     -> 200

=== summary
--- table
GET  /stats                -> 200 | body ~ ^\{"hostname": "[^"]+", "time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "channels": 0, "wildcard_channels": 0, "published_messages": 0, "stored_messages": 0, "messages_in_trash": 0, "channels_in_delete": 0, "channels_in_trash": 0, "subscribers": 0, "uptime": \d+, "by_worker": \[\r\n\{"pid": "\d+", "subscribers": 0, "uptime": \d+\}\r\n\]\}\r\n$
POST /pub?id=a "m"         -> 200
GET  /stats                -> 200 | body ~ "channels": 1, "wildcard_channels": 0, "published_messages": 1, "stored_messages": 1, "messages_in_trash": 0, "channels_in_delete": 0, "channels_in_trash": 0, "subscribers": 0, "uptime": \d+, "by_worker": \[\r\n
POST /pub?id=a/b "m"       -> 200
GET  /stats                -> 200 | json channels == 2 | json published_messages == 3 | json stored_messages == 3
DELETE /pub?id=a           -> 200
# What was ever published survives the channel.
GET  /stats                -> 200 | json channels == 1 | json published_messages == 3

=== one worker more in the summary for each worker
--- workers: 2
--- steps
json /stats by_worker.length == 2
a: GET /sub/x @worker 1
b: GET /sub/x/y @worker 2
c: GET /lp/x @worker 2
a,b< status 200
json /stats subscribers == 3
json /stats by_worker[0].subscribers ~ [12], by_worker[1].subscribers ~ [12]
d: GET /stats
d< body ~ "pid": "${PID1}", "subscribers": 1, "uptime": \d+\}
d< body ~ "pid": "${PID2}", "subscribers": 2, "uptime": \d+\}
json /stats?id=x subscribers == 3
json /stats?id=y subscribers == 1

=== one channel
--- table
POST /pub?id=ch_1 "m"      -> 200
GET  /stats?id=ch_1        -> 200 | body "{\"channel\": \"ch_1\", \"published_messages\": 1, \"stored_messages\": 1, \"subscribers\": 0}\r\n"
GET  /stats?id=ch_1.b5     -> 200 | json channel == ch_1
GET  /stats?id=nobody/ch_1 -> 200 | json channel == ch_1

=== several channels, all, by prefix
--- table
POST /pub?id=g1/g2/h1/a "m" -> 200
GET  /stats?id=g2/nobody/a/g2 -> 200 | json infos.length == 3 | json infos[0].channel == g2 | json infos[1].channel == a | json infos[2].channel == g2
GET  /stats?id=ALL          -> 200 | json infos.length == 4 | json infos[0].channel == g1 | json infos[1].channel == g2 | json infos[2].channel == h1 | json infos[3].channel == a
GET  /stats?id=*            -> 200 | json infos.length == 4
GET  /stats?id=g*           -> 200 | json infos.length == 2
GET  /stats?id=g*4          -> 200 | json infos.length == 2
GET  /stats?id=g1/ALL       -> 200 | json infos.length == 4
GET  /stats?id=ALL/g1       -> 200 | json infos.length == 4
GET  /stats?id=g1/h*/a*     -> 200 | json infos.length == 1 | json infos[0].channel == h1
GET  /stats?id=z*           -> 200 | json infos.length == 0 | body ~ "channels": 4, "wildcard_channels": 0, "uptime": \d+, "infos": \[\r\n\]\}\r\n$
DELETE /pub?id=g1           -> 200
GET  /stats?id=ALL          -> 200 | json infos.length == 3 | json channels == 3
GET  /stats?id=g1           -> 404
POST /pub?id=g1 "m"         -> 200
# Creation order.
GET  /stats?id=ALL          -> 200 | json infos[3].channel == g1
GET  /stats?id=h1/a         -> 200 | body ~ \{"channel": "h1", "published_messages": 1, "stored_messages": 1, "subscribers": 0\},\r\n\{"channel": "a", "published_messages": 1, "stored_messages": 1, "subscribers": 0\}\r\n\]\}\r\n$

=== ids are escaped
--- steps
? POST /pub?id=a%22b "m" -> 200
? POST /pub?id=a%5C%01 "m" -> 200
? GET /stats?id=ALL -> 200 | json infos.length == 2 | body ~ "channel": "a\\"b",
? GET /stats?id=a* -> 200 | body ~ "channel": "a\\\\\\u0001"

=== uptime counts on over a reload
--- steps
! wait 1s
json /stats uptime >= 1
! reload
! wait-workers 1
json! /stats uptime >= 1

=== gzip compresses them
--- extra_config
gzip on;
gzip_types application/json;
gzip_min_length 0;
--- table
GET /stats {Accept-Encoding: gzip} -> 200 | Content-Encoding: gzip | no Content-Length

=== stored messages follow the limit of a channel
--- http_config
push_stream_max_messages_stored_per_channel 2;
--- steps
repeat 5: pub /pub?id=a m
json! /stats?id=a published_messages == 5, stored_messages == 2
json! /stats published_messages == 5, stored_messages == 2
json /stats messages_in_trash == 0 within 15s
