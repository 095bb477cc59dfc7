# JSONP: with a callback argument, polls answer with a call of that function.
--- http_config
push_stream_message_template "[~id~|~channel~|~text~]";

=== one message, by polling and by long-polling
--- http_config
push_stream_header_template "H|";
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_footer_template "|F";
--- steps
! next second
pub /pub?id=s m1
a: GET /poll/s.b1?callback=cb
b: GET /lp/s.b1?callback=cb
a,b< status 200
a,b< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
a,b< header Content-Type: application/javascript
a,b< header Etag: W/1
a,b< bytes "2\r\nH|\r\n2\r\ncb\r\n2\r\n([\r\n8\r\n[1|s|m1]\r\n3\r\n]);\r\n2\r\n|F\r\n0\r\n\r\n"
a,b< end
a,b< open

=== without templates around it
--- http_config
--- steps
pub /pub?id=s m1
a: GET /poll/s.b1?callback=cb
a< status 200
a< bytes "2\r\ncb\r\n2\r\n([\r\n2\r\nm1\r\n3\r\n]);\r\n0\r\n\r\n"
a< end

=== several messages are separated by commas
--- steps
repeat 3: pub /pub?id=s m${i}
a: GET /poll/s.b3?callback=cb
b: GET /lp/s?callback=cb
   If-Modified-Since: ${EPOCH}
a,b< status 200
a,b< bytes "2\r\ncb\r\n2\r\n([\r\n8\r\n[1|s|m1]\r\n1\r\n,\r\n8\r\n[2|s|m2]\r\n1\r\n,\r\n8\r\n[3|s|m3]\r\n3\r\n]);\r\n0\r\n\r\n"
a,b< end

=== several channels are one flat list in the order of the path
--- steps
! next second
pub /pub?id=x x1
pub /pub?id=y y1
pub /pub?id=x x2
? GET /poll/y.b9/x.b9?callback=cb    -> 200 | body "cb([[1|y|y1],[1|x|x1],[2|x|x2]]);" | Etag: W/3
? GET /lp/x.b9/y.b9?callback=cb      -> 200 | body "cb([[1|x|x1],[2|x|x2],[1|y|y1]]);" | Etag: W/3
# No comma too many where a channel has nothing, wherever it stands.
? GET /poll/x.b9/none?callback=cb    -> 200 | body "cb([[1|x|x1],[2|x|x2]]);"
? GET /poll/none/x.b1?callback=cb    -> 200 | body "cb([[2|x|x2]]);"
? GET /poll/y.b1/none/x.b1?callback=cb -> 200 | body "cb([[1|y|y1],[2|x|x2]]);"

=== a live message
--- http_config
push_stream_header_template "H|";
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_footer_template "|F";
--- steps
a: GET /lp/s?callback=cb
b: GET /lp/s/t?callback=other
a,b< nothing 100ms
! next second
pub /pub?id=s m1
a,b< status 200
a,b< header Content-Type: application/javascript
a,b< header Etag: W/1
a< bytes "2\r\nH|\r\n2\r\ncb\r\n2\r\n([\r\n8\r\n[1|s|m1]\r\n3\r\n]);\r\n2\r\n|F\r\n0\r\n\r\n"
b< bytes "2\r\nH|\r\n5\r\nother\r\n2\r\n([\r\n8\r\n[1|s|m1]\r\n3\r\n]);\r\n2\r\n|F\r\n0\r\n\r\n"
a,b< end

=== the deletion of the channel
--- http_config
push_stream_header_template "H|";
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_footer_template "|F";
--- steps
a: GET /lp/s?callback=cb
json /stats?id=s subscribers == 1
? DELETE /pub?id=s "gone away" -> 200
a< status 200
a< header Content-Type: application/javascript
a< header Etag: W/0
a< bytes "2\r\nH|\r\n2\r\ncb\r\n2\r\n([\r\n10\r\n[-2|s|gone away]\r\n3\r\n]);\r\n2\r\n|F\r\n0\r\n\r\n"
a< end

=== the time limit with a body
--- http_config
push_stream_longpolling_connection_ttl 200ms;
push_stream_timeout_with_body on;
push_stream_header_template "H|";
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_footer_template "|F";
--- steps
a: GET /lp/s?callback=cb
b: GET /lp/s
a,b< status 200
a,b< header Etag: W/0
a,b< header Last-Modified ~ GMT$
a,b< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag
a< header Content-Type: application/javascript
a< bytes "2\r\nH|\r\n2\r\ncb\r\n2\r\n([\r\nf\r\n[-3||Timed out]\r\n3\r\n]);\r\n2\r\n|F\r\n0\r\n\r\n"
b< bytes "2\r\nH|\r\nf\r\n[-3||Timed out]\r\n2\r\n|F\r\n0\r\n\r\n"
a,b< end
a,b< open
json! /stats subscribers == 0

