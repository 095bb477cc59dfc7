# With push_stream_websocket_allow_publish a client's message goes to every channel of its connection.
--- http_config
push_stream_message_template '{"channel":"~channel~", "id":"~id~", "message":"~text~"}';
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
location ~ ^/keep/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_store_messages on;
}
location ~ ^/mute/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }

=== to all channels, in the order of the path; the sender gets it, too
--- steps
a: WS /ws/ch2/ch1
b: GET /sub/ch1
c: WS /mute/ch2
a,c< status 101
b< status 200
a> frame text "hello"
a< bytes "\x81\x2e{\"channel\":\"ch2\", \"id\":\"1\", \"message\":\"hello\"}"
a< bytes "\x81\x2e{\"channel\":\"ch1\", \"id\":\"1\", \"message\":\"hello\"}"
b< chunk {"channel":"ch1", "id":"1", "message":"hello"}
c< frame text {"channel":"ch2", "id":"1", "message":"hello"}
a,b,c< nothing 100ms
json! /stats published_messages == 2, stored_messages == 0

=== the ids go on from those of other publishers
--- steps
pub /pub?id=s first
a: WS /ws/s.b1
a< frame text {"channel":"s", "id":"1", "message":"first"}
a> frame text "second"
a< frame text {"channel":"s", "id":"2", "message":"second"}
pub /pub?id=s third
a< frame text {"channel":"s", "id":"3", "message":"third"}

=== stored where the location stores
--- steps
a: WS /ws/s
b: WS /keep/s
a,b< status 101
a> frame text "lost"
a,b< frame text ~ lost
b> frame text "kept"
a,b< frame text ~ kept
json! /stats?id=s published_messages == 2, stored_messages == 1
? GET /poll/s.b9 -> 200 | body {"channel":"s", "id":"2", "message":"kept"}
c: GET /poll/s.b1
c< capture T = header Last-Modified
c< capture N = header Etag
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304

=== without event id and type
--- http_config
push_stream_message_template "[~text~|~event-id~|~event-type~|~size~]";
--- steps
a: WS /keep/s
   Event-Id: 1
   Event-Type: t
a< status 101
a> frame text "text"
a< frame text [text|||4]

=== all of it is taken for text
--- steps
a: WS /ws/s
a< status 101
a> frame text "~channel~ \"quoted\"\r\nPOST /pub?id=s HTTP/1.1\r\n\r\n"
a< frame text "{\"channel\":\"s\", \"id\":\"1\", \"message\":\"~channel~ \"quoted\"\r\nPOST /pub?id=s HTTP/1.1\r\n\r\n\"}"
a< nothing 100ms

=== where it is off messages are thrown away
--- steps
a: WS /mute/s
a< status 101
a> frame text "hello"
   frame text fin=0 "hel"
   frame continuation "lo"
   frame text "a" x 100000
   frame ping "p"
a< frame pong "p"
a< nothing 100ms
json! /stats?id=s published_messages == 0
# What is wrong is wrong all the same.
a> frame text "\xff"
a< frame close 1007
a< end

=== across workers
--- workers: 2
--- steps
a: WS /ws/s @worker 1
b: WS /ws/s @worker 2
c: GET /lp/s @worker 2
d: GET /lp/s @worker 1
a,b< status 101
a< pid != b
c,d< nothing 100ms
a> frame text "from one"
a,b< frame text {"channel":"s", "id":"1", "message":"from one"}
c,d< body {"channel":"s", "id":"1", "message":"from one"}
b> frame text "from two"
a,b< frame text {"channel":"s", "id":"2", "message":"from two"}

=== 4 MiB, although bodies may have 1k only
--- http_config
push_stream_shared_memory_size 32m;
client_max_body_size 1k;
client_body_buffer_size 1k;
push_stream_message_template "~text~";
--- steps
a: WS /ws/s
b: WS /ws/s
   frame text "0123456789abcdef" x 262144
a,b< status 101
a,b< frame text "0123456789abcdef" x 262144 within 10s
a> frame text unmasked fin=0 "0123456789abcdef" x 131072
   frame continuation "fedcba9876543210" x 131072
a,b< frame text "0123456789abcdef" x 131072 + "fedcba9876543210" x 131072 within 10s
a,b< nothing 100ms

