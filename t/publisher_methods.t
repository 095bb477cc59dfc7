# A publisher location answers by method; only "admin" may DELETE.
--- config
location = /normal { push_stream_publisher; push_stream_channels_path $arg_id; }
location = /named  { push_stream_publisher normal; push_stream_channels_path $arg_id; }
location = /admin  { push_stream_publisher ADMIN; push_stream_channels_path $arg_id; }

=== normal
--- table
GET     /normal?id=a      -> 404 | Content-Length: 0 | no X-Nginx-PushStream-Explain
POST    /normal?id=a "x"  -> 200 | json published_messages == 1
PUT     /normal?id=a "x"  -> 200 | json published_messages == 2
GET     /normal?id=a      -> 200 | json channel == a
DELETE  /normal?id=a      -> 405 | Allow: GET, POST, PUT | Content-Length: 0
HEAD    /normal?id=a      -> 405 | Allow: GET, POST, PUT | no X-Nginx-PushStream-Explain
PATCH   /normal?id=a "x"  -> 405 | Allow: GET, POST, PUT
FOO     /normal?id=a      -> 405 | Allow: GET, POST, PUT
OPTIONS /normal?id=a      -> 200 | Content-Length: 0 | no Allow | no Content-Type
GET     /named?id=a       -> 200
DELETE  /named?id=a       -> 405 | Allow: GET, POST, PUT

=== admin
--- table
GET     /admin?id=a      -> 404 | Content-Length: 0 | no X-Nginx-PushStream-Explain
POST    /admin?id=a "x"  -> 200 | json published_messages == 1
PUT     /admin?id=a "x"  -> 200 | json published_messages == 2
GET     /admin?id=a      -> 200 | json stored_messages == 0
HEAD    /admin?id=a      -> 405 | Allow: GET, POST, PUT, DELETE
PATCH   /admin?id=a "x"  -> 405 | Allow: GET, POST, PUT, DELETE
FOO     /admin?id=a      -> 405 | Allow: GET, POST, PUT, DELETE
OPTIONS /admin?id=a      -> 200 | Content-Length: 0
DELETE  /admin?id=a      -> 200 | explain Channel deleted.

=== no answer may be cached
--- table
GET     /admin           -> 400 | names Content-Length, Connection, Expires, Cache-Control, X-Nginx-PushStream-Explain
GET     /admin?id=a      -> 404 | names Content-Length, Connection, Expires, Cache-Control
OPTIONS /admin?id=a      -> 200 | names Content-Length, Connection, Expires, Cache-Control
POST    /admin?id=a "x"  -> 200 | names Content-Type, Content-Length, Connection, Expires, Cache-Control
GET     /admin?id=a      -> 200 | names Content-Type, Content-Length, Connection, Expires, Cache-Control
GET     /admin?id=a      -> 200 | Expires: Thu, 01 Jan 1970 00:00:01 GMT | Cache-Control: no-cache, no-store, must-revalidate
HEAD    /admin?id=a      -> 405 | Expires: Thu, 01 Jan 1970 00:00:01 GMT | Cache-Control: no-cache, no-store, must-revalidate
DELETE  /admin?id=a      -> 200 | names Content-Length, Connection, Expires, Cache-Control, X-Nginx-PushStream-Explain
