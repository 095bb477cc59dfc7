# Cross-origin requests: which lines, in which order, on which answers.
--- http_config
push_stream_message_template "[~text~]";
push_stream_allowed_origins "*";

=== every answer of a publisher has them
--- table
OPTIONS /pub?id=a        -> 200 | names Content-Length, Connection, Expires, Cache-Control, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers
OPTIONS /pub?id=a        -> 200 | Access-Control-Allow-Origin: * | Access-Control-Allow-Methods: GET, POST, PUT, DELETE
OPTIONS /pub?id=a        -> 200 | Access-Control-Allow-Headers: If-Modified-Since,If-None-Match,Etag,Event-Id,Event-Type,Last-Event-Id
POST    /pub?id=a "m"    -> 200 | names Content-Type, Content-Length, Connection, Expires, Cache-Control, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers
GET     /pub?id=a        -> 200 | Access-Control-Allow-Origin: *
GET     /pub?id=b        -> 404 | Access-Control-Allow-Origin: *
GET     /pub             -> 400 | names Content-Length, Connection, Expires, Cache-Control, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers, X-Nginx-PushStream-Explain
POST    /pub?id=ALL "m"  -> 403 | Access-Control-Allow-Origin: *
POST    /pub?id=a        -> 400 | Access-Control-Allow-Origin: *
HEAD    /pub?id=a        -> 405 | Access-Control-Allow-Origin: *
DELETE  /pub?id=a        -> 200 | Access-Control-Allow-Origin: * | explain Channel deleted.

=== without admin the methods are fewer
--- config
location /pub { push_stream_publisher; push_stream_channels_path $arg_id; }
--- table
OPTIONS /pub?id=a        -> 200 | Access-Control-Allow-Methods: GET, POST, PUT
DELETE  /pub?id=a        -> 405 | Access-Control-Allow-Methods: GET, POST, PUT

=== every answer of a subscriber has them, and says what a page may read
--- table
OPTIONS /sub/a           -> 200 | names Content-Length, Connection, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers, Access-Control-Expose-Headers
OPTIONS /lp/a            -> 200 | Access-Control-Allow-Origin: * | Access-Control-Allow-Methods: GET
OPTIONS /poll/a          -> 200 | Access-Control-Allow-Headers: If-Modified-Since,If-None-Match,Etag,Event-Id,Event-Type,Last-Event-Id
GET     /poll/a          -> 304 | names Content-Type, Content-Length, Connection, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers, Access-Control-Expose-Headers, Expires, Cache-Control
GET     /poll/a          -> 304 | Access-Control-Allow-Origin: * | Access-Control-Allow-Methods: GET
GET     /poll/a          -> 304 | Access-Control-Expose-Headers ~ \bLast-Modified\b | Access-Control-Expose-Headers ~ \bEtag\b | Access-Control-Expose-Headers ~ \bX-Nginx-PushStream-Gap\b
POST    /pub?id=a "m"    -> 200
GET     /poll/a.b1       -> 200 | names Content-Type, Last-Modified, Transfer-Encoding, Connection, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers, Access-Control-Expose-Headers, Expires, Cache-Control, Etag
GET     /lp/a.b1         -> 200 | Access-Control-Allow-Origin: *
GET     /sub/ALL         -> 403 | names Content-Length, Connection, Access-Control-Allow-Origin, Access-Control-Allow-Methods, Access-Control-Allow-Headers, Access-Control-Expose-Headers, Expires, Cache-Control, X-Nginx-PushStream-Explain
GET     /lp/             -> 400 | Access-Control-Allow-Origin: *
POST    /poll/a "x"      -> 405 | Access-Control-Allow-Origin: *

=== a stream and a long poll that waits have them
--- steps
a: GET /sub/a
a< status 200
a< header Access-Control-Allow-Origin: *
a< header Access-Control-Allow-Methods: GET
b: GET /lp/a
b< nothing 100ms
pub /pub?id=a m
b< header Access-Control-Allow-Origin: *
b< header Access-Control-Expose-Headers ~ Etag

=== statistics never have them
--- table
GET     /stats           -> 200 | no Access-Control-Allow-Origin | no Access-Control-Expose-Headers
OPTIONS /stats           -> 405 | no Access-Control-Allow-Origin

=== without the directive there are none
--- http_config
--- table
OPTIONS /pub?id=a        -> 200 | no Access-Control-Allow-Origin | no Access-Control-Allow-Methods | no Access-Control-Allow-Headers
OPTIONS /sub/a           -> 200 | names Content-Length, Connection
GET     /poll/a          -> 304 | no Access-Control-Allow-Origin | no Access-Control-Expose-Headers

=== an empty value means none
--- http_config
push_stream_allowed_origins "";
--- table
OPTIONS /pub?id=a        -> 200 | no Access-Control-Allow-Origin | no Access-Control-Allow-Methods
GET     /poll/a          -> 304 | no Access-Control-Allow-Origin

=== the value may come from the request, is decoded once, and cannot break the head
--- http_config
push_stream_allowed_origins $arg_origin;
--- table
GET     /poll/a?origin=http://x.y                 -> 304 | Access-Control-Allow-Origin: http://x.y
GET     /poll/a?origin=http%3A%2F%2Fx.y           -> 304 | Access-Control-Allow-Origin: http://x.y
OPTIONS /pub?id=a&origin=http%3A%2F%2Fx.y         -> 200 | Access-Control-Allow-Origin: http://x.y
GET     /poll/a?origin=                           -> 304 | no Access-Control-Allow-Origin
GET     /poll/a                                   -> 304 | no Access-Control-Allow-Origin
# The Origin header is not looked at.
GET     /poll/a?origin=http://x.y {Origin: http://z} -> 304 | Access-Control-Allow-Origin: http://x.y
GET     /poll/a {Origin: http://z}                -> 304 | no Access-Control-Allow-Origin
GET     /poll/a?origin=x%0D%0ASet-Cookie:%20a=b   -> 304 | no Set-Cookie | Access-Control-Allow-Origin ~ ^x
OPTIONS /pub?id=a&origin=x%0D%0ASet-Cookie:%20a=b -> 200 | no Set-Cookie

=== the innermost level wins
--- extra_config
location ~ ^/own/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_allowed_origins "http://own";
}
location ~ ^/none/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_allowed_origins "";
}
--- table
GET /own/a  -> 304 | Access-Control-Allow-Origin: http://own
GET /none/a -> 304 | no Access-Control-Allow-Origin
GET /poll/a -> 304 | Access-Control-Allow-Origin: *
