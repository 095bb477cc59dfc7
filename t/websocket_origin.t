# With push_stream_websocket_check_origin on, pages of other origins are refused before the handshake is accepted.
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_allowed_origins "http://a.example, https://b.example:8080";
    push_stream_websocket_check_origin on;
}
location ~ ^/off/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_allowed_origins "http://a.example";
}
location ~ ^/any/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_allowed_origins "*";
    push_stream_websocket_check_origin on;
}
location ~ ^/none/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_check_origin on;
}
location ~ ^/variable/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_allowed_origins $arg_allowed;
    push_stream_websocket_check_origin on;
}

=== those of the list
--- steps
a: WS /ws/s
   Origin: http://a.example
b: WS /ws/s
   Origin: https://b.example:8080
c: WS /ws/s
   Origin: HTTP://A.Example
d: WS /ws/s
e: WS /any/s
   Origin: http://anywhere.example
f: WS /none/s
g: WS /off/s
   Origin: http://evil.example
h: WS /variable/s?allowed=http://c.example
   Origin: http://c.example
a,b,c,d,e,f,g,h< status 101
a,b,c,d,e,f,g,h< names Expires, Cache-Control, Upgrade, Connection, Sec-WebSocket-Accept
json! /stats?id=s subscribers == 8
pub /pub?id=s m
a,b,c,d,e,f,g,h< frame text "m"

=== all others
--- table
WS /ws/s {Origin: http://evil.example}               -> 403 | explain Origin is not allowed. | Content-Length: 0
WS /ws/s {Origin: http://a.example.evil.example}     -> 403 | explain Origin is not allowed.
WS /ws/s {Origin: https://a.example}                 -> 403 | explain Origin is not allowed.
WS /ws/s {Origin: http://a.example:81}               -> 403 | explain Origin is not allowed.
WS /ws/s {Origin: https://b.example}                 -> 403 | explain Origin is not allowed.
WS /ws/s {Origin: http://a.example, https://b.example:8080} -> 403 | explain Origin is not allowed.
WS /ws/s {Origin: null}                              -> 403 | explain Origin is not allowed.
WS /ws/s {Origin:}                                   -> 403 | explain Origin is not allowed.
WS /none/s {Origin: http://a.example}                -> 403 | explain Origin is not allowed.
WS /variable/s {Origin: http://c.example}            -> 403 | explain Origin is not allowed.
WS /variable/s?allowed=http://d.example {Origin: http://c.example} -> 403 | explain Origin is not allowed. | no Access-Control-Allow-Origin
WS /ws/s {Origin: http://evil.example}               -> 403 | Expires: Thu, 01 Jan 1970 00:00:01 GMT | no Sec-WebSocket-Accept
GET /stats                                           -> 200 | json channels == 0 | json subscribers == 0

=== other modes are not asked
--- extra_config
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_allowed_origins "http://a.example";
    push_stream_websocket_check_origin on;
}
--- steps
a: GET /ev/s
   Origin: http://evil.example
a< status 200
a< header Access-Control-Allow-Origin: http://a.example
