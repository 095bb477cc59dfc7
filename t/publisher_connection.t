# A publisher's connection: HTTP versions, keep-alive, pipelining.

=== HTTP/1.0 closes
--- steps
a: POST /pub?id=a @1.0
   body "x"
a< status 200
a< header Connection: close
a< header Content-Length ~ ^\d+$
a< done
a< EOF

=== HTTP/1.0 with keep-alive does not
--- steps
a: POST /pub?id=a @1.0
   Connection: keep-alive
   body "x"
a< status 200
a< header Connection: keep-alive
a< done
a: GET /pub?id=a @keep
a< status 200
a< done
a< open

=== Connection: close is kept to
--- table
POST /pub?id=a {Connection: close} "x" -> 200 | close
GET  /pub {Connection: close}          -> 400 | close

=== hundreds of requests on one connection
--- steps
repeat 300: ? POST /pub?id=a "m${i}" -> 200 | json published_messages == ${i} | Connection: keep-alive

=== pipelined requests are answered in order
--- steps
a: connect
a> "POST /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nonePUT /pub?id=a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwoGET /pub?id=a HTTP/1.1\r\nHost: x\r\n\r\nDELETE /pub?id=a HTTP/1.1\r\nHost: x\r\n\r\nGET /pub?id=a HTTP/1.1\r\nHost: x\r\n\r\n"
a< body ~ "published_messages": 1,
a< next
a< body ~ "published_messages": 2,
a< next
a< body ~ "published_messages": 2,
a< next
a< status 200
a< explain Channel deleted.
a< done
a< next
a< status 404
a< end
a< open
