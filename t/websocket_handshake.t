# A handshake is answered with exactly the head that clients know; what is none is refused before it.
--- extra_config
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }

=== the head, and nothing behind it
--- steps
a: WS /ws/s
   Sec-WebSocket-Key: /mQoZf6pRiv8+6o72GncLQ==
a< bytes "HTTP/1.1 101 Switching Protocols\r\nExpires: Thu, 01 Jan 1970 00:00:01 GMT\r\nCache-Control: no-cache, no-store, must-revalidate\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: RaIOIcQ6CBoc74B9EKdH0avYZnw=\r\n\r\n"
json! /stats?id=s subscribers == 1
json! /stats subscribers == 1, channels == 1
a< nothing 200ms
a< open
ax
json /stats subscribers == 0

=== the example of the RFC
--- steps
a: WS /ws/s
a< status 101
a< header Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
a< names Expires, Cache-Control, Upgrade, Connection, Sec-WebSocket-Accept
a< no header Server
a< no header Date

=== nothing in the configuration changes it
--- extra_config
add_header X-Own 1 always;
expires 1h;
location ~ ^/ws/(.*)$ {
    default_type text/html;
    push_stream_allowed_origins "http://a.example";
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
}
--- steps
a: WS /ws/s.html
   Origin: http://elsewhere.example
   Sec-WebSocket-Extensions: permessage-deflate
   X-Nginx-PushStream-Mode: polling
   Accept-Encoding: gzip
   If-None-Match: *
   Range: bytes=0-1
a< status 101
a< names Expires, Cache-Control, Upgrade, Connection, Sec-WebSocket-Accept
a< header Cache-Control: no-cache, no-store, must-revalidate
a< nothing 100ms

=== the first subprotocol is the one
--- steps
a: WS /ws/s
   Sec-WebSocket-Protocol: chat.v2, chat.v1
a< status 101
a< header Sec-WebSocket-Protocol: chat.v2
a< names Expires, Cache-Control, Upgrade, Connection, Sec-WebSocket-Accept, Sec-WebSocket-Protocol
b: WS /ws/s
   Sec-WebSocket-Protocol:
c: WS /ws/s
   Sec-WebSocket-Protocol: one
   Sec-WebSocket-Protocol: two
b,c< status 101
b< no header Sec-WebSocket-Protocol
c< header Sec-WebSocket-Protocol: one

=== clients and proxies write the headers as they like
--- steps
a: WS /ws/s
   Connection: keep-alive
b: WS /ws/s
   Connection: keep-alive, Upgrade
   Upgrade: WebSocket
c: WS /ws/s
   Upgrade: h2c
d: WS /ws/s
   Sec-WebSocket-Key:
e: WS /ws/s @1.0
f: WS /ws/s
   Sec-WebSocket-Version: 8
g: WS /ws/s
   Sec-WebSocket-Version: 013
a,b,c,d,e,f,g< status 101
a,b,c,e,f,g< header Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
d< header Sec-WebSocket-Accept: Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=
a,b,c,d,e,f,g< nothing 100ms
pub /pub?id=s m
a,b,c,d,e,f,g< frame text m

=== it may arrive byte by byte, and behind another request
--- steps
a: connect
a> slowly "GET /ws/s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
a< status 101
b: GET /poll/s
b< status 304
b< end
b: WS /ws/s @keep
b< status 101
c: connect
c> "GET /poll/s HTTP/1.1\r\nHost: x\r\n\r\nGET /ws/s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
c< status 304
c< end
c< next
c< status 101
pub /pub?id=s m
a,b,c< frame text m

=== each of the four headers must be there
--- table
WS /ws/s {no Connection}            -> 400 | explain Don't have at least one of the mandatory headers: Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version | Content-Length: 0 | close
WS /ws/s {no Upgrade}               -> 400 | explain Don't have at least one of the mandatory headers: Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version | Content-Length: 0 | close
WS /ws/s {no Sec-WebSocket-Key}     -> 400 | explain Don't have at least one of the mandatory headers: Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version | Content-Length: 0 | close
WS /ws/s {no Sec-WebSocket-Version} -> 400 | explain Don't have at least one of the mandatory headers: Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version | Content-Length: 0 | close
GET /ws/s                           -> 400 | names Content-Length, Connection, Expires, Cache-Control, X-Nginx-PushStream-Explain
WS /ws/ALL {no Upgrade}             -> 400
GET /stats                          -> 200 | json channels == 0

=== two versions are spoken
--- table
WS /ws/s {Sec-WebSocket-Version: 7}      -> 400 | explain Version not supported. Supported versions: 8, 13 | Sec-WebSocket-Version: 8, 13 | Content-Length: 0 | close
WS /ws/s {Sec-WebSocket-Version: 14}     -> 400 | explain Version not supported. Supported versions: 8, 13 | Sec-WebSocket-Version: 8, 13
WS /ws/s {Sec-WebSocket-Version: 13, 8}  -> 400 | explain Version not supported. Supported versions: 8, 13
WS /ws/s {Sec-WebSocket-Version: 1e1}    -> 400 | explain Version not supported. Supported versions: 8, 13
WS /ws/s {Sec-WebSocket-Version:}        -> 400 | explain Version not supported. Supported versions: 8, 13
WS /ws/s {Sec-WebSocket-Version: -13}    -> 400 | Expires: Thu, 01 Jan 1970 00:00:01 GMT | Cache-Control: no-cache, no-store, must-revalidate
GET /stats                               -> 200 | json channels == 0 | json subscribers == 0

=== only GET
--- table
POST    /ws/s "x"  -> 405 | Allow: GET | close | no Expires | no Cache-Control | Content-Length: 0
PUT     /ws/s      -> 405 | Allow: GET | close | no Expires | no Access-Control-Allow-Origin
DELETE  /ws/s      -> 405 | Allow: GET | close | no Expires
OPTIONS /ws/s      -> 405 | Allow: GET | close | no Expires | no Access-Control-Allow-Origin
HEAD    /ws/s      -> 405 | Allow: GET | close | no Expires
GET     /stats     -> 200 | json channels == 0
