# An event source: the head, and every piece as browsers read it, byte for byte.
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }

=== the head and an empty comment come at once
--- http_config
default_type text/plain;
--- steps
a: GET /ev/s
a< status 200
a< names Content-Type, Transfer-Encoding, Connection, Expires, Cache-Control
a< header Content-Type: text/event-stream; charset=utf-8
a< header Transfer-Encoding: chunked
a< header Connection: keep-alive
a< header Expires: Thu, 01 Jan 1970 00:00:01 GMT
a< header Cache-Control: no-cache, no-store, must-revalidate
a< bytes "3\r\n: \n\r\n"
a< nothing 100ms
json! /stats?id=s subscribers == 1

=== the type is that of events, whatever nginx is told
--- http_config
charset koi8-r;
charset_types text/event-stream text/plain;
types { text/html html; }
--- steps
a: GET /ev/room.html
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8

=== id, event and the lines of a message, a chunk each
--- steps
a: GET /ev/s
a< status 200
a< bytes "3\r\n: \n\r\n"
pub /pub?id=s "l1\nl2\rl3\r\nl4"
   Event-Id: id 1
   Event-Type: ty
a< bytes "9\r\nid: id 1\n\r\na\r\nevent: ty\n\r\n25\r\ndata: l1\ndata: l2\ndata: l3\ndata: l4\n\n\r\n"
pub /pub?id=s neither
a< bytes "f\r\ndata: neither\n\n\r\n"
pub /pub?id=s m
   Event-Id: 2
a< bytes "6\r\nid: 2\n\r\n9\r\ndata: m\n\n\r\n"
pub /pub?id=s m
   Event-Type: t
a< bytes "9\r\nevent: t\n\r\n9\r\ndata: m\n\n\r\n"
a< nothing 100ms

=== an empty id or type is told too
--- steps
a: GET /ev/s
a< chunk ": \n"
? POST /pub?id=s {Event-Id: ; Event-Type: } "m" -> 200
a< chunk "id: \n"
a< chunk "event: \n"
a< chunk "data: m\n\n"
? POST /pub?id=s {Event-Id: } "m" -> 200
a< chunk "id: \n"
a< chunk "data: m\n\n"
? POST /pub?id=s {Event-Type: } "m" -> 200
a< chunk "event: \n"
a< chunk "data: m\n\n"
a< nothing 100ms
# It is no event id to resume by.
b: GET /ev/s
   Last-Event-ID:
b< no header X-Nginx-PushStream-Gap
b< chunk ": \n"
b< nothing 100ms

=== id and type do not go through the template
--- http_config
push_stream_message_template "[~event-id~|~event-type~|~text~]";
--- steps
a: GET /ev/s
a< chunk ": \n"
pub /pub?id=s m
   Event-Id: ~id~
   Event-Type: data: x
a< chunk "id: ~id~\n"
a< chunk "event: data: x\n"
a< chunk "data: [~id~|data: x|m]\n\n"

=== every line end splits, wherever it stands; empty lines are left out
--- steps
a: GET /ev/s
a< chunk ": \n"
pub /pub?id=s "x\revent: y"
a< chunk "data: x\ndata: event: y\n\n"
pub /pub?id=s "a\0b\nc\rd\0\r\ne"
a< chunk "data: a\0b\ndata: c\ndata: d\0\ndata: e\n\n"
pub /pub?id=s "\n\r\na\n\n\nb\r\r\rc\n\rd\r\n"
a< chunk "data: a\ndata: b\ndata: c\ndata: d\n\n"
pub /pub?id=s "one\n\nid: 9\n\ndata: z\n\n"
a< chunk "data: one\ndata: id: 9\ndata: data: z\n\n"
pub /pub?id=s "\0\rretry: 1"
a< chunk "data: \0\ndata: retry: 1\n\n"
# Nothing else is a line end.
pub /pub?id=s "a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f\\n\\rg"
a< chunk "data: a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f\\n\\rg\n\n"
pub /pub?id=s " "
a< chunk "data:  \n\n"
pub /pub?id=s ": no comment"
a< chunk "data: : no comment\n\n"
a< nothing 100ms

