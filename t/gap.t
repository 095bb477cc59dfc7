# A client that resumes where messages are no longer stored is told so.
--- http_config
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_max_messages_stored_per_channel 2;

=== no cursor, the epoch, or everything still there: no gap
--- steps
! next second
repeat 2: pub /pub?id=s m${i}
a: GET /poll/s.b1
a< no header X-Nginx-PushStream-Gap
a< capture T = header Last-Modified
pub /pub?id=s m3
# The first message is gone now; these requests do not ask for it.
? GET /poll/s -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s.b9 -> 200 | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: ${EPOCH}} -> 200 | body "[2|s|m2][3|s|m3]" | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: ${EPOCH}; If-None-Match: W/0} -> 200 | no X-Nginx-PushStream-Gap
? GET /poll/s {If-None-Match: W/1} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: rubbish} -> 304 | no X-Nginx-PushStream-Gap
# The dropped message is the very one that was seen last.
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | body "[2|s|m2][3|s|m3]" | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/2} -> 200 | no X-Nginx-PushStream-Gap
# Without a tag the whole second counts as seen.
? GET /poll/s {If-Modified-Since: ${NOW+60}} -> 304 | no X-Nginx-PushStream-Gap
a: GET /sub/s
a< status 200
a< no header X-Nginx-PushStream-Gap
b: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
b< status 200
b< no header X-Nginx-PushStream-Gap
b< chunk "[2|s|m2]"

=== dropped by the limit of a channel
--- steps
! next second
repeat 4: pub /pub?id=s m${i}
a: GET /poll/s.b1
a< capture T = header Last-Modified
# The second one is dropped, too: who has seen only the first misses it.
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | body "[3|s|m3][4|s|m4]" | X-Nginx-PushStream-Gap: 1
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/2} -> 200 | body "[3|s|m3][4|s|m4]" | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/0} -> 200 | X-Nginx-PushStream-Gap: 1
? GET /poll/s {If-Modified-Since: ${NOW-3600}} -> 200 | X-Nginx-PushStream-Gap: 1
? GET /lp/s {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | body "[3|s|m3][4|s|m4]" | X-Nginx-PushStream-Gap: 1
? GET /lp/s {If-Modified-Since: ${T}; If-None-Match: W/2} -> 200 | no X-Nginx-PushStream-Gap
a: GET /poll/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
a< names Content-Type, Last-Modified, Transfer-Encoding, Connection, Expires, Cache-Control, Etag, X-Nginx-PushStream-Gap
b: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
b< status 200
b< header X-Nginx-PushStream-Gap: 1
b< chunk "[3|s|m3]"
b< chunk "[4|s|m4]"
b< nothing 100ms
# A backtrack is not the cursor's business.
? GET /poll/s.b1 {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | body "[4|s|m4]" | no X-Nginx-PushStream-Gap

=== the answer's cursor closes the gap
--- steps
! next second
repeat 4: pub /pub?id=s m${i}
set T = ${NOW}
a: GET /poll/s
   If-Modified-Since: ${NOW-100}
a< header X-Nginx-PushStream-Gap: 1
a< capture T = header Last-Modified
a< capture N = header Etag
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304 | no X-Nginx-PushStream-Gap

=== expired
--- timeout: 20s
--- http_config
push_stream_message_template "[~text~]";
push_stream_message_ttl 1s;
--- steps
! next second
pub /pub?id=s m1
pub /pub?id=s m2
a: GET /poll/s.b2
a< capture T = header Last-Modified
json /stats?id=s stored_messages == 0 within 8s
# Nothing is due, and something is missing.
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/1} -> 304 | X-Nginx-PushStream-Gap: 1 | Content-Length: 0
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/2} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: ${T}} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s {If-Modified-Since: ${EPOCH}} -> 304 | no X-Nginx-PushStream-Gap
b: GET /poll/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
b< names Content-Type, Content-Length, Last-Modified, Connection, Expires, Cache-Control, Etag, X-Nginx-PushStream-Gap
# A stream says so at once.
c: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
c< status 200
c< header X-Nginx-PushStream-Gap: 1
c< nothing 100ms
# A long poll says so when it is answered.
d: GET /lp/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
d< nothing 100ms
pub /pub?id=s m3
c< chunk "[m3]"
d< header X-Nginx-PushStream-Gap: 1
d< body [m3]

