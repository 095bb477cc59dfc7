# Statistics: more than one worker, wildcard channels, subscribers, odd ids and odd paths.

=== two workers in plain text, YAML and XML
--- workers: 2
--- steps
a: GET /sub/a @worker 2
a< status 200
json /stats by_worker.length == 2, subscribers == 1
p: GET /stats
   Accept: text/plain
p< body ~ subscribers: 1\r\nuptime: \d+\r\nby_worker:\r\n  pid: \d+\r\n  subscribers: [01]\r\n  uptime: \d+,\r\n  pid: \d+\r\n  subscribers: [01]\r\n  uptime: \d+\r\n$
p< body ~ pid: ${PID1}\r\n  subscribers: 0\r\n
p< body ~ pid: ${PID2}\r\n  subscribers: 1\r\n
y: GET /stats
   Accept: application/yaml
y< body ~   by_worker:\r\n   -\r\n    pid: \d+\r\n    subscribers: [01]\r\n    uptime: \d+\r\n   -\r\n    pid: \d+\r\n    subscribers: [01]\r\n    uptime: \d+\r\n$
y< body ~     pid: ${PID2}\r\n    subscribers: 1\r\n
x: GET /stats
   Accept: application/xml
x< body ~   <by_worker><worker>\r\n  <pid>\d+</pid>\r\n  <subscribers>[01]</subscribers>\r\n  <uptime>\d+</uptime>\r\n</worker>\r\n<worker>\r\n  <pid>\d+</pid>\r\n  <subscribers>[01]</subscribers>\r\n  <uptime>\d+</uptime>\r\n</worker>\r\n</by_worker>\r\n</infos>\r\n$
x< body ~ <pid>${PID2}</pid>\r\n  <subscribers>1</subscribers>
j: GET /stats
j< body ~ "by_worker": \[\r\n\{"pid": "\d+", "subscribers": [01], "uptime": \d+\},\r\n\{"pid": "\d+", "subscribers": [01], "uptime": \d+\}\r\n\]\}\r\n$

=== subscribers of a channel in every format
--- steps
a: GET /sub/a/b
a< status 200
b: GET /lp/a
json /stats?id=a subscribers == 2
? GET /stats?id=a {Accept: text/plain}       -> 200 | body "channel: a\r\npublished_messages: 0\r\nstored_messages: 0\r\nactive_subscribers: 2\r\n"
? GET /stats?id=a {Accept: application/yaml} -> 200 | body ~   subscribers: 2\r\n$
? GET /stats?id=a {Accept: application/xml}  -> 200 | body ~ <subscribers>2</subscribers>
? GET /pub?id=a {Accept: text/plain}         -> 200 | Content-Type: text/plain | body ~ active_subscribers: 2
# Two subscribers with three subscriptions.
? GET /stats                                 -> 200 | json subscribers == 2
? GET /stats?id=a/b                          -> 200 | json infos[0].subscribers == 2 | json infos[1].subscribers == 1

=== an empty list in XML
--- table
GET /stats?id=z* {Accept: application/xml} -> 200 | body ~ ^<\?xml version="1.0" encoding="UTF-8" \?>\r\n<root>\r\n  <hostname>\S+</hostname>\r\n  <time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d</time>\r\n  <channels>0</channels>\r\n  <wildcard_channels>0</wildcard_channels>\r\n  <uptime>\d+</uptime>\r\n  <infos>\r\n  </infos>\r\n</root>\r\n$