=== a text of nothing but line ends is an empty event
--- steps
a: GET /ev/s
a< status 200
a< bytes "3\r\n: \n\r\n"
pub /pub?id=s "\r\n\n\r"
a< bytes "1\r\n\n\r\n"
pub /pub?id=s "\n"
   Event-Id: 7
a< bytes "6\r\nid: 7\n\r\n1\r\n\n\r\n"
a< nothing 100ms

=== no field can be written through an id or a type
--- steps
a: GET /ev/s
a< chunk ": \n"
b: connect
b> "POST /pub?id=s HTTP/1.1\r\nHost: x\r\nEvent-Id: 1\rdata: x\r\nContent-Length: 1\r\n\r\nm"
b< status 400
c: connect
c> "POST /pub?id=s HTTP/1.1\r\nHost: x\r\nEvent-Type: t\0u\r\nContent-Length: 1\r\n\r\nm"
c< status 400
d: connect
d> "POST /pub?id=s HTTP/1.1\r\nHost: x\r\nEvent-Id: 1\ndata: x\r\nEvent-Type: t\nid: 2\r\nContent-Length: 1\r\n\r\nm"
d< status 200
a< chunk "id: 1\n"
a< chunk "event: t\n"
a< chunk "data: m\n\n"
a< nothing 100ms

=== a long text of many lines
--- steps
a: GET /ev/s
a< chunk ": \n"
pub /pub?id=s "0123456789\r" x 50000 + "end"
   Event-Id: long
a< chunk "id: long\n"
a< chunk "data: 0123456789\n" x 50000 + "data: end\n\n"
b: GET /ev/s.b1
b< chunk ": \n"
b< chunk "id: long\n"
b< chunk "data: 0123456789\n" x 50000 + "data: end\n\n"

=== many events, read late
--- listen: sndbuf=16k
--- steps
slow: GET /ev/s @slow
slow< status 200
repeat 60: ? POST /pub?id=s {Event-Id: e${i}; Event-Type: t} "line\n" x 1000 -> 200
repeat 60: slow< text "id: e${i}\nevent: t\n" + "data: line\n" x 1000 + "\n" within 10s
slow< nothing 100ms

=== a ping is a comment, whatever the text and the template
--- http_config
push_stream_ping_message_interval 200ms;
push_stream_ping_message_text "ping text";
push_stream_message_template "[~id~|~text~]";
push_stream_padding_by_user_agent ".*,500,500";
--- steps
a: GET /ev/s
   User-Agent: any
a< status 200
a< bytes "3\r\n: \n\r\n"
a< bytes "1f4\r\n" + ":" x 499 + "\n\r\n"
a< bytes "5\r\n: -1\n\r\n"
a< bytes "5\r\n: -1\n\r\n"
a< open

=== an empty ping text does not matter
--- http_config
push_stream_ping_message_interval 100ms;
push_stream_ping_message_text "";
--- steps
a: GET /ev/s
a< chunk ": \n"
a< chunk ": -1\n"
a< chunk ": -1\n"

=== the end by time: footer, last chunk
--- http_config
push_stream_subscriber_connection_ttl 300ms;
push_stream_footer_template "bye\nnow";
--- steps
a: GET /ev/s
a< status 200
a< bytes "3\r\n: \n\r\n"
a< bytes "c\r\n: bye\n: now\n\r\n0\r\n\r\n"
a< end
a< took 250ms..900ms
a< open
json! /stats subscribers == 0
# The connection goes on.
a: GET /stats?id=nobody @keep
a< status 404

=== the end by time without a footer
--- http_config
push_stream_subscriber_connection_ttl 200ms;
--- steps
a: GET /ev/s
a< status 200
a< bytes "3\r\n: \n\r\n0\r\n\r\n"

=== the end by deletion: an event without id and type, footer, last chunk
--- http_config
push_stream_footer_template "F";
--- steps
pub /pub?id=s m
a: GET /ev/s
a< status 200
a< bytes "3\r\n: \n\r\n"
? DELETE /pub?id=s -> 200
a< bytes "17\r\ndata: Channel deleted\n\n\r\n4\r\n: F\n\r\n0\r\n\r\n"
a< end
json! /stats subscribers == 0

