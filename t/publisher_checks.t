# The checks of a publisher come in order; the first that fails decides, and nothing has happened.
--- http_config
push_stream_max_channel_id_length 8;

=== no channel
--- table
GET    /pub           -> 400 | explain No channel id provided. | Content-Length: 0 | no Content-Type
GET    /pub?id=       -> 400 | explain No channel id provided.
POST   /pub "x"       -> 400 | explain No channel id provided.
PUT    /pub?id= "x"   -> 400 | explain No channel id provided.
DELETE /pub           -> 400 | explain No channel id provided.
GET    /pub?id=/      -> 400 | explain No channel id provided.
POST   /pub?id=// "x" -> 400 | explain No channel id provided.
--- error_log: push stream module: the push_stream_channels_path is required but is not set

=== reserved ids
--- table
GET    /pub?id=ALL      -> 403 | explain Channel id not authorized for this method. | Content-Length: 0
POST   /pub?id=ALL "x"  -> 403 | explain Channel id not authorized for this method.
PUT    /pub?id=ALL "x"  -> 403 | explain Channel id not authorized for this method.
DELETE /pub?id=ALL      -> 403 | explain Channel id not authorized for this method.
GET    /pub?id=*        -> 403 | explain Channel id not authorized for this method.
POST   /pub?id=a*b "x"  -> 403 | explain Channel id not authorized for this method.
DELETE /pub?id=ab*      -> 403 | explain Channel id not authorized for this method.
POST   /pub?id=a%2A "x" -> 403 | explain Channel id not authorized for this method.
POST   /pub?id=all "x"  -> 200 | json channel == all
POST   /pub?id=ALLE "x" -> 200 | json channel == ALLE

=== long ids
--- table
POST   /pub?id=12345678 "x"        -> 200
GET    /pub?id=123456789           -> 400 | explain Channel id is too large. | Content-Length: 0
POST   /pub?id=123456789 "x"       -> 400 | explain Channel id is too large.
DELETE /pub?id=123456789           -> 400 | explain Channel id is too large.
# The length counts after decoding and without the backtrack.
POST   /pub?id=%C3%A9%C3%A9%C3%A9%C3%A9 "x" -> 200
POST   /pub?id=12345678.b12 "x"    -> 200 | json channel == 12345678
--- error_log: push stream module: channel id is larger than allowed 8

=== the first failing id decides
--- table
POST /pub?id=ok/ALL/123456789 "x"  -> 403 | explain Channel id not authorized for this method.
POST /pub?id=ok/123456789/ALL "x"  -> 400 | explain Channel id is too large.
POST /pub?id=ok/123456789*  "x"    -> 403 | explain Channel id not authorized for this method.
# An id is looked at before the body.
POST /pub?id=ALL                   -> 403
POST /pub?id=123456789             -> 400 | explain Channel id is too large.

=== a message must have a text
--- table
POST /pub?id=a                           -> 400 | explain Empty post requests are not allowed.
PUT  /pub?id=a                           -> 400 | explain Empty post requests are not allowed.
POST /pub?id=a {Content-Length: 0}       -> 400 | explain Empty post requests are not allowed. | Content-Length: 0
POST /pub?id=a chunked ""                -> 400 | explain Empty post requests are not allowed.
--- error_log: push stream module: Post request was sent with no message

=== a refused request creates no channel
--- table
POST /pub?id=one/ALL "x"       -> 403
POST /pub?id=one/123456789 "x" -> 400
GET  /pub?id=one               -> 404
GET  /stats                    -> 200 | json channels == 0

=== an empty message creates no channel
--- table
POST /pub?id=one               -> 400
GET  /pub?id=one               -> 404
GET  /stats                    -> 200 | json channels == 0
