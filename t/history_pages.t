# Pages of history: what one client got is sent to the next as it is, and never where it would be something else by now.
--- http_config
push_stream_message_template "[~id~|~text~]";
--- extra_config
location /metrics { push_stream_channels_statistics prometheus; }
location ~ ^/es/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/auto/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; push_stream_auto_event_id on; push_stream_message_template "~text~"; }
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; push_stream_websocket_deflate on; push_stream_websocket_deflate_min_size 0; }
location ~ ^/other/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_message_template "<~text~>"; }

=== who comes next gets the same
--- steps
repeat 3: pub /pub?id=s m${i}
a: GET /sub/s.b3
a< chunk "[1|m1]"
a< chunk "[2|m2]"
a< chunk "[3|m3]"
b: GET /sub/s.b3
c: GET /sub/s.b9
d: GET /sub/s
   If-Modified-Since: ${EPOCH}
b,c,d< status 200
b,c,d< chunk "[1|m1]"
b,c,d< chunk "[2|m2]"
b,c,d< chunk "[3|m3]"
pub /pub?id=s live
a,b,c,d< chunk "[4|live]"
a,b,c,d< nothing 100ms
metrics /metrics push_stream_history_pages_total{how="rendered"} >= 1, push_stream_history_pages_total{how="reused"} >= 1, push_stream_history_pages_total == 4, push_stream_deliveries_total{mode="streaming"} == 16

=== each as its own location and wire has it
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_padding_by_user_agent "filled,0,100";
--- steps
repeat 2: ? POST /pub?id=s {Event-Id: e${i}} "m${i}" -> 200
a: GET /sub/s.b2
b: GET /es/s.b2
c: GET /auto/s.b2
d: WS /ws/s.b2
f: GET /other/s.b2
g: GET /sub/s.b2
   User-Agent: filled
h: GET /sub/s.b2 @1.0
a< chunk "[1|m1]"
a< chunk "[2|m2]"
b< text id: e1
b< text data: [1|m1]
b< text id: e2
b< text data: [2|m2]
c< text data: m1
c< text data: m2
c< count 0 "e1"
d< frame text "[1|m1]"
d< frame text "[2|m2]"
f< chunk "<m1>"
f< chunk "<m2>"
g< chunk "[1|m1]"
g< chunk ~ ^[\r\n]+$
g< chunk "[2|m2]"
g< chunk ~ ^[\r\n]+$
h< text [1|m1][2|m2]
j: GET /sub/s.b2
k: GET /es/s.b2
l: WS /ws/s.b2
n: GET /sub/s.b2
   User-Agent: filled
o: GET /sub/s.b2 @1.0
j< chunk "[1|m1]"
j< chunk "[2|m2]"
k< text id: e1
k< text data: [1|m1]
k< text id: e2
k< text data: [2|m2]
b,k< count 1 "m2"
c< count 1 "m2"
l< frame text "[1|m1]"
l< frame text "[2|m2]"
n< chunk "[1|m1]"
n< chunk ~ ^[\r\n]+$
n< chunk "[2|m2]"
n< chunk ~ ^[\r\n]+$
o< text [1|m1][2|m2]
a,d,f,g,h,j,l,n,o< nothing 100ms
metrics /metrics push_stream_history_pages_total{how="reused"} >= 1, push_stream_history_pages_total == 12

=== compressed for each window
--- steps
repeat 2: ? POST /pub?id=s "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa${i}" -> 200
a: WS /ws/s.b2
   Sec-WebSocket-Extensions: permessage-deflate
b: WS /ws/s.b2
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9
c: WS /ws/s.b2
d: WS /ws/s.b2
   Sec-WebSocket-Extensions: permessage-deflate
e: WS /ws/s.b2
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9
a,d< frame text deflated "[1|" + "a" x 71 + "1]"
a,d< frame text deflated "[2|" + "a" x 71 + "2]"
b,e< frame text deflated window=9 "[1|" + "a" x 71 + "1]"
b,e< frame text deflated window=9 "[2|" + "a" x 71 + "2]"
c< frame text "[1|" + "a" x 71 + "1]"
c< frame text "[2|" + "a" x 71 + "2]"
a,b,c,d,e< nothing 100ms
metrics /metrics push_stream_history_pages_total{how="reused"} >= 1, push_stream_history_pages_total == 5

