# An event source asked for one of the polling modes: the same events, with a cursor.
--- http_config
push_stream_header_template "H";
push_stream_message_template "[~text~]";
push_stream_footer_template "F";
push_stream_eventsource_retry 1s;
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }

=== polling
--- steps
! next second
pub /pub?id=s "a\rb"
   Event-Id: 1
   Event-Type: t
pub /pub?id=s c
a: GET /ev/s.b2
   X-Nginx-PushStream-Mode: polling
a< status 200
a< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
a< header Content-Type: text/event-stream; charset=utf-8
a< header Etag: W/2
a< capture T = header Last-Modified
a< bytes "4\r\n: H\n\r\n6\r\nid: 1\n\r\n9\r\nevent: t\n\r\n15\r\ndata: [a]\ndata: [b]\n\n\r\nb\r\ndata: [c]\n\n\r\n4\r\n: F\n\r\n0\r\n\r\n"
a< end
b: GET /ev/s
   X-Nginx-PushStream-Mode: Polling
   If-Modified-Since: ${T}
   If-None-Match: W/2
b< status 304
b< names Content-Type, Content-Length, Last-Modified, Connection, Expires, Cache-Control, Etag
b< header Content-Type: text/event-stream; charset=utf-8
b< end
? GET /ev/s {X-Nginx-PushStream-Mode: polling; Last-Event-ID: 1} -> 200 | Content-Type: text/event-stream; charset=utf-8 | body ": H\ndata: [c]\n\n: F\n"
? GET /ev/s {X-Nginx-PushStream-Mode: polling; Last-Event-ID: 2} -> 304 | X-Nginx-PushStream-Gap: 1 | Content-Type: text/event-stream; charset=utf-8
json! /stats?id=s subscribers == 0

=== a long poll, at once and after waiting
--- steps
! next second
pub /pub?id=s old
   Event-Id: 1
a: GET /ev/s.b1
   X-Nginx-PushStream-Mode: long-polling
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8
a< header Etag: W/1
a< chunk ": H\n"
a< chunk "id: 1\n"
a< chunk "data: [old]\n\n"
a< chunk ": F\n"
a< end
b: GET /ev/s
   X-Nginx-PushStream-Mode: LONG-POLLING
c: GET /ev/s @1.0
   X-Nginx-PushStream-Mode: long-polling
d: GET /ev/s
d< text ": H\n"
b,c< nothing 100ms
json! /stats?id=s subscribers == 3
pub /pub?id=s "x\ny"
   Event-Id: 2
   Event-Type: t
b< status 200
b< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
b,c< header Content-Type: text/event-stream; charset=utf-8
b< chunk ": H\n"
b< chunk "id: 2\n"
b< chunk "event: t\n"
b< chunk "data: [x]\ndata: [y]\n\n"
b< chunk ": F\n"
b< end
c< body ": H\nid: 2\nevent: t\ndata: [x]\ndata: [y]\n\n: F\n"
d< text "id: 2\nevent: t\ndata: [x]\ndata: [y]\n\n"
d< open

=== a long poll's channel is deleted
--- steps
pub /pub?id=s m
a: GET /ev/s/t
   X-Nginx-PushStream-Mode: long-polling
a< nothing 100ms
? DELETE /pub?id=s "gone" -> 200
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8
a< body ": H\ndata: [gone]\n\n: F\n"

=== a long poll's time is up
--- http_config
push_stream_longpolling_connection_ttl 200ms;
--- steps
a: GET /ev/s
   X-Nginx-PushStream-Mode: long-polling
a< status 304
a< header Content-Type: text/event-stream; charset=utf-8
a< header Content-Length: 0
a< header Last-Modified ~ GMT$
a< header Etag ~ ^W/[0-9]+$
a< end

=== a long poll's time is up, with a body
--- http_config
push_stream_longpolling_connection_ttl 200ms;
push_stream_timeout_with_body on;
--- steps
a: GET /ev/s
   X-Nginx-PushStream-Mode: long-polling
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8
a< body ": \ndata: Timed out\n\n"

=== a gap is an event here too
--- http_config
push_stream_gap_message_text "gap";
--- steps
pub /pub?id=s m
a: GET /ev/s.b1/t
   X-Nginx-PushStream-Mode: polling
   If-Modified-Since: ${NOW-60}
a< header X-Nginx-PushStream-Gap: 1
a< chunk ": \n"
a< chunk "event: gap\n"
a< chunk "data: gap\n\n"
a< chunk "data: m\n\n"
a< end
b: GET /ev/t
   X-Nginx-PushStream-Mode: long-polling
   If-Modified-Since: ${NOW-60}
b< nothing 100ms
pub /pub?id=t live
   Event-Id: 5
b< header X-Nginx-PushStream-Gap: 1
b< body ": \nevent: gap\ndata: gap\n\nid: 5\ndata: live\n\n"

=== from another worker
--- workers: 2
--- http_config
--- steps
a: GET /ev/s @worker 1
   X-Nginx-PushStream-Mode: long-polling
a< nothing 100ms
pub /pub?id=s @worker 2 m
   Event-Id: 1
a< header Content-Type: text/event-stream; charset=utf-8
a< body ": \nid: 1\ndata: m\n\n"

=== another wish is none
--- steps
a: GET /ev/s
   X-Nginx-PushStream-Mode: streaming
a< header Content-Type: text/event-stream; charset=utf-8
a< chunk ": H\n"
a< chunk "retry: 1000\n"
a< nothing 100ms
b: GET /sub/s
   X-Nginx-PushStream-Mode: eventsource
b< chunk "H"
pub /pub?id=s m
a< chunk "data: [m]\n\n"
b< chunk "[m]"
