# A subscriber location takes GET; OPTIONS is answered, everything else refused.

=== the method table
--- table
HEAD    /sub/a      -> 405 | Allow: GET | Content-Length: 0 | Expires: Thu, 01 Jan 1970 00:00:01 GMT | Cache-Control: no-cache, no-store, must-revalidate
POST    /sub/a "x"  -> 405 | Allow: GET | no X-Nginx-PushStream-Explain
PUT     /sub/a "x"  -> 405 | Allow: GET
DELETE  /sub/a      -> 405 | Allow: GET
FOO     /sub/a      -> 405 | Allow: GET
OPTIONS /sub/a      -> 200 | Content-Length: 0 | no Expires | no Cache-Control | no Allow
HEAD    /lp/a       -> 405 | Allow: GET
OPTIONS /lp/a       -> 200 | Content-Length: 0
POST    /poll/a "x" -> 405 | Allow: GET
OPTIONS /poll/a     -> 200 | Content-Length: 0
# None of these opens a channel.
GET     /stats      -> 200 | json channels == 0
