# Limits: channels, subscribers and messages, each with the text that says so.

=== the number of channels
--- http_config
push_stream_max_number_of_channels 3;
push_stream_wildcard_channel_prefix w_;
--- steps
? POST /pub?id=a "m"          -> 200
? GET  /poll/b                -> 304
a: GET /sub/c
a< status 200
? POST /pub?id=d "m"          -> 403 | explain Number of channels were exceeded. | Content-Length: 0
? PUT  /pub?id=a/d "m"        -> 403 | explain Number of channels were exceeded.
? GET  /poll/d                -> 403 | explain Number of channels were exceeded. | Content-Length: 0
? GET  /sub/d                 -> 403 | explain Number of channels were exceeded.
? GET  /lp/a/d                -> 403 | explain Number of channels were exceeded.
# Those that are there go on.
? POST /pub?id=a "m"          -> 200 | json published_messages == 2
? GET  /poll/a/b/c            -> 304
# Asking about a channel does not create it; wildcard channels do not count.
? GET  /pub?id=d              -> 404
? POST /pub?id=w_1/w_2 "m"    -> 200
? GET  /stats                 -> 200 | json channels == 3 | json wildcard_channels == 2
? DELETE /pub?id=b            -> 200
? POST /pub?id=d "m"          -> 200
? POST /pub?id=b "m"          -> 403
--- error_log: push stream module: number of channels were exceeded

=== several new channels, only some of which have room
--- http_config
push_stream_max_number_of_channels 3;
--- table
POST /pub?id=a "m"            -> 200
POST /pub?id=b/c/d "m"        -> 403 | explain Number of channels were exceeded.
# A refused publish leaves nothing behind.
GET  /stats                   -> 200 | json channels == 1 | json published_messages == 1
POST /pub?id=b/c "m"          -> 200
POST /pub?id=a/b/c "m"        -> 200

=== the number of wildcard channels
--- http_config
push_stream_max_number_of_wildcard_channels 2;
push_stream_wildcard_channel_prefix w_;
--- steps
? POST /pub?id=w_1 "m"        -> 200
? GET  /poll/a/w_2            -> 304
? POST /pub?id=w_3 "m"        -> 403 | explain Number of channels were exceeded.
? GET  /poll/a/w_3            -> 403 | explain Number of channels were exceeded.
a: GET /sub/a/w_3
a< status 403
a< explain Number of channels were exceeded.
? POST /pub?id=x/y/z "m"      -> 200
? GET  /stats                 -> 200 | json channels == 4 | json wildcard_channels == 2
? POST /pub?id=w_1/w_2 "m"    -> 200

=== wildcard channels of one request
--- http_config
push_stream_wildcard_channel_prefix w_;
--- extra_config
location ~ ^/two/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_wildcard_channel_max_qtd 2;
}
location ~ ^/twostream/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_wildcard_channel_max_qtd 2;
}
location ~ ^/twolp/(.*)$ {
    push_stream_subscriber long-polling;
    push_stream_channels_path $1;
    push_stream_wildcard_channel_max_qtd 2;
}
--- steps
? GET /two/a/w_1/w_2          -> 304
? GET /two/w_1/w_2/a          -> 304
? GET /two/a                  -> 304
? GET /two/a/w_1/w_2/w_3      -> 403 | explain Subscribed too much wildcard channels. | Content-Length: 0
? GET /twostream/a/w_1/w_2/w_3 -> 403 | explain Subscribed too much wildcard channels.
? GET /twolp/a/w_1/w_2/w_3    -> 403 | explain Subscribed too much wildcard channels.
# Nor wildcard channels only.
? GET /two/w_1                -> 403 | explain Subscribed too much wildcard channels.
? GET /two/w_1/w_2            -> 403 | explain Subscribed too much wildcard channels.
# The same one twice counts twice.
? GET /two/a/w_1/w_1/w_1      -> 403
# A publisher has no such limit, nor has a location without one.
? POST /pub?id=w_1/w_2/w_4/w_5 "m" -> 200
? GET /poll/w_1/w_2/w_3       -> 304
? GET /stats                  -> 200 | json channels == 1 | json wildcard_channels == 5
a: GET /twostream/a/w_1
a< status 200
pub /pub?id=w_1 hello
a< chunk "hello"
--- error_log: push stream module: max subscribed wildcard channels exceeded

=== the number of all wildcard channels limits those of a request, too
--- http_config
push_stream_wildcard_channel_prefix w_;
push_stream_max_number_of_wildcard_channels 1;
--- table
GET /poll/w_1                 -> 403 | explain Subscribed too much wildcard channels.
GET /poll/a/w_1/w_2           -> 403 | explain Subscribed too much wildcard channels.
GET /poll/a/w_1               -> 304

