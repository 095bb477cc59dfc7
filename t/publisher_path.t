# The channels path: ids between slashes, percent-decoded once, with a backtrack that publishing ignores.

=== one id
--- table
POST /pub?id=a "m"                         -> 200 | json channel == a
POST /pub?id=b/ "m"                        -> 200 | json channel == b
POST /pub?id=c.b3 "m"                      -> 200 | json channel == c
POST /pub?id=c.b3.b4 "m"                   -> 200 | json channel == c.b3
POST /pub?id=d.b "m"                       -> 200 | json channel == d.b
POST /pub?id=d.b3x "m"                     -> 200 | json channel == d.b3x
POST /pub?id=d.B3 "m"                      -> 200 | json channel == d.B3
POST /pub?id=d.b-3 "m"                     -> 200 | json channel == d.b-3
POST /pub?id=e.b007 "m"                    -> 200 | json channel == e
POST /pub?id=f.b99999999999999999999 "m"   -> 200 | json channel == f
POST /pub?id=A "m"                         -> 200 | json channel == A | json published_messages == 1

=== several ids
--- table
POST /pub?id=a/b "m"        -> 200 | json infos.length == 2 | json infos[0].channel == a | json infos[1].channel == b
POST /pub?id=a%2Fb "m"      -> 200 | json infos.length == 2 | json infos[0].published_messages == 2
POST /pub?id=a/b/ "m"       -> 200 | json infos.length == 2
POST /pub?id=b.b3/a.b1 "m"  -> 200 | json infos[0].channel == b | json infos[1].channel == a
POST /pub?id=dup/dup "m"    -> 200 | json infos.length == 2 | json infos[0].published_messages == 2 | json infos[1].channel == dup

=== empty segments are skipped
--- table
POST /pub?id=/a "m"         -> 200 | json channel == a
POST /pub?id=x//y "m"       -> 200 | json infos.length == 2 | json infos[0].channel == x | json infos[1].channel == y
POST /pub?id=/ "m"          -> 400 | explain No channel id provided.
POST /pub?id=.b3 "m"        -> 400 | explain No channel id provided.
GET  /stats                 -> 200 | json channels == 3

=== decoding
--- table
POST /pub?id=a%20b "m"      -> 200 | json channel == a b
POST /pub?id=a+b "m"        -> 200 | json channel == a+b
POST /pub?id=a%2520b "m"    -> 200 | json channel == a%20b
POST /pub?id=a%3Fb "m"      -> 200 | json channel == a?b
POST /pub?id=a%3Fb%20c "m"  -> 200 | json channel == a?b c
POST /pub?id=%C3%A9 "m"     -> 200 | json channel == é
# Malformed escapes stay as they are.
POST /pub?id=%zz "m"        -> 200 | json channel == %zz
POST /pub?id=50% "m"        -> 200 | json channel == 50%
POST /pub?id=50%4 "m"       -> 200 | json channel == 50%4

=== any byte may be part of an id
--- table
# A newline at the end must not be special: it once made the original loop for ever.
POST /pub?id=a%0A "m"        -> 200 | json channel ~ ^a\n$
GET  /stats?id=a%0A          -> 200 | json channel ~ ^a\n$
GET  /poll/a%0A              -> 304
POST /pub?id=a%00b "m"       -> 200 | body ~ "channel": "a\\u0000b"
POST /pub?id=q%22b%5C "m"    -> 200 | body ~ "channel": "q\\"b\\\\"
GET  /stats?id=q%22b%5C      -> 200 | json published_messages == 1

=== a capture of the location is already decoded, and is decoded again
--- table
POST /pub?id=a%20b "m"                              -> 200
GET  /poll/a%2520b {If-Modified-Since: ${EPOCH}}    -> 200 | body m
GET  /poll/a%20b {If-Modified-Since: ${EPOCH}}      -> 200 | body m