=== the events channel is left out
--- http_config
push_stream_events_channel_id events;
push_stream_allow_connections_to_events_channel on;
push_stream_message_template "[~channel~|~text~]";
--- steps
a: WS /ws/events/s
a< status 101
a< text "\"client_subscribed\", \"channel\": \"s\"}]"
a> frame text "mine"
a< frame text [s|mine]
a< nothing 100ms
json! /stats?id=s published_messages == 1

=== only the events channel
--- http_config
push_stream_events_channel_id events;
push_stream_allow_connections_to_events_channel on;
push_stream_message_template "[~channel~|~text~]";
--- steps
a: WS /ws/events
a< status 101
a> frame text "mine"
   frame ping
a< frame pong ""
a< nothing 100ms
json! /stats?id=events published_messages == 0

=== a deleted channel is left out, and does not come back
--- http_config
push_stream_message_template "[~channel~|~id~|~text~]";
--- steps
a: WS /ws/s/t
a< status 101
? DELETE /pub?id=s -> 200
a< frame text "[s|-2|Channel deleted]"
a> frame text "mine"
a< frame text "[t|1|mine]"
a< nothing 100ms
? GET /stats?id=s -> 404
# One that came back under the same name is another channel.
pub /pub?id=s new
a> frame text "again"
a< frame text "[t|2|again]"
a< nothing 100ms
json! /stats?id=s published_messages == 1

=== a channel twice in the path
--- http_config
push_stream_message_template "[~id~|~text~]";
--- steps
a: WS /ws/s/s
a< status 101
a> frame text "m"
a< frame text "[1|m]"
a< frame text "[1|m]"
a< frame text "[2|m]"
a< frame text "[2|m]"
a< nothing 100ms

=== many messages of two clients, in order
--- http_config
push_stream_message_template "~text~";
--- steps
a: WS /keep/s
b: WS /keep/s
a,b< status 101
repeat 30: a> frame text "a${i}"
repeat 30: b< frame text "a${i}"
repeat 30: b> frame text "b${i}"
a< text a30
a< text b30
json! /stats published_messages == 60, stored_messages == 60, subscribers == 2
b< text b30
? DELETE /pub?id=s -> 200
a,b< last frame close
json /stats subscribers == 0, channels == 0

=== a message that does not fit into the zone ends the connection
--- http_config
push_stream_shared_memory_size 128k;
push_stream_message_template "~text~";
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
a> frame text "0123456789" x 12600
a< frame close 1013
a< end within 2s
b< nothing 100ms
json! /stats subscribers == 1, published_messages == 0
b> frame text "small"
b< frame text "small"

=== larger than the zone
--- http_config
push_stream_shared_memory_size 128k;
--- steps
a: WS /ws/s
a< status 101
# Refused by its announced length.
a> frame text length=200000
a< frame close 1009
a< end
b: WS /ws/s
b< status 101
b> frame text fin=0 "0123456789" x 12000
b< nothing 50ms
b> frame continuation length=20000
b< frame close 1009
b< end

=== eight megabytes, where nothing is said and the zone is larger
--- http_config
push_stream_shared_memory_size 32m;
push_stream_message_template "~text~";
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_subscriber_buffer_size 32m;
}
--- steps
a: WS /ws/s
a< status 101
a> frame text "a" x 8388608
a< frame text "a" x 8388608 within 20s
a> frame text length=8388609
a< frame close 1009
a< end

=== a limit of one's own
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_websocket_max_message_size 1k;
}
--- http_config
push_stream_message_template "~text~";
--- steps
a: WS /ws/s
a< status 101
a> frame text "a" x 1024
a< frame text "a" x 1024
a> frame text fin=0 "b" x 1000
   frame continuation fin=0 "b" x 24
   frame continuation ""
a< frame text "b" x 1024
# Publishers over HTTP are not meant.
pub /pub?id=s "c" x 2000
a< frame text "c" x 2000
a> frame text "d" x 1025
a< frame close 1009
a< end
b: WS /ws/s
b< status 101
b> frame text fin=0 "a" x 1000
   frame continuation fin=0 "a" x 25
b< frame close 1009
b< end
c: WS /ws/s
c< status 101
c> frame text length=9223372036854775807
c< frame close 1009
c< end