=== a deletion says what the publisher gives, line by line
--- http_config
push_stream_message_template '{"id":~id~,"channel":"~channel~","text":"~text~"}';
--- steps
pub /pub?id=s m
a: GET /ev/s
a< chunk ": \n"
? DELETE /pub?id=s {Event-Id: e; Event-Type: t} "gone\rid: 3" -> 200
a< chunk "data: {\"id\":-2,\"channel\":\"s\",\"text\":\"gone\"}\ndata: {\"id\":-2,\"channel\":\"s\",\"text\":\"id: 3\"}\n\n"
a< end

=== an empty deletion text
--- http_config
push_stream_channel_deleted_message_text "";
--- steps
pub /pub?id=s m
a: GET /ev/s
a< chunk ": \n"
? DELETE /pub?id=s -> 200
a< chunk "\n"
a< end

=== several channels
--- http_config
push_stream_message_template "~channel~ ~id~ ~text~";
push_stream_footer_template "F";
--- steps
pub /pub?id=c1 old
   Event-Id: o1
a: GET /ev/c1.b1/c2
b: GET /ev/c2/c2
a,b< chunk ": \n"
a< chunk "id: o1\n"
a< chunk "data: c1 1 old\n\n"
pub /pub?id=c2/c1 m
   Event-Id: e
a< chunk "id: e\n"
a< chunk "data: c2 1 m\n\n"
a< chunk "id: e\n"
a< chunk "data: c1 2 m\n\n"
# The same channel twice gets everything twice.
b< chunk "id: e\n"
b< chunk "data: c2 1 m\n\n"
b< chunk "id: e\n"
b< chunk "data: c2 1 m\n\n"
? DELETE /pub?id=c1 -> 200
a< chunk "data: c1 -2 Channel deleted\n\n"
a< nothing 100ms
pub /pub?id=c2 still
a< chunk "data: c2 2 still\n\n"
? DELETE /pub?id=c2 -> 200
a< chunk "data: c2 -2 Channel deleted\n\n"
a< chunk ": F\n"
a,b< done

=== HTTP/1.0 has the same bytes without chunks
--- http_config
push_stream_footer_template "F";
push_stream_subscriber_connection_ttl 600ms;
push_stream_ping_message_interval 400ms;
--- steps
a: GET /ev/s @1.0
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8
a< header Connection: close
a< no header Transfer-Encoding
pub /pub?id=s "a\rb"
   Event-Id: 1
   Event-Type: t
a< bytes ": \nid: 1\nevent: t\ndata: a\ndata: b\n\n"
a< bytes ": -1\n"
a< bytes ": F\n"
a< EOF

=== methods and refusals are those of any subscriber
--- http_config
push_stream_allowed_origins "*";
--- table
HEAD    /ev/s                                    -> 405 | Allow: GET
POST    /ev/s "x"                                -> 405 | Allow: GET
OPTIONS /ev/s                                    -> 200 | Content-Length: 0 | Access-Control-Allow-Origin: *
GET     /ev/                                     -> 400 | explain No channel id provided.
GET     /ev/ALL                                  -> 403 | explain Channel id not authorized for this method. | Access-Control-Allow-Origin: *

=== pages of another origin may read it
--- http_config
push_stream_allowed_origins "*";
--- steps
a: GET /ev/s
a< status 200
a< header Access-Control-Allow-Origin: *
a< header Content-Type: text/event-stream; charset=utf-8
a< chunk ": \n"

=== from any worker to any worker
--- workers: 2
--- steps
a: GET /ev/s @worker 1
b: GET /ev/s @worker 2
a,b< chunk ": \n"
a< pid != b
pub /pub?id=s @worker 1 m1
   Event-Id: 1
a,b< chunk "id: 1\n"
a,b< chunk "data: m1\n\n"
pub /pub?id=s @worker 2 m2
   Event-Id: 2
   Event-Type: t
a,b< chunk "id: 2\n"
a,b< chunk "event: t\n"
a,b< chunk "data: m2\n\n"
c: GET /ev/s @worker 1
   Last-Event-ID: 1
d: GET /ev/s @worker 2
   Last-Event-ID: 1
c,d< chunk ": \n"
c,d< chunk "id: 2\n"
c,d< chunk "event: t\n"
c,d< chunk "data: m2\n\n"
a,b,c,d< nothing 100ms