=== what has been published since
--- steps
pub /pub?id=s m1
a: GET /sub/s.b9
a< chunk "[1|m1]"
pub /pub?id=s m2
b: GET /sub/s.b9
b< chunk "[1|m1]"
b< chunk "[2|m2]"
? POST /pub?id=t "unstored here" -> 200
c: GET /sub/s.b9
c< chunk "[1|m1]"
c< chunk "[2|m2]"
a< chunk "[2|m2]"
a,b,c< nothing 100ms

=== what has been evicted since
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_max_messages_stored_per_channel 2;
push_stream_gap_message_text "gap";
--- steps
! next second
repeat 2: pub /pub?id=s m${i}
z: GET /poll/s.b1
z< capture T = header Last-Modified
a: GET /sub/s.b9
a< chunk "[1|m1]"
a< chunk "[2|m2]"
repeat 2: pub /pub?id=s more
b: GET /sub/s.b9
b< chunk "[3|more]"
b< chunk "[4|more]"
# Who misses something is told; what others get has nothing of that.
c: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: 1
c< chunk ~ gap
c< chunk "[3|more]"
c< chunk "[4|more]"
d: GET /sub/s.b9
e: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: 2
d,e< status 200
d,e< chunk "[3|more]"
d,e< chunk "[4|more]"
b,c,d,e< nothing 100ms

=== what has expired since
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_message_ttl 2s;
--- steps
pub /pub?id=s old
! wait 1s
pub /pub?id=s new
a: GET /sub/s.b9
a< chunk "[1|old]"
a< chunk "[2|new]"
json /stats?id=s stored_messages == 1 within 6s
b: GET /sub/s.b9
b< chunk "[2|new]"
json /stats?id=s stored_messages == 0 within 6s
c: GET /sub/s.b9
c< status 200
c< nothing 100ms

=== a channel of the same name
--- steps
repeat 2: pub /pub?id=s first
a: GET /sub/s.b9
a< chunk "[1|first]"
a< chunk "[2|first]"
? DELETE /pub?id=s -> 200
a< text Channel deleted
b: GET /sub/s.b9
b< status 200
b< nothing 100ms
repeat 2: pub /pub?id=s second
b< chunk "[1|second]"
b< chunk "[2|second]"
c: GET /sub/s.b9
c< chunk "[1|second]"
c< chunk "[2|second]"

=== clients who begin at different messages
--- steps
repeat 200: pub /pub?id=s m${i}
a: GET /sub/s.b200
a< text [200|m200]
a< count 1 "[1|m1]"
b: GET /sub/s.b199
b< chunk "[2|m2]"
b< text [200|m200]
c: GET /sub/s.b150
c< chunk "[51|m51]"
c< text [200|m200]
# From 65 on they are the same pages.
a,b,c< count 1 "[64|m64]"
a,b,c< count 1 "[65|m65]"
a,b,c< count 1 "[128|m128]"
a,b,c< count 1 "[129|m129]"
a,b,c< nothing 100ms
metrics /metrics push_stream_history_pages_total == 12, push_stream_history_pages_total{how="reused"} >= 3

=== several channels
--- steps
! next second
pub /pub?id=x x1
pub /pub?id=y y1
pub /pub?id=x x2
pub /pub?id=y y2
a: GET /sub/x/y
   If-Modified-Since: ${EPOCH}
   If-None-Match: 0
b: GET /sub/x/y
   If-Modified-Since: ${EPOCH}
   If-None-Match: 0
c: GET /sub/x.b2/y.b2
d: GET /sub/y.b1/x.b1
a,b< status 200
a,b< chunk "[1|x1]"
a,b< chunk "[1|y1]"
a,b< chunk "[2|x2]"
a,b< chunk "[2|y2]"
c< chunk "[1|x1]"
c< chunk "[2|x2]"
c< chunk "[1|y1]"
c< chunk "[2|y2]"
d< chunk "[2|y2]"
d< chunk "[2|x2]"
a,b,c,d< nothing 100ms

