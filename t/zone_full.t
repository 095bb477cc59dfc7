# A full zone refuses what is new, or with push_stream_zone_full evict_oldest lets the oldest messages go; nothing else notices.
--- http_config
push_stream_shared_memory_size 128k;
push_stream_message_template "[~id~|~text~]";
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_store_messages on;
}

=== refused: 500, a closed connection, a line that names zone and channel
--- steps
a: GET /sub/x
a< status 200
repeat 3: pub /pub?id=full m${i}
? POST /pub?id=full "y" x 30000 -> 200
? POST /pub?id=full "y" x 30000 -> 200
b: POST /pub?id=full
   Content-Length: 60000
   body "y" x 60000
b< status 500
b< header Connection: close
b< done
# Nothing has happened to anybody else.
? GET /poll/full.b9 -> 200 | body ~ ^\[1\|m1\]\[2\|m2\]\[3\|m3\]
a< nothing 50ms
pub /pub?id=x m
a< chunk "[1|m]"
--- error_log: unable to allocate message in shared memory: no memory in zone "push_stream_module", channel "full"

=== a publish to several channels reaches all of them or none
--- steps
a: GET /sub/a
b: GET /sub/b
a,b< status 200
? POST /pub?id=full "y" x 60000 -> 200
c: POST /pub?id=a/b/full
   Content-Length: 60000
   body "y" x 60000
c< status 500
a,b< nothing 50ms
json! /stats?id=a published_messages == 0
? POST /pub?id=a/b/full "together" -> 200
a,b< chunk "[1|together]"

=== it takes messages again when some have expired
--- http_config
push_stream_shared_memory_size 128k;
push_stream_message_ttl 1s;
--- steps
? POST /pub?id=full "y" x 60000 -> 200
a: POST /pub?id=x
   Content-Length: 60000
   body "y" x 60000
a< status 500
json /stats stored_messages == 0 within 5s
? POST /pub?id=x "y" x 60000 -> 200

=== and after a DELETE, at once
--- steps
? POST /pub?id=full "y" x 60000 -> 200
a: GET /sub/full
a< status 200
b: POST /pub?id=x
   Content-Length: 60000
   body "y" x 60000
b< status 500
? DELETE /pub?id=full -> 200
a< text Channel deleted
? POST /pub?id=x "y" x 60000 -> 200

=== evict_oldest: 200, and the newest can be read
--- http_config
push_stream_shared_memory_size 128k;
push_stream_zone_full evict_oldest;
push_stream_message_template "[~id~|~text~]";
push_stream_channel_inactivity_time 1h;
--- steps
! next second
pub /pub?id=x first
a: GET /lp/x.b1
a< body [1|first]
a< capture T = header Last-Modified
a< capture N = header Etag
repeat 20: ? POST /pub?id=y${i} "0123456789" x 1000 -> 200
? GET /poll/y20.b1 -> 200 | body ~ ^\[1\|(0123456789)+\]$
? GET /poll/y19.b1 -> 200 | body ~ ^\[1\|(0123456789)+\]$
json! /stats?id=y1 published_messages == 1, stored_messages == 0
json! /stats?id=x published_messages == 1, stored_messages == 0
json! /stats published_messages == 21
# Whoever was there before is told that something is missing.
? GET /poll/y1 {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304 | X-Nginx-PushStream-Gap: 1
# Nothing goes for what is larger than half of the zone.
? POST /pub?id=x "y" x 70000 -> 500
? GET /poll/y20.b1 -> 200 | body ~ ^\[1\|(0123456789)+\]$
--- error_log: unable to allocate message in shared memory: no memory in zone "push_stream_module", channel "x"

=== evict_oldest: new channels, subscribers and their messages find room
--- http_config
push_stream_shared_memory_size 128k;
push_stream_zone_full evict_oldest;
push_stream_channel_inactivity_time 1h;
push_stream_message_template "[~id~|~text~]";
--- steps
repeat 700: pub /pub?id=full 0123456789012345678901234567890123456789012345678901234567890123456789${i}
repeat 100: pub /pub?id=channel_with_a_long_name_${i} 0123456789012345678901234567890123456789
a: GET /sub/new/channel_with_a_long_name_7
a< status 200
b: WS /ws/new
b< status 101
b> frame text "said"
a< chunk "[1|said]"
b< frame text "[1|said]"
json! /stats?id=full published_messages == 700
json! /stats published_messages == 801
? GET /poll/full.b700 -> 200 | body ~ ^\[[1-9][0-9]+\|
--- no_error_log: unable to allocate

=== evict_oldest: events are announced
--- http_config
push_stream_shared_memory_size 128k;
push_stream_zone_full evict_oldest;
push_stream_events_channel_id events;
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/sub/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_allow_connections_to_events_channel on;
}
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
--- steps
a: GET /sub/events
a< status 200
repeat 12: ? POST /pub?id=y${i} "0123456789" x 1000 -> 200
a< text channel_created", "channel": "y12"

=== a WebSocket that publishes into a full zone is told to come back later
--- steps
? POST /pub?id=full "y" x 60000 -> 200
a: WS /ws/x
a< status 101
a> frame text "y" x 60000
a< frame close 1013
--- error_log: unable to allocate message in shared memory: no memory in zone "push_stream_module", channel "x"

=== of many lines of a kind one a second is written, the others are counted
--- steps
? POST /pub?id=full "y" x 60000 -> 200
! next second
repeat 20: ? POST /pub?id=full "y" x 60000 -> 500
! log unable to allocate message in shared memory: 1
--- error_log: more in the last second
