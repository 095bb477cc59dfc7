# What is published in one worker is received in the others, and all of them show the same numbers.
--- workers: 3
--- http_config
push_stream_message_template "[~id~|~text~]";

=== a message crosses workers
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
c: GET /sub/x @worker 3
a,b,c< status 200
a< pid != b
b< pid != c
a< pid != c
pub /pub?id=x @worker 1 from one
a,b,c< chunk "[1|from one]"
pub /pub?id=x @worker 3 from three
a,b,c< chunk "[2|from three]"

=== a long poll in one worker is answered by a publish in another
--- steps
a: GET /lp/x @worker 1
a< nothing 100ms
p: POST /pub?id=x @worker 2
   body "m"
p< json subscribers == 1
a< body [1|m]
a< pid != p
json /stats subscribers == 0

=== what one worker has stored another one serves, at once
--- steps
repeat 10: pub /pub?id=x @worker 1 m${i}
a: GET /poll/x.b10 @worker 2
a< body [1|m1][2|m2][3|m3][4|m4][5|m5][6|m6][7|m7][8|m8][9|m9][10|m10]
b: GET /stats?id=x @worker 3
b< json stored_messages == 10
a< pid != b

=== publishers in all workers make one order, the same for every subscriber
--- http_config
push_stream_message_template "~id~ ";
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
a,b< status 200
repeat 20: pub /pub?id=x @worker 1 m
repeat 20: pub /pub?id=x @worker 2 m
repeat 20: pub /pub?id=x @worker 3 m
repeat 60: a< chunk "${i} "
repeat 60: b< chunk "${i} "
a,b< nothing 100ms

=== a subscriber that leaves one worker is missed in all
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
a,b< status 200
c: GET /stats?id=x @worker 3
c< json subscribers == 2
ax
json /stats?id=x subscribers == 1
json /stats subscribers == 1

=== a channel deleted in one worker is gone in all
--- steps
a: GET /sub/x @worker 1
a< status 200
p: DELETE /pub?id=x @worker 2
p< status 200
q: GET /pub?id=x @worker 3
q< status 404
a< chunk ~ Channel deleted
a< end

=== many subscribers in every worker
--- steps
a: GET /sub/x/y @worker 1
b: GET /sub/x @worker 1
c: GET /sub/y/x @worker 2
d: GET /sub/y @worker 2
e: GET /sub/z @worker 3
a,b,c,d,e< status 200
pub /pub?id=x/y both
a,c< text |both]
a,c< text |both]
b,d< chunk "[1|both]"
e< nothing 200ms
a,b,c,d< nothing 50ms

=== without a master process
--- main_config
master_process off;
--- workers: 1
--- steps
a: GET /sub/x
a< status 200
pub /pub?id=x m
a< chunk "[1|m]"
json! /stats by_worker.length == 1, subscribers == 1
