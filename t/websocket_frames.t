# What a WebSocket client gets: whole unmasked frames, header template first, then stored and live messages.
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }

=== messages are text frames
--- steps
a: WS /ws/s
a< status 101
pub /pub?id=s hello
a< bytes "\x81\x05hello"
pub /pub?id=s "two\nlines"
a< frame text "two\nlines"
a< nothing 100ms

=== lengths take as few bytes as possible
--- steps
a: WS /ws/s
a< status 101
pub /pub?id=s "a" x 125
a< bytes "\x81\x7d" + "a" x 125
pub /pub?id=s "a" x 126
a< bytes "\x81\x7e\x00\x7e" + "a" x 126
pub /pub?id=s "a" x 65535
a< bytes "\x81\x7e\xff\xff"
a< bytes "a" x 65535
pub /pub?id=s "a" x 65536
a< bytes "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"
a< bytes "a" x 65536
a< nothing 100ms

=== bytes that are no UTF-8 come as they were published
--- steps
a: WS /ws/s
a< status 101
pub /pub?id=s all-bytes
a< frame text all-bytes
b: WS /ws/s.b1
b< frame text all-bytes

=== header template, stored messages, live messages, footer template
--- http_config
push_stream_header_template "HEADER_TEMPLATE";
push_stream_message_template "[~id~|~channel~|~text~|~size~|~event-id~|~event-type~]";
push_stream_footer_template "FOOTER";
push_stream_subscriber_connection_ttl 1500ms;
--- steps
pub /pub?id=s m1
   Event-Id: e1
   Event-Type: t1
pub /pub?id=s m2
pub /pub?id=t m1
a: WS /ws/s.b2/t.b1
a< status 101
a< bytes "\x81\x0fHEADER_TEMPLATE"
a< frame text "[1|s|m1|2|e1|t1]"
a< frame text "[2|s|m2|2||]"
a< frame text "[1|t|m1|2||]"
pub /pub?id=t/s live
a< frame text "[2|t|live|4||]"
a< frame text "[3|s|live|4||]"
a< frame text "FOOTER"
a< bytes "\x88\x00"
a< end

=== templates are framed once, also for what inherits them
--- http_config
push_stream_header_template "HDR";
push_stream_footer_template "FTR";
push_stream_message_template "[~text~]";
push_stream_subscriber_connection_ttl 300ms;
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    if ($arg_other) { push_stream_channels_path $arg_other; }
}
--- steps
pub /pub?id=s m
a: WS /ws/x?other=s.b1
a< status 101
a< frame text "HDR"
a< frame text "[m]"
a< frame text "FTR"
a< frame close
a< end

=== a message from a file of many pieces
--- http_config
client_body_buffer_size 1k;
--- steps
a: WS /ws/s
a< status 101
? POST /pub?id=s chunked "0123456789" x 20000 -> 200
a< frame text "0123456789" x 20000
a< nothing 100ms

=== a user agent that wants padding gets none
--- http_config
push_stream_padding_by_user_agent "[T|t]est,1000,1000";
push_stream_header_template "H";
--- steps
a: WS /ws/s
   User-Agent: test
a< frame text "H"
pub /pub?id=s m
a< frame text "m"
a< nothing 100ms

=== the callback argument means nothing
--- steps
pub /pub?id=s m
a: WS /ws/s.b1?callback=cb
a< frame text "m"
a< nothing 100ms

=== many messages in a row, in order
--- workers: 2
--- steps
a: WS /ws/s @worker 1
b: WS /ws/s @worker 2
a,b< status 101
repeat 200: ? POST /pub?id=s "message ${i}" -> 200
repeat 200: a,b< frame text "message ${i}"
c: WS /ws/s.b200
repeat 200: c< frame text "message ${i}"
a,b,c< nothing 50ms