=== XML is escaped, plain text is not
--- table
POST /pub?id=%3Ca%3E%26%22' "m"              -> 200
GET  /stats?id=* {Accept: application/xml}   -> 200 | body ~ <name>&lt;a&gt;&amp;(&quot;|")(&apos;|&#39;|')</name>
GET  /stats?id=%3Ca%3E%26%22' {Accept: text/plain} -> 200 | body ~ ^channel: <a>&"'\r\n
GET  /stats?id=%3Ca%3E%26%22'                -> 200 | body ~ "channel": "<a>&\\"'"
GET  /pub?id=%3Ca%3E%26%22' {Accept: text/xml} -> 200 | body ~ <name>&lt;a&gt;&amp;

=== wildcard channels
--- http_config
push_stream_wildcard_channel_prefix w_;
--- table
POST /pub?id=a/w_1/w_2 "m"   -> 200 | json channels == 1 | json wildcard_channels == 2 | json infos.length == 3
GET  /stats                  -> 200 | json channels == 1 | json wildcard_channels == 2
GET  /stats?id=w_*           -> 200 | json infos.length == 2
GET  /stats?id=ALL           -> 200 | json infos.length == 3
GET  /stats?id=w_1           -> 200 | json channel == w_1
DELETE /pub?id=w_1           -> 200
GET  /stats                  -> 200 | json channels == 1 | json wildcard_channels == 1 | json channels_in_delete == 1

=== what the path means
--- http_config
push_stream_max_channel_id_length 4;
--- table
POST /pub?id=g1/g2/h1/all/ALL2 "m" -> 200
GET  /stats?id=              -> 200 | json channels == 5 | json by_worker.length == 1
GET  /stats?id=/             -> 200 | json by_worker.length == 1
GET  /stats?id=all           -> 200 | json channel == all
GET  /stats?id=ALL2          -> 200 | json channel == ALL2
GET  /stats?id=g%2A          -> 200 | json infos.length == 2
GET  /stats?id=*g            -> 200 | json infos.length == 5
GET  /stats?id=g1/h*/12345   -> 200 | json infos.length == 1
GET  /stats?id=h*/g*         -> 200 | json infos.length == 1 | json infos[0].channel == h1
GET  /stats?id=12345/h*      -> 400 | explain Channel id is too large.
GET  /stats?id=g1/ALL/12345  -> 200 | json infos.length == 5
GET  /stats?id=g1%2Fg2       -> 200 | json infos.length == 2
GET  /stats?id=g1/none       -> 200 | json channel == g1
GET  /stats?id=no1/no2       -> 404
GET  /stats?id=g1/g1         -> 200 | json infos.length == 2

=== which Accept, more
--- table
GET /stats {Accept: text/*, text/plain}   -> 200 | Content-Type: text/plain
GET /stats {Accept: a/html, b/yaml, c/plain} -> 200 | Content-Type: application/yaml
GET /stats {Accept: text/x-jsonp}         -> 200 | Content-Type: text/x-json
GET /stats {Accept: /xml}                 -> 200 | Content-Type: application/xml
GET /stats {Accept: xml}                  -> 200 | Content-Type: application/json
GET /stats {Accept: text/}                -> 200 | Content-Type: application/json
GET /stats {Accept: text/xm}              -> 200 | Content-Type: application/json
GET /stats?id=nobody {Accept: text/plain} -> 404 | Content-Length: 0
GET /stats?id=* {Accept: text/x-yaml}     -> 200 | Content-Type: text/x-yaml | body ~ ^hostname: 
POST /pub?id=a/b {Accept: text/xml} "m"   -> 200 | Content-Type: application/xml | body ~ <root>\r\n
POST /pub?id=a {Accept: text/yaml} "m"    -> 200 | Content-Type: application/yaml | body "  channel: a\r\n  published_messages: 2\r\n  stored_messages: 2\r\n  subscribers: 0\r\n"

=== deleted channels are counted apart, their messages until they are collected
--- timeout: 20s
--- steps
pub /pub?id=a/b/c m
? DELETE /pub?id=a/b -> 200
json! /stats channels == 1, channels_in_delete == 2, channels_in_trash == 0, stored_messages == 3
? GET /stats?id=ALL -> 200 | json infos.length == 1 | json channels == 1
? GET /stats?id=a* -> 200 | json infos.length == 0
json /stats channels_in_delete == 0, channels_in_trash == 2, stored_messages == 1 within 4s

=== unstored messages count as published
--- extra_config
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
--- steps
repeat 3: pub /live?id=a m
json! /stats published_messages == 3, stored_messages == 0
json! /stats?id=a published_messages == 3, stored_messages == 0

=== not nginx-push-stream-module's own version
--- table
GET /stats -> 200 | X-Nginx-PushStream-Tag ~ ^\d+\.\d+\.\d+ | X-Nginx-PushStream-Commit ~ ^\S+$
GET /stats -> 200 | X-Nginx-PushStream-Commit ~ ^([^3]|3[^b]|3b[^c])

=== times are UTC
--- steps
a: GET /stats
a< capture T = body ~ "time": "\d{4}-\d\d-\d\dT(\d\d:\d\d):
set NOWDATE = ${NOW}
a< header Date ~ ${T}
