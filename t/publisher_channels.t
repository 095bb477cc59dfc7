# One publish to several channels: each gets its own message, with consecutive tags.
--- http_config
push_stream_message_template "[~channel~ ~id~ ~tag~ ~text~]";

=== consecutive tags, each channel its own ids
--- steps
! next second
pub /pub?id=x first
pub /pub?id=a/x/b multi
pub /pub?id=b last
? GET /poll/a.b9 -> 200 | body "[a 1 2 multi]" | Etag: W/2
? GET /poll/x.b9 -> 200 | body "[x 1 1 first][x 2 3 multi]" | Etag: W/3
? GET /poll/b.b9 -> 200 | body "[b 1 4 multi][b 2 5 last]" | Etag: W/5

=== every second starts again at tag 1
--- steps
! next second
pub /pub?id=a one
pub /pub?id=b two
! next second
pub /pub?id=a three
? GET /poll/a.b1 -> 200 | body "[a 2 1 three]" | Etag: W/1

=== subscribers of several of the channels get each copy
--- steps
a: GET /sub/x/y
a< status 200
b: GET /sub/y
b< status 200
pub /pub?id=x/y both
a< chunk ~ ^\[x 1 \d+ both\]$
a< chunk ~ ^\[y 1 \d+ both\]$
b< chunk ~ ^\[y 1 \d+ both\]$
a,b< nothing 100ms

=== the same channel twice gets two messages
--- steps
pub /pub?id=d/d twice
? GET /poll/d.b9 -> 200 | body ~ ^\[d 1 \d+ twice\]\[d 2 \d+ twice\]$