=== a reload ends it politely, and the browser comes back
--- workers: 2
--- http_config
push_stream_footer_template "F";
push_stream_message_template "old ~text~";
--- reload_http_config
push_stream_footer_template "G";
push_stream_message_template "data: new ~text~\n";
push_stream_header_template "H";
--- steps
a: GET /ev/s @worker 1
b: GET /ev/s @worker 2
a,b< chunk ": \n"
pub /pub?id=s m1
   Event-Id: 1
a,b< chunk "id: 1\n"
a,b< chunk "data: old m1\n\n"
pub /pub?id=s m2
   Event-Id: 2
a,b< text "m2\n\n"
! reload changed
a,b< chunk ": F\n"
a,b< end
! wait-workers 2
c: GET /ev/s
   Last-Event-ID: 1
c< status 200
c< no header X-Nginx-PushStream-Gap
c< chunk ": H\n"
c< chunk "id: 2\n"
c< chunk "data: new m2\n\n"
c< nothing 100ms

=== quit and stop
--- http_config
push_stream_footer_template "F";
--- steps
a: GET /ev/s
a< chunk ": \n"
! quit
a< chunk ": F\n"
a< end

=== channels and subscribers are announced as events
--- http_config
push_stream_events_channel_id events;
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location = /events {
    push_stream_subscriber eventsource;
    push_stream_channels_path events;
    push_stream_allow_connections_to_events_channel on;
}
--- steps
? GET /ev/events -> 403 | explain Subscription to events channel is not allowed.
e: GET /events
e< chunk ": \n"
a: GET /ev/c1
a< status 200
e< chunk "event: channel_created\n"
e< chunk "data: {\"type\": \"channel_created\", \"channel\": \"c1\"}\n\n"
e< chunk "event: client_subscribed\n"
e< chunk "data: {\"type\": \"client_subscribed\", \"channel\": \"c1\"}\n\n"
ax
e< chunk "event: client_unsubscribed\n"
e< chunk "data: {\"type\": \"client_unsubscribed\", \"channel\": \"c1\"}\n\n"
e< nothing 100ms

=== the mode's old name
--- extra_config
location ~ ^/ev/(.*)$ {
    push_stream_subscriber;
    push_stream_eventsource_support on;
    push_stream_channels_path $1;
    push_stream_header_template "H";
    if ($arg_e) { push_stream_last_event_id $arg_e; }
}
--- steps
a: GET /ev/s
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8
a< chunk ": H\n"
pub /pub?id=s m
   Event-Id: 1
a< chunk "id: 1\n"
a< chunk "data: m\n\n"
b: GET /ev/s?e=1
b< chunk ": H\n"
b< nothing 100ms

=== configuration
--- nginx_t
location   | push_stream_channels_path x; push_stream_subscriber eventsource;  -> ok
location   | push_stream_channels_path x; push_stream_subscriber EventSource;  -> ok
location   | push_stream_subscriber eventsource;                               -> fails push_stream_channels_path must be set.
location   | push_stream_channels_path x; push_stream_subscriber eventsource; push_stream_message_template ""; -> ok
location   | push_stream_channels_path x; push_stream_subscriber eventsource; push_stream_ping_message_interval 0; -> fails push_stream_ping_message_interval cannot be zero.
subscriber | push_stream_eventsource_support on;                               -> ok
publisher  | push_stream_eventsource_support on;                               -> fails event source support is only available on subscriber location
statistics | push_stream_eventsource_support on;                               -> fails event source support is only available on subscriber location

=== gzip compresses, and flushes every event
--- http_config
gzip on;
gzip_types text/event-stream;
gzip_min_length 0;
--- steps
a: GET /ev/s
   Accept-Encoding: gzip
a< status 200
a< header Content-Encoding: gzip
a< header Content-Type: text/event-stream; charset=utf-8
a< chunk ~ (?s).
pub /pub?id=s m1
a< chunk ~ (?s).
# Three chunks, flushed together.
pub /pub?id=s m2
   Event-Id: 2
   Event-Type: t
a< chunk ~ (?s).
# Old messages, too.
b: GET /ev/s.b2
   Accept-Encoding: gzip
b< status 200
b< chunk ~ (?s).
