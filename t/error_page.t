# A location of this module that an error_page leads to: the status is that of the error_page, and the head is one that goes with it.
--- config
location /pub       { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /stats     { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location = /poll/a  { push_stream_subscriber polling; push_stream_channels_path a; }
location = /gone    { error_page 404 =204 /stats; return 404; }
location = /lost    { error_page 404 /poll/a; return 404; }
location = /found   { error_page 404 =200 /poll/a; return 404; }
location = /moved   { error_page 404 =202 /stats; return 404; }

=== 204 has no length
--- table
GET /gone  -> 204 | no Content-Length | body ~ ^$
GET /moved -> 202 | Content-Length ~ ^\d+$ | json channels == 0

=== only 200, 206 and 304 have a date
--- steps
pub /pub?id=a one
a: GET /lost
   If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
a< status 404
a< no Last-Modified
a< body ~ one
b: GET /found
   If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
b< status 200
b< Last-Modified ~ GMT$
b< body ~ one
c: GET /poll/a
   If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
c< status 200
c< Last-Modified ~ GMT$
c< body ~ one
