# kill -9 of a worker: its connections are gone, everything else goes on, the numbers are right again.
--- workers: 2
--- http_config
push_stream_message_template "[~id~|~text~]";

=== while it holds subscribers
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
c: GET /lp/x @worker 1
a,b< status 200
c< nothing 100ms
json /stats subscribers == 3
pub /pub?id=x m1
a,b< chunk "[1|m1]"
c< body [1|m1]
! kill-worker a
a< gone
json /stats subscribers == 1, by_worker.length == 2 within 2s
json /stats?id=x subscribers == 1, stored_messages == 1
pub /pub?id=x m2
b< chunk "[2|m2]"
d: GET /sub/x @worker 1
e: GET /sub/x.b2 @worker 2
d,e< status 200
e< chunk "[1|m1]"
e< chunk "[2|m2]"
pub /pub?id=x m3
b,d,e< chunk "[3|m3]"
json /stats?id=x subscribers == 3
bx
dx
ex
json /stats?id=x subscribers == 0
--- error_log: has died; subscriptions taken out of the zone: 1

=== all workers at once
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
a,b< status 200
pub /pub?id=x m1
! kill-worker all
a,b< gone
json /stats subscribers == 0, by_worker.length == 2, stored_messages == 1 within 2s
json /stats?id=x subscribers == 0
? GET /poll/x.b1 -> 200 | body [1|m1]
c: GET /sub/x @worker 1
c< status 200
pub /pub?id=x @worker 2 m2
c< chunk "[2|m2]"

=== the successor takes its slot: it is woken
--- steps
a: GET /sub/x @worker 2
a< status 200
! kill-worker a
b: GET /sub/x @worker 1
c: GET /sub/x @worker 2
b,c< status 200
pub /pub?id=x @worker 1 one
b,c< chunk "[1|one]"
pub /pub?id=x @worker 2 two
b,c< chunk "[2|two]"

=== by_worker shows the new pid
--- steps
json /stats by_worker.length == 2
! kill-worker 1
json /stats by_worker.length == 2 within 2s
d: GET /stats
d< body ~ "pid": "${PID1}"
d< body ~ "pid": "${PID2}"

=== again and again
--- steps
a: GET /sub/x @worker 1
a< status 200
repeat 5: pub /pub?id=x m
! kill-worker 2
pub /pub?id=x m
! kill-worker 2
pub /pub?id=x m
repeat 7: a< text |m]
a< nothing 100ms
json! /stats?id=x published_messages == 7, stored_messages == 7

=== reload after a kill, kill after a reload
--- steps
a: GET /sub/x @worker 1
a< status 200
pub /pub?id=x kept
! kill-worker 2
! reload
a< text [1|kept]
a< end
! wait-workers 2
! kill-worker 1
b: GET /sub/x.b1
b< chunk "[1|kept]"
json /stats subscribers == 1, stored_messages == 1, by_worker.length == 2 within 2s