=== subscribers of a channel
--- http_config
push_stream_max_subscribers_per_channel 2;
--- steps
a: GET /sub/s
a< status 200
b: GET /lp/s
b< nothing 100ms
? GET /sub/s                  -> 403 | explain Subscribers limit per channel has been exceeded. | Content-Length: 0
? GET /lp/s                   -> 403 | explain Subscribers limit per channel has been exceeded.
? GET /poll/s                 -> 403 | explain Subscribers limit per channel has been exceeded.
? GET /sub/t/s                -> 403 | explain Subscribers limit per channel has been exceeded.
? GET /stats?id=t             -> 404
? GET /poll/other             -> 304
json! /stats?id=s subscribers == 2
ax
json /stats?id=s subscribers == 1
c: GET /sub/s
c< status 200
? GET /sub/s                  -> 403

=== the limit is exact with several workers
--- workers: 4
--- http_config
push_stream_max_subscribers_per_channel 3;
--- steps
a: GET /sub/s @worker 1
b: GET /sub/s @worker 2
c: GET /lp/s @worker 3
a,b< status 200
json /stats?id=s subscribers == 3
d: GET /sub/s @worker 4
e: GET /lp/s @worker 1
f: GET /poll/s @worker 2
d,e,f< status 403
d,e,f< explain Subscribers limit per channel has been exceeded.
json! /stats?id=s subscribers == 3
bx
json /stats?id=s subscribers == 2
d: GET /sub/s @worker 4
d< status 200

=== stored messages of a channel
--- http_config
push_stream_max_messages_stored_per_channel 3;
--- steps
repeat 3: pub /pub?id=s m${i}
? POST /pub?id=s "m4"         -> 200 | json published_messages == 4 | json stored_messages == 3
? GET  /poll/s.b9             -> 200 | body m2m3m4
? POST /pub?id=s/t "m5"       -> 200 | json infos[0].stored_messages == 3 | json infos[1].stored_messages == 1
? GET  /poll/s {If-Modified-Since: ${EPOCH}} -> 200 | body m3m4m5
json! /stats stored_messages == 4, published_messages == 6

=== the length of an id
--- http_config
push_stream_max_channel_id_length 4;
--- steps
? POST /pub?id=1234 "m"       -> 200
? POST /pub?id=12345 "m"      -> 400 | explain Channel id is too large.
? GET  /pub?id=12345          -> 400 | explain Channel id is too large.
? DELETE /pub?id=12345        -> 400 | explain Channel id is too large.
? GET  /poll/12345            -> 400 | explain Channel id is too large.
? GET  /sub/12345             -> 400 | explain Channel id is too large.
? GET  /lp/12345              -> 400 | explain Channel id is too large.
? GET  /stats?id=12345        -> 400 | explain Channel id is too large.
? GET  /poll/1234.b123456     -> 200
? GET  /poll/%31%32%33%34     -> 304
? GET  /poll/12345.b1         -> 400

=== the number of channels in one request, repetitions counted
--- http_config
push_stream_max_channels_per_request 3;
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
--- steps
? POST /pub?id=a/b/c "m"      -> 200
? POST /pub?id=a/b/c/d "m"    -> 403 | explain Too many channels in one request. | Content-Length: 0
? GET  /pub?id=a/b/c/d        -> 403 | explain Too many channels in one request.
? DELETE /pub?id=a/b/c/d      -> 403 | explain Too many channels in one request.
? GET  /poll/a/a/a            -> 304
? GET  /poll/a/a/a/a          -> 403 | explain Too many channels in one request.
? GET  /lp/a/b/c/d            -> 403 | explain Too many channels in one request.
? GET  /sub/a/b/c/d           -> 403 | explain Too many channels in one request.
? GET  /ev/a/b/c/d            -> 403 | explain Too many channels in one request.
? GET  /stats?id=a/b/c        -> 200
? GET  /stats?id=a/b/c/d      -> 403 | explain Too many channels in one request.
a: WS /ws/a/b/c/d
a< status 101
a< frame close 1008 "{\"http_status\": 403, \"explain\":\"Too many channels in one request.\"}"
# Nobody has made a channel for it.
json! /stats channels == 3
--- error_log: push stream module: more channels in one request than allowed 3

=== a thousand channels in one request, where nothing is said
--- steps
a: connect
a> "GET /poll/" + "a/" x 1000 + " HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 304
a< next
a> "GET /poll/" + "a/" x 1001 + " HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 403

=== as many as the request line has room for
--- http_config
push_stream_max_channels_per_request 0;
--- steps
a: connect
a> "GET /poll/" + "a/" x 4000 + " HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 304

=== without limits there are none
--- steps
repeat 50: pub /pub?id=c${i}/w_${i} m
json! /stats channels == 100, stored_messages == 100
repeat 50: pub /pub?id=c1 m
json! /stats?id=c1 stored_messages == 51
