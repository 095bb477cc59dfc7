# The checks of a subscriber come in order and are the same in every mode.
--- http_config
push_stream_max_channel_id_length 8;

=== refused in every mode
--- table
GET /sub/              -> 400 | explain No channel id provided. | Content-Length: 0 | no Content-Type
GET /lp/               -> 400 | explain No channel id provided.
GET /poll/             -> 400 | explain No channel id provided.
GET /poll/%2F          -> 400 | explain No channel id provided.
GET /sub/ALL           -> 403 | explain Channel id not authorized for this method. | Content-Length: 0
GET /lp/ALL            -> 403 | explain Channel id not authorized for this method.
GET /poll/a/ALL        -> 403 | explain Channel id not authorized for this method.
GET /sub/a*            -> 403 | explain Channel id not authorized for this method.
GET /sub/123456789     -> 400 | explain Channel id is too large.
GET /lp/a/123456789    -> 400 | explain Channel id is too large.
GET /poll/123456789*   -> 403 | explain Channel id not authorized for this method.
GET /poll/12345678.b12 -> 304
GET /poll/a            -> 304
GET /sub/ALL           -> 403 | names Content-Length, Connection, Expires, Cache-Control, X-Nginx-PushStream-Explain

=== a refused request opens no channel
--- table
GET /poll/a/ALL        -> 403
GET /sub/a/123456789   -> 400
GET /stats             -> 200 | json channels == 0 | json subscribers == 0

=== a poll opens its channels
--- table
GET /poll/a/b          -> 304
GET /stats             -> 200 | json channels == 2 | json subscribers == 0
