# The runner itself, on an nginx without the module: what its steps accept and what they refuse.
--- no_module
--- config
location = /hello { return 200 "hello, world"; }
location = /none { return 204; }
location = /old { add_header Etag 7 always; return 304; }
location = /close { keepalive_timeout 0; return 200 bye; }
location = /json { default_type application/json; return 200 '{"a": 1, "list": [{"b": "x"}]}'; }

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