=== pages that nobody asks for go
--- steps
pub /pub?id=s m1
a: GET /sub/s.b1
a< chunk "[1|m1]"
! wait 3s
b: GET /sub/s.b1
b< chunk "[1|m1]"
metrics /metrics push_stream_history_pages_total{how="rendered"} == 2

=== through the filters of nginx
--- extra_config
location /metrics { push_stream_channels_statistics prometheus; }
location ~ ^/limited/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; limit_rate 1m; }
--- steps
# What goes through nginx's filters goes message by message: limit_rate stands for all that do.
repeat 2: pub /pub?id=s m${i}
a: GET /limited/s.b2
a< chunk "[1|m1]"
a< chunk "[2|m2]"
b: GET /limited/s.b2
b< chunk "[1|m1]"
b< chunk "[2|m2]"
metrics /metrics push_stream_history_pages_total == 2, push_stream_history_pages_total{how="reused"} >= 1

=== a reader in the middle of a history that is evicted
--- listen: sndbuf=16k
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_max_messages_stored_per_channel 60;
push_stream_gap_message_text "something is missing";
--- extra_config
location ~ ^/patient/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_subscriber_buffer_size 16m; }
--- steps
repeat 60: ? POST /pub?id=s "m${i}" + "." x 20000 -> 200
a: GET /patient/s.b60 @slow
a< status 200
b: GET /patient/s.b60
b< text [60|m60
repeat 40: pub /pub?id=s more
b< text [100|more]
# It has got about half a megabyte of the history, and the next page has been sent to the other one; yet it is not what is stored now.
a< text [100|more] within 10s
a< count 1 "something is missing"
a< count 0 "[40|"
a< count 1 "[41|"
a< count 1 "[60|"
a< count 1 "[61|"

=== a reader in the middle of a history that is deleted
--- listen: sndbuf=16k
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_gap_message_text "something is missing";
--- extra_config
location /admin { push_stream_publisher admin; push_stream_channels_path $arg_id; }
location ~ ^/patient/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_subscriber_buffer_size 16m; }
--- steps
repeat 60: ? POST /pub?id=s "m${i}" + "." x 20000 -> 200
a: GET /patient/s.b60 @slow
b: GET /patient/s.b60
a,b< status 200
b< text [60|m60
pub /pub?id=s live
b< text [61|live]
? DELETE /admin?id=s -> 200
# It has got about half a megabyte; what it gets behind the rest of the history, it knows.
a< text [-2|Channel deleted] within 10s
a< count 1 "something is missing][61|live][-2|"
a< count 1 "[1|m1."
a< count 0 "[60|"
a< end
b< text [-2|Channel deleted]
b< count 0 "something is missing"

=== as much waits for a slow reader as without pages
--- listen: sndbuf=16k
--- extra_config
location /metrics { push_stream_channels_statistics prometheus; }
location ~ ^/patient/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_subscriber_buffer_size 128k; }
--- steps
repeat 2048: ? POST /pub?id=s "m${i}" + "." x 200 -> 200
a: GET /patient/s.b2048
a< text [2048|m2048
b: GET /patient/s.b2048 @slow
json /stats?id=s subscribers == 2
# Longer than a piece may stand still while too much waits behind it.
! wait 800ms
pub /pub?id=s live
a< text live
b< text live within 10s
b< count 1 "[1|m1."
b< count 1 "[2048|m2048."
metrics /metrics push_stream_history_pages_total{how="reused"} >= 1, push_stream_subscribers_ended_total{reason="slow"} == 0

=== no more than some megabytes are kept
--- http_config
push_stream_shared_memory_size 32m;
push_stream_message_template "[~id~|~text~]";
--- extra_config
client_max_body_size 1m;
location /metrics { push_stream_channels_statistics prometheus; }
--- steps
repeat 60: ? POST /pub?id=s "0123456789" x 10000 -> 200
a: GET /sub/s.b60
a< text [60| within 10s
b: GET /sub/s.b60
b< text [60| within 10s
a,b< count 60 "|0123456789"
# 41 of them are 4 MB.
metrics /metrics push_stream_history_pages_total == 120, push_stream_history_pages_total{how="rendered"} >= 79, push_stream_history_pages_total{how="reused"} >= 1
