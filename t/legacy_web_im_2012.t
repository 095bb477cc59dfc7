# A web chat's configuration of 2012 loads unchanged and does what its author described.
--- conf_file: nginx-conf/web-im-2012.conf

=== from the first 403 to the next message
--- steps
# Nobody may subscribe before the first message.
? GET /sub/my_channel -> 403 | explain Subscriber could not create channels.
! next second
? POST /pub?id=my_channel "Hello World!" -> 200 | json channel == my_channel | Connection: keep-alive
# Without a time the stored message comes, on every request.
a: GET /sub/my_channel
a< status 200
a< header Content-Type: text/javascript
a< header Etag: W/1
a< body Hello World!
a< capture T = header Last-Modified
a< capture N = header Etag
? GET /sub/my_channel -> 200 | body Hello World!
# With its cursor as arguments, as JSONP does, it waits and gets only the next.
b: GET /sub/my_channel?_=1234567890&time=${T:url}&tag=1
c: GET /sub/my_channel?_=1234567891&time=${T:url}&tag=W%2F1
b,c< nothing 300ms
? POST /pub?id=my_channel "the next" -> 200 | json stored_messages == 1
b,c< status 200
b,c< header Content-Type: text/javascript
b,c< body the next
b< capture T2 = header Last-Modified
b< capture N2 = header Etag
? GET /sub/my_channel?time=${T:url}&tag=1 -> 200 | body the next | Last-Modified: ${T2} | Etag: ${N2}
# One message is kept for each channel.
? GET /sub/my_channel -> 200 | body the next

=== by header where the cursor directives are not set
--- replace
push_stream_last_received_message_time $arg_time; => # no cursor directive
push_stream_last_received_message_tag $arg_tag; => # nor the other
--- steps
! next second
? POST /pub?id=my_channel "Hello World!" -> 200
a: GET /sub/my_channel
a< body Hello World!
a< capture T = header Last-Modified
a< capture N = header Etag
b: GET /sub/my_channel
   If-Modified-Since: ${T}
   If-None-Match: ${N}
b< nothing 300ms
? POST /pub?id=my_channel "the next" -> 200
b< status 200
b< body the next

=== a poll ends with 304 at its time limit
--- replace
push_stream_longpolling_connection_ttl 30s; => push_stream_longpolling_connection_ttl 1s;
--- steps
? POST /pub?id=my_channel "Hello World!" -> 200
a: GET /sub/my_channel?time=${NOW+100:url}
a< status 304
a< took 900ms..2500ms
a< header Content-Type: text/javascript
a< end

=== five minutes without a message close the channel again
--- replace
push_stream_message_ttl 5m; => push_stream_message_ttl 1s;
--- steps
? POST /pub?id=my_channel "Hello World!" -> 200
json /pub?id=my_channel stored_messages == 0 within 8s
? GET /sub/my_channel -> 403
? POST /pub?id=my_channel "Hello again" -> 200
? GET /sub/my_channel -> 200 | body Hello again

=== without storing nobody may ever subscribe
--- replace
push_stream_store_messages on; => push_stream_store_messages off;
--- steps
? POST /pub?id=my_channel "Hello World!" -> 200
? GET /sub/my_channel -> 403

=== the other operations of the publisher
--- steps
? POST /pub?id=a "x" -> 200
? GET /pub?id=a -> 200 | json stored_messages == 1
? DELETE /pub?id=a -> 200
? GET /sub/a -> 403
? POST /pub?id=123456789012345678901234567890123 "x" -> 400 | explain Channel id is too large.
? POST /pub "x" -> 400 | explain No channel id provided.
a: POST /pub?id=a
   Content-Length: 32769
a< status 413

=== streaming, as its comment offers
--- replace
push_stream_subscriber long-polling; => push_stream_subscriber streaming;
#push_stream_subscriber_connection_ttl 30s; => push_stream_subscriber_connection_ttl 1s;
--- steps
? POST /pub?id=a "first" -> 200
a: GET /sub/a
a< status 200
a< header Content-Type: text/javascript
? POST /pub?id=a "second" -> 200
a< chunk "second"
a< end
a< took 900ms..2s

=== as printed, with the semicolon missing, nginx says so
--- conf_file: nginx-conf/web-im-2012.conf
--- replace
push_stream_content_type "text/javascript"; => push_stream_content_type "text/javascript"
--- steps
a: connect
--- fails: invalid number of arguments in "push_stream_content_type" directive
