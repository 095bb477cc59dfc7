# The message template: all words, in any case, expanded once.

=== all words
--- http_config
push_stream_message_template "[~id~|~channel~|~text~|~size~|~tag~|~time~|~event-id~|~event-type~]";
--- steps
! next second
pub /pub?id=s "m 1"
   Event-Id: ev 1
   Event-Type: ty
p: GET /poll/s.b1
p< capture T = header Last-Modified
? GET /poll/s.b1 -> 200 | body "[1|s|m 1|3|1|${T}|ev 1|ty]"
pub /pub?id=s m2
? GET /poll/s.b1 -> 200 | body "[2|s|m2|2|2|${T}||]"

=== which header is the event id
--- http_config
push_stream_message_template "<~event-id~|~event-type~>";
--- table
POST /pub?id=s {event-id: a; EVENT-TYPE: b} "m"            -> 200
GET  /poll/s.b1                                            -> 200 | body "<a|b>"
POST /pub?id=s {Event-Id: first; Event-Id: second} "m"     -> 200
GET  /poll/s.b1                                            -> 200 | body "<first|>"
POST /pub?id=s {Event-Ids: x; Event_Id: y; XEvent-Id: z} "m" -> 200
GET  /poll/s.b1                                            -> 200 | body "<|>"

=== case, literal text, neighbours
--- http_config
push_stream_message_template "~ID~ ~Text~ ~foo~ ~ ~event-id~~~channel~ ~~text~~ ~id ~text~id~";
--- table
POST /pub?id=s {Event-Id: E} "m" -> 200
GET  /poll/s.b1                  -> 200 | body "1 m ~foo~ ~ E~s ~m~ ~id mid~"

=== words inside values stay as they are
--- http_config
push_stream_message_template "~channel~ ~text~ ~event-id~";
--- table
POST /pub?id=~text~ {Event-Id: ~id~} "~channel~" -> 200
GET  /poll/~text~.b1                             -> 200 | body "~text~ ~channel~ ~id~"

=== a word often, or never
--- http_config
push_stream_message_template "~text~~text~~text~";
--- extra_config
location ~ ^/none/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_message_template "news";
}
--- table
POST /pub?id=s "ab"  -> 200
GET  /poll/s.b1      -> 200 | body "ababab"
GET  /none/s.b1      -> 200 | body "news"

=== each location renders in its own way, also what is stored
--- extra_config
location ~ ^/a/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_message_template "A[~text~]";
}
location ~ ^/b/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_message_template "B[~text~]";
}
--- steps
pub /pub?id=s old
a: GET /a/s.b1
b: GET /b/s.b1
c: GET /sub/s.b1
a< chunk "A[old]"
b< chunk "B[old]"
c< chunk "old"
pub /pub?id=s new
a< chunk "A[new]"
b< chunk "B[new]"
c< chunk "new"

=== an id with markup is inserted as it is
--- http_config
push_stream_message_template "~channel~";
--- table
POST /pub?id=%3Cb%3E%22 "m"  -> 200
GET  /poll/%3Cb%3E%22.b1     -> 200 | body ~ ^<b>"$
