# A reload or quit ends WebSockets at once, with footer and code 1001; nothing that is stored is lost.
--- workers: 2
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_ping_message_interval 10m;
push_stream_subscriber_connection_ttl 10m;
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
    push_stream_store_messages on;
}
--- no_error_log: client sent invalid

=== in every worker
--- steps
a: WS /ws/s @worker 1
b: WS /ws/s @worker 2
a,b< status 101
pub /pub?id=s before
a,b< frame text "[1|before]"
! reload
a,b< bytes "\x88\x02\x03\xe9" within 1s
a,b< end
! wait-workers 2
json /stats subscribers == 0, stored_messages == 1, by_worker.length == 2
json! /stats?id=s subscribers == 0

=== with the footer
--- http_config
push_stream_footer_template "FOOTER";
push_stream_message_template "[~id~|~text~]";
--- steps
a: WS /ws/s
a< status 101
! reload
a< frame text "FOOTER"
a< frame close 1001
a< end

=== a client that goes on talking is not taken for HTTP
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
a> "\x81"
! reload
a< frame close 1001
a> "WRITE SOMETHING UNKNOWN\r\n\r\n"
a< gone
b< frame close 1001
b> frame close 1001
b< gone
! wait-workers 2

=== half a message dies with the worker
--- steps
a: WS /ws/s
a< status 101
a> frame text fin=0 "half"
! reload
a< frame close 1001
a< gone
! wait-workers 2
json! /stats?id=s published_messages == 0

=== new connections go on, old messages are there
--- steps
a: WS /ws/s
a< status 101
a> frame text "one"
a< frame text "[1|one]"
! reload
a< frame close 1001
b: WS /ws/s.b1
b< frame text "[1|one]"
b> frame text "two"
b< frame text "[2|two]"
! wait-workers 2
json! /stats subscribers == 1, published_messages == 2

=== four times in a row, with subscribers each time
--- steps
a: WS /ws/s
a< status 101
! reload
b: WS /ws/s
b< status 101
! reload
c: WS /ws/s
c< status 101
! reload
d: WS /ws/s
d< status 101
a,b,c< last frame close 1001
! wait-workers 2
pub /pub?id=s m
d< frame text "[1|m]"
json /stats subscribers == 1, by_worker.length == 2

=== other templates apply to the new ones
--- reload_http_config
push_stream_message_template "<~text~>";
--- steps
a: WS /ws/s
a< status 101
pub /pub?id=s m
a< frame text "[1|m]"
! reload changed
a< frame close 1001
b: WS /ws/s.b1
b< frame text "<m>"

=== a handshake that is not whole when the worker leaves
--- steps
a: connect @worker 1
a> "GET /ws/late HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
# The same worker: when it answers this, it has read that.
b: WS /ws/s @worker 1
b< status 101
! reload
b< frame close 1001
a> "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
a< status 101
a< frame close 1001
a< end
! wait-workers 2
json /stats subscribers == 0

=== quit
--- steps
a: WS /ws/s @worker 1
b: WS /ws/s @worker 2
a,b< status 101
! quit
a,b< frame close 1001 within 1s
a,b< end
! exited within 2s

=== stop
--- steps
a: WS /ws/s @worker 1
b: WS /ws/s @worker 2
a,b< status 101
! stop
a,b< frame close 1001 within 1s
a,b< end
! exited within 2s

=== a killed worker
--- steps
a: WS /ws/s @worker 1
b: WS /ws/s @worker 2
a,b< status 101
a> frame text "one"
a,b< frame text "[1|one]"
! kill-worker a
a< gone
json /stats?id=s subscribers == 1 within 3s
b> frame text "two"
b< frame text "[2|two]"
c: WS /ws/s.b2
c< frame text "[1|one]"
c< frame text "[2|two]"
