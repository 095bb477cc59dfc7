# Attacks and mistakes that the original module fell for, where no other file shows them.
--- http_config
push_stream_message_template "[~text~]";

=== a body is no second request, whatever its framing and the role
--- steps
a: connect
a> "POST /pub?id=ALL HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\nPOST /pub?id=evil HTTP/1.1\r\nX: \r\n0\r\n\r\nGET /stats?id=nobody HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 403
a< next
a< status 404
a< end
a< open
b: connect
b> "GET /sub/s HTTP/1.1\r\nHost: x\r\nContent-Length: 57\r\n\r\nDELETE /pub?id=victim HTTP/1.1\r\nHost: x\r\nConnection: a\r\n\r\n"
pub /pub?id=victim m
b< status 200
pub /pub?id=s m
b< chunk "[m]"
b< nothing 100ms
? GET /pub?id=victim -> 200
? GET /pub?id=evil -> 404

=== a channel whose id ends in a newline, in every role
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /poll { push_stream_subscriber polling; push_stream_channels_path $arg_id; }
location /lp { push_stream_subscriber long-polling; push_stream_channels_path $arg_id; }
location /sub { push_stream_subscriber; push_stream_channels_path $arg_id; }
--- steps
? POST   /pub?id=a%0A "m"      -> 200
? GET    /pub?id=a%0A          -> 200
? GET    /poll?id=a%0A         -> 304
? GET    /poll?id=a%0A.b1      -> 200 | body "[m]"
? GET    /lp?id=x/a%0A.b1      -> 200 | body "[m]"
? GET    /stats?id=a%0A        -> 200
? GET    /stats?id=%0A         -> 404
? POST   /pub?id=%0A "m"       -> 200
? POST   /pub?id=a/b%0A/%0D%0A "m" -> 200 | json infos.length == 3
a: GET /sub?id=a%0A
a< status 200
pub /pub?id=a%0A live
a< chunk "[live]"
? DELETE /pub?id=a%0A          -> 200
? GET    /sub?id=%0A/ALL       -> 403

=== conditional headers of other kinds do not touch a long poll
--- steps
pub /pub?id=s m
? GET /lp/s.b1 {If-None-Match: *}                    -> 200 | body "[m]"
? GET /lp/s.b1 {If-None-Match: W/1}                  -> 200 | body "[m]"
? GET /lp/s.b1 {If-Match: "x"}                       -> 200 | body "[m]"
? GET /lp/s.b1 {If-Unmodified-Since: ${EPOCH}}       -> 200 | body "[m]"
? GET /lp/s.b1 {If-Range: "x"; Range: bytes=0-0}     -> 200 | body "[m]"
a: GET /lp/s
   If-None-Match: *
b: GET /lp/s
   If-Match: "x"
   If-Unmodified-Since: ${EPOCH}
a,b< nothing 100ms
pub /pub?id=s live
a,b< status 200
a,b< body "[live]"

=== nor a stream
--- steps
pub /pub?id=s m
a: GET /sub/s
   If-Match: "x"
b: GET /sub/s
   If-Unmodified-Since: ${EPOCH}
c: GET /sub/s
   If-None-Match: *
d: GET /sub/s
   If-Match: "x"
   If-None-Match: *
   If-Unmodified-Since: ${EPOCH}
   Range: bytes=0-0
a,b,c,d< status 200
pub /pub?id=s live
a,b,c,d< chunk "[live]"

=== nor a publisher, nor the statistics
--- table
POST    /pub?id=s {If-Match: "x"} "m"                             -> 200
POST    /pub?id=s {If-Unmodified-Since: ${EPOCH}} "m"             -> 200
GET     /pub?id=s {If-Match: "x"}                                 -> 200
GET     /pub?id=s {If-None-Match: *; If-Modified-Since: ${NOW+9}} -> 200
DELETE  /pub?id=s {If-Match: "x"}                                 -> 200 | explain Channel deleted.
OPTIONS /pub?id=s {If-Unmodified-Since: ${EPOCH}}                 -> 200
OPTIONS /sub/s {If-Match: "x"}                                    -> 200
GET     /stats {If-Match: "x"}                                    -> 200
GET     /stats {If-Unmodified-Since: ${EPOCH}}                    -> 200
GET     /stats {If-None-Match: *}                                 -> 200

=== an aborted publish creates no channel and announces nothing
--- http_config
push_stream_events_channel_id events;
--- steps
a: POST /pub?id=s
   Content-Length: 100
   body "half"
ax
b: POST /pub?id=s
   chunked ""
b< status 400
? POST /pub?id=s/ALL "m" -> 403
json! /stats channels == 1
json! /stats?id=events published_messages == 0

=== malformed escapes and question marks in the path of a subscriber
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /poll { push_stream_subscriber polling; push_stream_channels_path $arg_id; }
--- table
POST /pub?id=a%3Fb%20c "m"       -> 200 | json channel == a?b c
GET  /poll?id=a%3Fb%20c.b1       -> 200 | body "[m]"
POST /pub?id=50% "m50"           -> 200 | json channel == 50%
GET  /poll?id=50%.b1             -> 200 | body "[m50]"
GET  /poll?id=%zz                -> 304
GET  /stats?id=%zz               -> 200 | json channel == %zz
GET  /stats                      -> 200 | json channels == 3