=== all words of the message of a time limit
--- http_config
push_stream_longpolling_connection_ttl 200ms;
push_stream_timeout_with_body on;
push_stream_message_template "[~id~|~channel~|~text~|~size~|~tag~|~time~|~event-id~|~event-type~]";
--- steps
a: GET /lp/s
a< status 200
a< body "[-3||Timed out|9|0|Thu, 01 Jan 1970 00:00:00 GMT||]"

=== a 304 says the type, too
--- http_config
push_stream_longpolling_connection_ttl 200ms;
--- table
GET /poll/s?callback=cb -> 304 | Content-Type: application/javascript | Content-Length: 0 | body ""
GET /lp/s?callback=cb   -> 304 | Content-Type: application/javascript | Etag: W/0 | body ""
GET /poll/s             -> 304 | Content-Type: text/plain

=== the forced type wins over the location's
--- http_config
default_type text/html;
types { text/css css; }
--- table
POST /pub?id=s.css "m"         -> 200
GET /poll/s.css.b1?callback=cb -> 200 | Content-Type: application/javascript
GET /poll/s.b1?callback=cb     -> 304 | Content-Type: application/javascript
GET /poll/s.b1                 -> 304 | Content-Type: text/html

=== the argument
--- table
POST /pub?id=s "m"                                      -> 200
GET /poll/s.b1?CallBack=cb                              -> 200 | body "cb([[1|s|m]]);"
GET /poll/s.b1?x=1&callback=cb&_=123                    -> 200 | body "cb([[1|s|m]]);"
GET /poll/s.b1?callback=PushStreamManager%5B0%5D.wrapper.onmessage_ -> 200 | body "PushStreamManager[0].wrapper.onmessage_([[1|s|m]]);"
GET /poll/s.b1?callback=PushStreamManager[0].wrapper.onmessage_ -> 200 | body "PushStreamManager[0].wrapper.onmessage_([[1|s|m]]);"
GET /poll/s.b1?callback=$.a_1                           -> 200 | body "$.a_1([[1|s|m]]);"
GET /poll/s.b1?mycallback=cb                            -> 200 | Content-Type: text/plain | body "[1|s|m]"

=== an empty name is none
--- table
POST /pub?id=s "m"               -> 200
GET /poll/s.b1?callback=         -> 200 | Content-Type: text/plain | body "[1|s|m]"
GET /poll/s.b1?callback          -> 200 | Content-Type: text/plain | body "[1|s|m]"
GET /lp/s.b1?callback=&x=1       -> 200 | Content-Type: text/plain | body "[1|s|m]"
GET /poll/s?callback=            -> 304 | Content-Type: text/plain

=== an empty name on a long poll that waits
--- steps
a: GET /lp/s?callback=
a< nothing 100ms
pub /pub?id=s m
a< header Content-Type: text/plain
a< body "[1|s|m]"

=== a name that could be a script is refused
--- table
POST /pub?id=s "m"                            -> 200
GET /poll/s.b1?callback=alert(1)              -> 400 | Content-Length: 0 | no Content-Type | X-Nginx-PushStream-Explain ~ .
GET /poll/s.b1?callback=%3Cscript%3E          -> 400
GET /lp/s.b1?callback=a%0Ab                   -> 400
GET /lp/s.b1?callback=a%00                    -> 400
GET /poll/s.b1?callback=a;b                   -> 400
GET /poll/s.b1?callback=a%20b                 -> 400
GET /poll/s.b1?callback=%C3%A9                -> 400
GET /poll/s.b1?callback=%22                   -> 400
GET /poll/new?callback=(                      -> 400
# A refused request opens no channel.
GET /stats?id=new                             -> 404

=== streaming does not look at it
--- steps
a: GET /sub/s?callback=cb
b: GET /sub/s?callback=alert(1)
a,b< status 200
a,b< header Content-Type: text/plain
pub /pub?id=s m
a,b< chunk "[1|s|m]"

=== the modes of the header have it, too
--- steps
pub /pub?id=s m
? GET /sub/s.b1?callback=cb {X-Nginx-PushStream-Mode: polling} -> 200 | body "cb([[1|s|m]]);"
? GET /sub/s.b1?callback=cb {X-Nginx-PushStream-Mode: long-polling} -> 200 | body "cb([[1|s|m]]);"

=== HTTP/1.0
--- steps
pub /pub?id=s m
a: GET /poll/s.b1?callback=cb @1.0
a< status 200
a< body "cb([[1|s|m]]);"
a< EOF

=== a script tag follows by arguments
--- http_config
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_last_received_message_time $arg_time;
push_stream_last_received_message_tag $arg_tag;
--- steps
! next second
pub /pub?id=s m1
a: GET /lp/s.b1?callback=cb
a< body "cb([[1|s|m1]]);"
a< capture T = header Last-Modified
a< capture N = header Etag
b: GET /lp/s?callback=cb&time=${T:url}&tag=${N:url}
b< nothing 100ms
pub /pub?id=s m2
b< body "cb([[2|s|m2]]);"
c: GET /lp/s?callback=cb&time=${T:url}&tag=${N:url}
c< body "cb([[2|s|m2]]);"
