# The runner itself, on an nginx without the module: what its steps accept and what they refuse.
--- no_module
--- config
location = /hello { return 200 "hello, world"; }
location = /none { return 204; }
location = /old { add_header Etag 7 always; return 304; }
location = /close { keepalive_timeout 0; return 200 bye; }
# A server that says what it was asked to say: the bytes behind /ws/.
location ~ ^/ws/(.*)$ { return 101 $1; }
location = /json { default_type application/json; return 200 '{"a": 1, "list": [{"b": "x"}]}'; }

=== fails when a worker has taken too much memory
--- steps
! memory mark
! memory grew below 100m
! memory grew below 0m
--- fails: has taken 0 kB

=== a request and what can be said about its answer
--- steps
a: GET /hello
a< status 200
a< header Content-Length: 12
a< header Content-Type ~ ^text/
a< no header Etag
a< text hello
a< text world
a< end
a: GET /hello @keep
a< body "hello, world"
a< bytes ""
a< open
a: GET /close
a< status 200
a< done
a< EOF

=== the bytes of several answers on one connection
--- steps
a: connect
a> "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
a< status 200
a< bytes "hello, world"
a< end
a< next
a< body hello, world
a< end

=== a table of requests on one connection
--- table
GET /hello                                   -> 200 | Content-Length: 12 | body "hello, world"
HEAD /hello                                  -> 200 | body ""
GET /json {Accept: x/y; Foo: bar}            -> 200 | json a == 1 | json list.length == 1 | json list[0].b == x
GET /old                                     -> 304 | Etag: 7 | no Content-Encoding
GET /close                                   -> 200 | close | body bye

=== workers are told apart by their pids
--- workers: 3
--- steps
a: GET /hello @worker 1
b: GET /hello @worker 2
c: GET /hello @worker 2
a< pid != b
b< pid == c
a,b,c< body "hello, world"
! kill-worker a
! wait-workers 3
a< gone
! reload
! wait-workers 3

=== captured values and clocks
--- steps
a: GET /hello
a< capture LENGTH = header Content-Length
a< capture WORD = body ~ hello, (\w+)
set BOTH = ${LENGTH} ${WORD}
set DATE = ${NOW-1}
set LATER = ${NOW+1}
? GET /ws/${DATE:unix},${LATER:unix} {Connection: close} -> 101 | body ~ ^\d{10},\d{10}$
? GET /hello {X-Now: ${NOW-5}} -> 200 | body "hello, ${WORD}" | Content-Length: ${LENGTH}
json /json a == 1, list[0].b == x, status == 200

=== fails when the status is another
--- steps
a: GET /hello
a< status 404
--- fails: status 200

=== fails when something comes that should not
--- steps
a: GET /hello
a< nothing 200ms
--- fails: expected nothing, got a status 200

=== fails when the text does not come
--- steps
a: GET /hello
a< text goodbye within 100ms
--- fails: expected "goodbye", but the response is complete

=== fails when the response has more than was looked at
--- steps
a: GET /hello
a< text hello
a< end
--- fails: the response has more than expected: ", world"

=== fails when a worker died that nobody killed
--- config
location / { return 200 $pid; }
--- steps
a: GET /
a< capture PID = body
! signal USR1
? GET / -> 200
a: GET /nowhere @worker 9
--- fails: no worker 9

=== fails on an alert in the error log
--- main_config
worker_rlimit_nofile 2000000000;
--- steps
? GET /hello -> 200
--- fails: log:

