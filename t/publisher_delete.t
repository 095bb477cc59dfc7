# DELETE ends a channel: its messages vanish, its subscribers are told, the id can be used anew.
--- http_config
push_stream_message_template "[~id~|~channel~|~text~|~tag~|~event-id~|~time~]";

=== answers
--- table
DELETE /pub?id=a        -> 404 | Content-Length: 0 | no X-Nginx-PushStream-Explain
POST   /pub?id=a "m"    -> 200
DELETE /pub?id=a        -> 200 | Content-Length: 0 | explain Channel deleted. | no Content-Type
DELETE /pub?id=a        -> 404
GET    /pub?id=a        -> 404
GET    /stats?id=a      -> 404
POST   /pub?id=b/c "m"  -> 200
DELETE /pub?id=nobody/b/nobody/c -> 200
GET    /pub?id=b/c      -> 404

=== the same id starts again at message 1
--- steps
pub /pub?id=a old
pub /pub?id=a older
? DELETE /pub?id=a -> 200
? POST /pub?id=a "new" -> 200 | json published_messages == 1 | json stored_messages == 1
? GET /poll/a {If-Modified-Since: ${EPOCH}} -> 200 | body ~ ^\[1\|a\|new\|

=== a deleted channel is in delete, then in trash, then gone
--- timeout: 30s
--- steps
pub /pub?id=a x
pub /pub?id=b x
? DELETE /pub?id=a/b -> 200
json! /stats channels == 0, channels_in_delete == 2, channels_in_trash == 0, published_messages == 2
! wait 500ms
json! /stats channels_in_delete == 2, channels_in_trash == 0
json /stats channels_in_delete == 0, channels_in_trash == 2, stored_messages == 0 within 3500ms
json /stats channels_in_delete == 0, channels_in_trash == 0, messages_in_trash == 0 within 18s

=== a streaming subscriber is told and ended
--- steps
a: GET /sub/a
a< status 200
json /stats?id=a subscribers == 1
? DELETE /pub?id=a -> 200
a< chunk "[-2|a|Channel deleted|0||Thu, 01 Jan 1970 00:00:00 GMT]"
a< end
a< open
json! /stats subscribers == 0

=== a body of the DELETE is the text
--- steps
a: GET /sub/a
a< status 200
b: GET /sub/b
b< status 200
? DELETE /pub?id=a {Event-Id: 7} "gone away" -> 200
a< chunk "[-2|a|gone away|0||Thu, 01 Jan 1970 00:00:00 GMT]"
a< end
? DELETE /pub?id=b chunked "gone too" -> 200
b< chunk "[-2|b|gone too|0||Thu, 01 Jan 1970 00:00:00 GMT]"
b< end

=== a configured text
--- http_config
push_stream_channel_deleted_message_text "so long";
--- steps
a: GET /sub/a
a< status 200
? DELETE /pub?id=a -> 200
a< chunk "so long"
a< end

=== who has other channels left stays
--- steps
a: GET /sub/a/b
a< status 200
? DELETE /pub?id=a -> 200
a< chunk ~ ^\[-2\|a\|
a< nothing 100ms
pub /pub?id=a to the new channel of that name
pub /pub?id=b still here
a< chunk ~ ^\[1\|b\|still here\|
json! /stats subscribers == 1
? DELETE /pub?id=b -> 200
a< chunk ~ ^\[-2\|b\|
a< end

=== a long poll ends even with other channels left
--- steps
a: GET /lp/a/b
json /stats subscribers == 1
! next second
? DELETE /pub?id=a "gone away" -> 200
a< status 200
a< header Etag: W/0
a< header Last-Modified ~ GMT$
a< header Content-Type ~ .
a< body "[-2|a|gone away|0||Thu, 01 Jan 1970 00:00:00 GMT]"
a< end
json! /stats subscribers == 0

=== subscribers in every worker are told
--- workers: 2
--- steps
a: GET /sub/a @worker 1
b: GET /sub/a @worker 2
a,b< status 200
c: DELETE /pub?id=a @worker 1
c< status 200
a,b< chunk ~ ^\[-2\|a\|Channel deleted\|0\|
a,b< end
a< pid != b

=== subscribers get the footer
--- http_config
push_stream_footer_template "FOOTER";
--- steps
a: GET /sub/a
a< status 200
? DELETE /pub?id=a "x" -> 200
a< chunk "x"
a< chunk "FOOTER"
a< end
