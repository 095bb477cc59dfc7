# A publish answers with the channel's numbers, taken after it; push_stream_channel_info_on_publish off saves that.
--- http_config
push_stream_max_messages_stored_per_channel 3;

=== one channel
--- table
POST /pub?id=a1 "m" -> 200 | Content-Type: application/json | body "{\"channel\": \"a1\", \"published_messages\": 1, \"stored_messages\": 1, \"subscribers\": 0}\r\n"
GET  /pub?id=a1     -> 200 | Content-Type: application/json | body "{\"channel\": \"a1\", \"published_messages\": 1, \"stored_messages\": 1, \"subscribers\": 0}\r\n"

=== several channels
--- table
POST /pub?id=a1/a2 "m"    -> 200 | body ~ ^\{"hostname": "[^"]+", "time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "channels": 2, "wildcard_channels": 0, "uptime": \d+, "infos": \[\r\n\{"channel": "a1", "published_messages": 1, "stored_messages": 1, "subscribers": 0\},\r\n\{"channel": "a2", "published_messages": 1, "stored_messages": 1, "subscribers": 0\}\r\n\]\}\r\n$
# The channels that exist, in the order of the path.
GET  /pub?id=a2/nobody/a1 -> 200 | json infos.length == 2 | json infos[0].channel == a2 | json infos[1].channel == a1
GET  /pub?id=nobody/a1    -> 200 | json channel == a1
GET  /pub?id=nobody       -> 404 | Content-Length: 0 | no X-Nginx-PushStream-Explain
GET  /stats               -> 200 | json channels == 2

=== stored messages never exceed the limit
--- table
POST /pub?id=a "1" -> 200 | json stored_messages == 1
POST /pub?id=a "2" -> 200 | json stored_messages == 2
POST /pub?id=a "3" -> 200 | json stored_messages == 3
POST /pub?id=a "4" -> 200 | json stored_messages == 3 | json published_messages == 4
GET  /poll/a {If-Modified-Since: ${EPOCH}} -> 200 | body 234

=== off
--- extra_config
location /quiet {
    push_stream_publisher;
    push_stream_channels_path $arg_id;
    push_stream_channel_info_on_publish off;
}
--- table
POST /quiet?id=a "m"    -> 200 | Content-Length: 0 | no Content-Type | body ""
POST /quiet?id=a/b "m"  -> 200 | Content-Length: 0 | no Content-Type
GET  /quiet?id=a        -> 200 | json published_messages == 2 | json stored_messages == 0

=== subscribers are counted, also the poll that this very message answers
--- steps
a: GET /sub/x
a< status 200
b: GET /lp/x
json /stats?id=x subscribers == 2
? POST /pub?id=x "m" -> 200 | json subscribers == 2
b< status 200
b< body m
json /stats?id=x subscribers == 1

=== the format is chosen by Accept
--- table
POST /pub?id=a {Accept: text/plain} "m"        -> 200 | Content-Type: text/plain | body ~ ^channel: a\r\npublished_messages: 1\r\n
GET  /pub?id=a {Accept: application/xml}       -> 200 | Content-Type: application/xml | body ~ <name>a</name>
GET  /pub?id=a {Accept: application/yaml}      -> 200 | Content-Type: application/yaml