=== an alert may be allowed, and a line may be wanted
--- main_config
worker_rlimit_nofile 2000000000;
--- allow_error_log: setrlimit\(RLIMIT_NOFILE, 2000000000\) failed
--- error_log: setrlimit(
--- steps
? GET /hello -> 200

=== configuration tests put directives into slots
--- http_config
{http}
--- config
{server}
--- nginx_t
server   | return 99999;         -> fails invalid return code
http     | sendfile off;         -> ok test is successful
http, server | sendfile off; || sendfile on;  -> ok

=== another configuration after a reload
--- reload_config
location = /hello { return 200 "good day"; }
--- steps
? GET /hello -> 200 | body "hello, world"
! reload changed
! wait-workers 1
? GET /hello -> 200 | body "good day"

=== frames, bytes and text are one stream
--- steps
set LONG = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
a: WS /ws/%81%05hello%89%01p%8A%01q%81%03key%82%7E%01%01${LONG}${LONG}${LONG}${LONG}!%02%01h%80%01i%88%05%03%E8bye
a< status 101
a< frame text "hello"
a< frame ping "p"
a< bytes "\x8a\x01q"
a< text key
a< frame binary "x" x 256 + "!"
a< frame binary fin=0 "h"
a< capture I = frame
a< frame close 1000 ~ ^b.e$
a< nothing 50ms
a< open
a< count 1 "hello"
? GET /hello?${I} -> 200

=== a deflated frame, and the window it needs
--- steps
set FRAME = %C1%3E%EC%D4%C1%11%80%20%0C%04%C0%56%AE%B5%84%41%41%31%87%8E%0C%B1%7B%5F%74%91%CF%96%B0%FE%35%F6%42%CB%10%51%4D%41%10%04%8B%C2%37%37%E8%C3%69%38%C6%D5%AB%ED%B8%47%4D%27%36%3A%A6%38%7C%05%F2%03
a: WS /ws/${FRAME}
b: WS /ws/${FRAME}
a< frame text deflated "xylophone " + "aabbc" x 209 + "hotel brown jumping quick fox wax xylophone"
b< frame text deflated window=11 ~ xylophone$

=== fails when a deflated frame needs a larger window
--- steps
a: WS /ws/%C1%3E%EC%D4%C1%11%80%20%0C%04%C0%56%AE%B5%84%41%41%31%87%8E%0C%B1%7B%5F%74%91%CF%96%B0%FE%35%F6%42%CB%10%51%4D%41%10%04%8B%C2%37%37%E8%C3%69%38%C6%D5%AB%ED%B8%47%4D%27%36%3A%A6%38%7C%05%F2%03
a< frame text deflated window=10 ~ xylophone$
--- fails: does not inflate

=== fails when a frame is another
--- steps
a: WS /ws/%81%05hello
a< frame text "hallo"
--- fails: payload is "hello", wanted "hallo"

=== fails when a frame is of another kind
--- steps
a: WS /ws/%88%05%03%E8bye
a< frame close 1001 bye
--- fails: expected close 1001 bye, got close 1000 "bye"

=== fails when a frame is deflated that should not be
--- steps
a: WS /ws/%C1%05hello
a< frame text ~ hello
--- fails: expected text ~ hello, got text rsv=4 "hello"

=== fails when the last frame is another
--- steps
a: WS /ws/%81%05hello%88%02%03%E8
   Connection: close
b: WS /ws/%81%05hello%88
   Connection: close
a< last frame close 1000
b< last frame text hello
--- fails: half a frame at the end: "\x88"

=== fails when a frame stays unread
--- steps
a: WS /ws/%81%05hello%81%03two
   Connection: close
   Sec-WebSocket-Key: own
a< frame text "hello"
a< end
--- fails: the response has more than expected: "\x81\x03two"

=== fails when a frame from the server is masked
--- steps
a: WS /ws/%81%85abcdhello
a< frame text hello
--- fails: a masked frame from the server

=== a handshake as the server sees it
--- http_config
log_format handshake '<$http_connection, $http_upgrade, $http_sec_websocket_key, $http_sec_websocket_version, $http_x_own>';
--- extra_config
access_log access.log handshake;
--- steps
a: WS /hello
b: WS /hello
   no Upgrade
   Sec-WebSocket-Version: 8
   X-Own: 1
a,b< status 200
! access-log <Upgrade, websocket, dGhlIHNhbXBsZSBub25jZQ==, 13, ->
! access-log <Upgrade, -, dGhlIHNhbXBsZSBub25jZQ==, 8, 1>
? WS /hello {no Connection} -> 200
! access-log <-, websocket, dGhlIHNhbXBsZSBub25jZQ==, 13, ->

=== frames as the server sees them
--- http_config
lingering_timeout 100ms;
--- steps
# It takes them for a request and logs what it got at once.
a: WS /ws/hello
   frame text "Hello"
! access-log "\"\\x81\\x857\\xFA!=\\x7F\\x9FMQX\" 400"
b: connect
b> frame text fin=0 unmasked "Hel"
   frame continuation rsv=2 key=01020304 "lo"
   frame close 1000 "bye"
   frame opcode=11 unmasked len16 length=300 "x"
   frame binary unmasked length=70000
   frame text unmasked deflated "Hello"
   "raw"
! access-log "\"\\x01\\x03Hel\\xA0\\x82\\x01\\x02\\x03\\x04mm\\x88\\x857\\xFA!=4\\x12CDR\\x8B~\\x01,x\\x82\\x7F\\x00\\x00\\x00\\x00\\x00\\x01\\x11p\\xC1\\x07\\xF2H\\xCD\\xC9\\xC9\\x07\\x00raw\" 400"
c: connect
c> slowly frame text unmasked "Hello"
! access-log "\"\\x81\" 400"
