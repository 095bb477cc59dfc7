# A subscriber that is refused after the handshake is told why in a close frame 1008.
--- http_config
push_stream_max_channel_id_length 8;
push_stream_wildcard_channel_prefix w_;
push_stream_wildcard_channel_max_qtd 1;
push_stream_max_number_of_channels 3;
push_stream_max_subscribers_per_channel 1;
push_stream_events_channel_id events;
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }
location ~ ^/authorized/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_authorized_channels_only on;
}

=== the bytes
--- steps
a: WS /authorized/s
a< status 101
a< bytes "\x88\x49\x03\xf0{\"http_status\": 403, \"explain\":\"Subscriber could not create channels.\"}"
a< end
json! /stats subscribers == 0, channels == 1

=== every reason
--- table
WS /ws/             -> 101 | frame close 1008 {"http_status": 400, "explain":"No channel id provided."}
WS /ws/%2F          -> 101 | frame close 1008 {"http_status": 400, "explain":"No channel id provided."}
WS /ws/ALL          -> 101 | frame close 1008 {"http_status": 403, "explain":"Channel id not authorized for this method."}
WS /ws/a*           -> 101 | frame close 1008 {"http_status": 403, "explain":"Channel id not authorized for this method."}
WS /ws/a/ALL        -> 101 | frame close 1008 {"http_status": 403, "explain":"Channel id not authorized for this method."}
WS /ws/123456789    -> 101 | frame close 1008 {"http_status": 400, "explain":"Channel id is too large."}
WS /ws/events       -> 101 | frame close 1008 {"http_status": 403, "explain":"Subscription to events channel is not allowed."}
WS /authorized/none -> 101 | frame close 1008 {"http_status": 403, "explain":"Subscriber could not create channels."}
WS /ws/w_1          -> 101 | frame close 1008 {"http_status": 403, "explain":"Subscribed too much wildcard channels."}
WS /ws/a/w_1/w_2    -> 101 | frame close 1008 {"http_status": 403, "explain":"Subscribed too much wildcard channels."}
WS /ws/b/c/d        -> 101 | frame close 1008 {"http_status": 403, "explain":"Number of channels were exceeded."}
GET /stats          -> 200 | json subscribers == 0 | json wildcard_channels == 0

=== the head is that of any other
--- steps
a: WS /ws/ALL
a< status 101
a< names Expires, Cache-Control, Upgrade, Connection, Sec-WebSocket-Accept
a< frame close 1008 ~ 403
a< end

=== the limit of subscribers
--- steps
a: WS /ws/s
a< status 101
a< nothing 50ms
? WS /ws/s -> 101 | frame close 1008 {"http_status": 403, "explain":"Subscribers limit per channel has been exceeded."}
a< open
a> frame close
a< frame close
a< end
b: WS /ws/s
b< status 101
b< nothing 50ms
json! /stats?id=s subscribers == 1

=== an authorized channel
--- steps
pub /pub?id=s m
a: WS /authorized/s.b1
a< frame text "m"

=== templates are for those who are let in
--- http_config
push_stream_header_template "HEADER";
push_stream_footer_template "FOOTER";
--- steps
? WS /ws/ALL -> 101 | frame close 1008 ~ not authorized

=== frames of one who is refused mean nothing
--- http_config
push_stream_message_template "~text~";
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
--- steps
b: WS /ws/s
b< status 101
a: WS /ws/s/ALL
   frame text "hello"
   frame ping "p"
   "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"
a< frame close 1008 ~ not authorized
a< end
b< nothing 100ms
--- no_error_log: client sent invalid

=== no memory for a channel
--- http_config
push_stream_shared_memory_size 128k;
--- steps
set C = cccccccccccccccccccccccccccccccccccccccccccccccccc
set LONG = ${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}${C}
repeat 200: a: GET /poll/${LONG}${i}
a< status 500
? WS /ws/${LONG}201 -> 101 | frame close 1008 {"http_status": 500, "explain":""}
a: WS /ws/${LONG}1
a< status 101
a< nothing 50ms
