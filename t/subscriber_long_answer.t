# A poll with a long answer takes as much memory as its socket takes bytes at once, and keeps nobody waiting.
--- timeout: 60s
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_header_template "H|";
push_stream_footer_template "|F";

=== one that names a channel a thousand times and reads nothing
--- listen: sndbuf=64k
--- steps
repeat 1000: pub /pub?id=a "${i} 0123456789" x 90
a: GET /poll/a.b2
a< status 200
a< done
! memory mark
slow: connect @slow
slow> "GET /poll/" + "a.b9999/" x 1000 + " HTTP/1.1\r\nHost: x\r\n\r\n"
long: connect @slow
long> "GET /lp/" + "a.b9999/" x 1000 + " HTTP/1.1\r\nHost: x\r\n\r\n"
b: GET /poll/a.b1
b< status 200
b< done
b< took 0ms..1s
slow,long< status 200
json! /stats subscribers == 0
! memory grew below 8m

=== it is whole, in the usual chunks, and the connection goes on
--- steps
repeat 60: ? POST /pub?id=s "0123456789" x 1000 + "${i}" -> 200
a: GET /poll/s.b60
a< status 200
a< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
a< capture LM = header Last-Modified
a< capture TAG = header Etag
a< chunk "H|"
repeat 60: a< chunk "[${i}|" + "0123456789" x 1000 + "${i}]"
a< chunk "|F"
a< end
a< open
b: GET /lp/s.b60 @slow
b< status 200
b< header Last-Modified: ${LM}
b< header Etag: ${TAG}
b< chunk "H|"
repeat 60: b< chunk "[${i}|" + "0123456789" x 1000 + "${i}]"
b< chunk "|F"
b< end
a: GET /poll/s @keep
   If-Modified-Since: ${LM}
   If-None-Match: ${TAG}
a< status 304

=== requests behind it wait for their turn
--- steps
repeat 60: ? POST /pub?id=s "0123456789" x 1000 -> 200
a: connect
a> "GET /poll/s.b60 HTTP/1.1\r\nHost: x\r\n\r\nGET /lp/s.b60 HTTP/1.1\r\nHost: x\r\n\r\nGET /poll/none HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 200
a< body ~ ^H\|(\[\d+\|\d+\])+\|F$
a< count 60 "|0123456789"
a< next
a< status 200
a< body ~ ^H\|(\[\d+\|\d+\])+\|F$
a< count 60 "|0123456789"
a< next
a< status 304

=== a script, an event source, HTTP/1.0, gzip
--- extra_config
gzip_types text/plain;
gzip_min_length 0;
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; push_stream_message_template "~text~"; }
location ~ ^/gz/(.*)$ { gzip on; push_stream_subscriber polling; push_stream_channels_path $1; default_type text/plain; }
--- steps
repeat 300: ? POST /pub?id=s {Event-Id: ${i}} "0123456789" x 100 -> 200
a: GET /poll/s.b300?callback=cb
a< status 200
a< header Content-Type: application/javascript
a< body ~ ^H\|cb\(\[(\[\d+\|\d+\],)+\[300\|\d+\]\]\);\|F$
a< count 299 ","
b: GET /ev/s.b300
   X-Nginx-PushStream-Mode: polling
b< status 200
b< header Content-Type ~ ^text/event-stream
b< body ~ ^: H\|\n(id: \d+\ndata: \d+\n\n)+: \|F\n$
b< count 300 "data: 0123456789"
c: GET /poll/s.b300 @1.0
c< status 200
c< no header Transfer-Encoding
c< body ~ ^H\|(\[\d+\|\d+\])+\|F$
c< count 300 "|0123456789"
c< EOF
d: GET /gz/s.b300
   Accept-Encoding: gzip
d< status 200
d< header Content-Encoding: gzip
d< done

=== its client is no subscriber and gets nothing that comes meanwhile
--- listen: sndbuf=16k
--- steps
repeat 60: ? POST /pub?id=s "0123456789" x 10000 -> 200
a: GET /lp/s.b60 @slow
a< status 200
json! /stats subscribers == 0
pub /pub?id=s after
a< text [60| within 10s
a< done within 10s
a< count 0 "after"

=== a channel that is deleted ends it
--- listen: sndbuf=16k
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
--- steps
repeat 90: ? POST /pub?id=s "0123456789" x 10000 -> 200
a: GET /poll/s.b90/other.b1 @slow
a< status 200
? DELETE /pub?id=s -> 200
pub /pub?id=other still here
a< text |F within 10s
a< done within 10s
a< count 0 "[90|"

=== a client that goes, or takes nothing, is let go
--- listen: sndbuf=16k
--- extra_config
send_timeout 1s;
--- steps
repeat 90: ? POST /pub?id=s "0123456789" x 10000 -> 200
a: GET /poll/s.b90 @slow
b: GET /poll/s.b90 @slow
a,b< status 200
ax
! log client timed out
b< gone within 5s
b< count 0 "|F"

=== a worker that is told to quit sends it to its end
--- listen: sndbuf=16k
--- steps
repeat 90: ? POST /pub?id=s "0123456789" x 10000 -> 200
a: GET /poll/s.b90 @slow
a< status 200
! quit
! wait 300ms
a< text [90| within 10s
a< text |F
a< done
! exited

=== where messages go while the answer is on its way, it says so
--- listen: sndbuf=16k
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_gap_message_text lost;
push_stream_max_messages_stored_per_channel 60;
--- steps
repeat 60: ? POST /pub?id=s "0123456789" x 10000 -> 200
repeat 20: ? POST /pub?id=t "0123456789" x 10000 -> 200
a: GET /poll/s.b60 @slow
b: GET /lp/s.b60/t.b60?callback=cb @slow
c: GET /sub/s.b60 @slow
d: GET /sub/s.b60/t.b60 @slow
a,b,c,d< status 200
repeat 30: ? POST /pub?id=s "new" -> 200
a< text [-4|lost][31| within 10s
a< text [60| within 10s
a< done
a< count 0 "new"
b< text [-4|lost],[31| within 10s
b< text [60| within 10s
b< text [20| within 10s
b< done
b< count 0 "new"
c,d< text [-4|lost] within 10s
c,d< text [90|new] within 10s
a,b,c,d< count 1 "lost"
c,d< count 30 "new"