=== the channel has been deleted and is there again
--- steps
! next second
pub /pub?id=s m1
a: GET /poll/s.b1
a< capture T = header Last-Modified
a< capture N = header Etag
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304 | no X-Nginx-PushStream-Gap
pub /pub?id=s missed
? DELETE /pub?id=s -> 200
pub /pub?id=s again
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 200 | body ~ again | X-Nginx-PushStream-Gap: 1
a: GET /poll/s.b1
a< capture T = header Last-Modified
a< capture N = header Etag
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304 | no X-Nginx-PushStream-Gap

=== a channel that was never there
--- steps
? GET /poll/s {If-Modified-Since: ${NOW-60}; If-None-Match: W/1} -> 304 | X-Nginx-PushStream-Gap: 1
? GET /poll/t -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/u {If-Modified-Since: ${EPOCH}} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/v {If-Modified-Since: ${NOW+60}} -> 304 | no X-Nginx-PushStream-Gap

=== one of several channels is enough
--- steps
! next second
pub /pub?id=x x1
pub /pub?id=y y1
a: GET /poll/x/y
   If-Modified-Since: ${EPOCH}
a< capture T = header Last-Modified
a< capture N = header Etag
repeat 3: pub /pub?id=y later${i}
? GET /poll/x {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/x/y {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 200 | X-Nginx-PushStream-Gap: 1 | body "[3|y|later2][4|y|later3]"
? GET /poll/y/x {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 200 | X-Nginx-PushStream-Gap: 1
# With a backtrack the channel that has the gap has none.
? GET /poll/x/y.b1 {If-Modified-Since: ${T}; If-None-Match: ${N}} -> 200 | no X-Nginx-PushStream-Gap

=== the time limit of a long poll, too
--- http_config
push_stream_max_messages_stored_per_channel 1;
push_stream_longpolling_connection_ttl 200ms;
push_stream_message_ttl 1s;
--- timeout: 20s
--- steps
! next second
repeat 2: pub /pub?id=s m${i}
a: GET /poll/s.b1
a< capture T = header Last-Modified
json /stats?id=s stored_messages == 0 within 8s
b: GET /lp/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
b< status 304
b< header X-Nginx-PushStream-Gap: 1

=== a message says so where pages cannot see headers
--- http_config
push_stream_max_messages_stored_per_channel 2;
push_stream_header_template "H|";
push_stream_message_template "[~id~|~channel~|~text~|~tag~|~time~|~event-id~]";
push_stream_footer_template "|F";
push_stream_gap_message_text "something is missing";
--- steps
! next second
repeat 4: pub /pub?id=s m${i}
a: GET /poll/s.b1
a< no header X-Nginx-PushStream-Gap
a< capture T = header Last-Modified
set GAP = [-4||something is missing|0|${EPOCH}|]
a: GET /poll/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
b: GET /lp/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
a,b< status 200
a,b< header X-Nginx-PushStream-Gap: 1
a,b< header Etag: W/4
a,b< chunk "H|"
a,b< chunk "${GAP}"
a,b< chunk "[3|s|m3|3|${T}|]"
a,b< chunk "[4|s|m4|4|${T}|]"
a,b< chunk "|F"
a,b< end
c: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
c< status 200
c< header X-Nginx-PushStream-Gap: 1
c< chunk "H|"
c< chunk "${GAP}"
c< chunk "[3|s|m3|3|${T}|]"
c< chunk "[4|s|m4|4|${T}|]"
c< nothing 100ms
? GET /poll/s?callback=cb {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | body "H|cb([${GAP},[3|s|m3|3|${T}|],[4|s|m4|4|${T}|]]);|F"
# Without a gap there is no such message.
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/2} -> 200 | body "H|[3|s|m3|3|${T}|][4|s|m4|4|${T}|]|F"
? GET /poll/s {If-Modified-Since: ${EPOCH}} -> 200 | body "H|[3|s|m3|3|${T}|][4|s|m4|4|${T}|]|F"
d: GET /sub/s
   If-Modified-Since: ${T}
   If-None-Match: W/4
d< status 200
d< chunk "H|"
d< nothing 100ms

=== a long poll that has waited has the message before the live one
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_gap_message_text "gap";
--- steps
a: GET /lp/s
   If-Modified-Since: ${NOW-60}
b: GET /lp/s/t
   If-Modified-Since: ${NOW-60}
a,b< nothing 100ms
pub /pub?id=s m
a,b< header X-Nginx-PushStream-Gap: 1
a,b< body "[-4|gap][1|m]"

=== padding follows the message of a gap
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_gap_message_text "gap";
push_stream_padding_by_user_agent "test,0,150:larger,0,900";
--- steps
a: GET /sub/s
   User-Agent: test
   If-Modified-Since: ${NOW-60}
a< status 200
a< chunk "[-4|gap]"
a< chunk "\r\n" x 100

=== it survives a reload and the death of a worker
--- workers: 2
--- steps
! next second
repeat 4: pub /pub?id=s m${i}
a: GET /poll/s.b1
a< capture T = header Last-Modified
! reload
! wait-workers 2
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/1} -> 200 | X-Nginx-PushStream-Gap: 1
? GET /poll/s {If-Modified-Since: ${T}; If-None-Match: W/2} -> 200 | no X-Nginx-PushStream-Gap
! kill-worker all
b: GET /poll/s
   If-Modified-Since: ${T}
   If-None-Match: W/1
b< header X-Nginx-PushStream-Gap: 1
c: GET /poll/s
   If-Modified-Since: ${T}
   If-None-Match: W/2
c< status 200
c< no header X-Nginx-PushStream-Gap

=== an empty text is none
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_gap_message_text "";
--- steps
a: GET /sub/s
   If-Modified-Since: ${NOW-60}
a< status 200
a< header X-Nginx-PushStream-Gap: 1
a< nothing 100ms
pub /pub?id=s m
a< chunk "[1|m]"

=== an event id that is nowhere stored is a gap, one that is there is none
--- steps
pub /pub?id=s m1
   Event-Id: A
pub /pub?id=s m2
   Event-Id: B
? GET /poll/s {Last-Event-Id: A} -> 200 | body "[2|s|m2]" | no X-Nginx-PushStream-Gap
? GET /poll/s {Last-Event-Id: B} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s {Last-Event-Id: nobody} -> 304 | X-Nginx-PushStream-Gap: 1
pub /pub?id=s m3
   Event-Id: C
? GET /poll/s {Last-Event-Id: A} -> 304 | X-Nginx-PushStream-Gap: 1
? GET /poll/s {Last-Event-Id: B} -> 200 | body "[3|s|m3]" | no X-Nginx-PushStream-Gap
# Stored in one of the channels is enough, if the others have lost nothing behind it; a backtrack does not look for it.
? GET /poll/t/s {Last-Event-Id: B} -> 200 | X-Nginx-PushStream-Gap: 1
pub /pub?id=s m4
   Event-Id: D
? GET /poll/t/s {Last-Event-Id: D} -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/t/s {Last-Event-Id: C} -> 200 | no X-Nginx-PushStream-Gap | body "[4|s|m4]"
? GET /poll/t/u {Last-Event-Id: B} -> 304 | X-Nginx-PushStream-Gap: 1
? GET /poll/s.b1 {Last-Event-Id: A} -> 200 | no X-Nginx-PushStream-Gap
# An empty one is none. With a time the time decides.
? GET /poll/s {Last-Event-Id: } -> 304 | no X-Nginx-PushStream-Gap
? GET /poll/s {Last-Event-Id: nobody; If-Modified-Since: ${NOW+60}} -> 304 | no X-Nginx-PushStream-Gap
a: GET /sub/s
   Last-Event-Id: A
b: GET /sub/s
   Last-Event-Id: D
a,b< status 200
a< header X-Nginx-PushStream-Gap: 1
b< no header X-Nginx-PushStream-Gap