=== empty segments are no channels for subscribers either
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /poll { push_stream_subscriber polling; push_stream_channels_path $arg_id; }
--- table
POST /pub?id=/ch1/ch2 "m"        -> 200 | json infos.length == 2
GET  /poll?id=/ch1.b1//ch2.b1/   -> 200 | body "[m][m]"
GET  /poll?id=///                -> 400 | explain No channel id provided.
GET  /poll?id=.b3                -> 400
POST /pub?id=/ch1 "m"            -> 200 | json channel == ch1
DELETE /pub?id=/ch1/             -> 200
DELETE /pub?id=//                -> 400 | explain No channel id provided.
GET  /stats                      -> 200 | json channels == 1

=== a message too large for the zone closes the connection
--- http_config
push_stream_shared_memory_size 128k;
--- allow_error_log: ngx_slab_alloc\(\) failed: no memory
--- table
POST /pub?id=s "x" x 300000      -> 500 | close | Cache-Control: no-cache, no-store, must-revalidate
POST /pub?id=s "m"               -> 200
--- error_log: push stream module: unable to allocate message in shared memory

=== texts that leave nothing to send
--- http_config
push_stream_channel_deleted_message_text "";
push_stream_timeout_with_body on;
--- steps
a: GET /sub/s
b: GET /lp/s
c: GET /sub/s @1.0
a,c< status 200
b< nothing 100ms
? DELETE /pub?id=s -> 200
a< bytes "0\r\n\r\n"
a< end
b< status 200
b< body ""
b< end
c< EOF
a,b< open
json! /stats subscribers == 0

=== messages of which the template leaves nothing
--- http_config
push_stream_message_template "~event-id~";
--- steps
a: GET /sub/s
a< status 200
b: GET /lp/s
b< nothing 100ms
pub /pub?id=s m
b< status 200
b< body ""
b< end
? GET /poll/s.b1 -> 200 | body ""
? GET /poll/s.b1?callback=cb -> 200 | body ~ ^cb\(\[
a< nothing 100ms
pub /pub?id=s m
   Event-Id: 7
a< chunk "7"
c: GET /sub/s.b2
c< status 200
c< chunk "7"

=== error_page has no say
--- extra_config
error_page 400 403 404 405 /error;
location = /error { return 200 "page"; }
--- table
GET    /pub              -> 400 | Content-Length: 0 | explain No channel id provided.
POST   /pub?id=ALL "m"   -> 403 | Content-Length: 0 | explain Channel id not authorized for this method.
GET    /pub?id=nobody    -> 404 | Content-Length: 0
PATCH  /pub?id=a "m"     -> 405 | Content-Length: 0 | Allow: GET, POST, PUT, DELETE
GET    /sub/ALL          -> 403 | Content-Length: 0
HEAD   /poll/a           -> 405 | Content-Length: 0
GET    /stats?id=nobody  -> 404 | Content-Length: 0

=== nothing withholds the head of a stream, a long poll has none yet
--- steps
a: GET /sub/s
b: GET /lp/s
a< status 200
a< header Transfer-Encoding: chunked
b< nothing 300ms

=== a template with its own words in values
--- http_config
push_stream_message_template "~text~~channel~~event-id~";
--- table
POST /pub?id=~event-id~ {Event-Id: ~text~} "~channel~" -> 200
GET  /poll/~event-id~.b1 -> 200 | body "~channel~~event-id~~text~"

=== an authorized long poll is refused when the last stored message has gone
--- timeout: 20s
--- http_config
push_stream_message_ttl 1s;
push_stream_authorized_channels_only on;
--- steps
pub /pub?id=s m
? GET /poll/s -> 304
json /stats?id=s stored_messages == 0 within 8s
? GET /poll/s -> 403 | explain Subscriber could not create channels.
? GET /lp/s -> 403 | explain Subscriber could not create channels.

=== requests behind a waiting one on the same connection are answered in turn
--- http_config
push_stream_message_template "[~id~|~text~]";
--- steps
a: connect
a> "GET /lp/a HTTP/1.1\r\nHost: x\r\n\r\nGET /lp/a HTTP/1.1\r\nHost: x\r\n\r\nGET /poll/a.b1 HTTP/1.1\r\nHost: x\r\n\r\n"
a< nothing 100ms
json! /stats subscribers == 1
pub /pub?id=a m1
a< status 200
a< body "[1|m1]"
a< next
a< nothing 100ms
json /stats subscribers == 1
pub /pub?id=a m2
a< body "[2|m2]"
a< next
a< body "[2|m2]"
a< end
b: connect
b> "GET /sub/b HTTP/1.1\r\nHost: x\r\n\r\nGET /poll/b HTTP/1.1\r\nHost: x\r\n\r\n"
b< status 200
pub /pub?id=b m1
b< chunk "[1|m1]"
? DELETE /pub?id=b -> 200
b< chunk "[-2|Channel deleted]"
b< end
b< next
b< status 304
b< open

=== the same channel twice, and the deletion of another one
--- http_config
push_stream_message_template "[~id~|~channel~]";
--- steps
a: GET /lp/a/a/b
b: GET /sub/a/b/a
json /stats?id=a subscribers == 4
? DELETE /pub?id=b -> 200
a< body "[-2|b]"
a< end
b< chunk "[-2|b]"
json! /stats?id=a subscribers == 2
json! /stats subscribers == 1
? DELETE /pub?id=a -> 200
b< text "[-2|a]"
b< done
json! /stats subscribers == 0
