# A reload ends the subscribers in order and at once, and keeps everything that is stored.
--- workers: 2
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_ping_message_interval 10m;
push_stream_subscriber_connection_ttl 10m;

=== streams end with the final chunk
--- steps
a: GET /sub/x @worker 1
b: GET /sub/x @worker 2
c: GET /sub/x @1.0
a,b,c< status 200
pub /pub?id=x before
a,b,c< text [1|before]
! reload
a,b,c< end within 1s
a,b,c< EOF
! wait-workers 2
json /stats subscribers == 0, by_worker.length == 2

=== with the footer
--- http_config
push_stream_footer_template "FOOTER";
--- steps
a: GET /sub/x
a< status 200
! reload
a< bytes "6\r\nFOOTER\r\n0\r\n\r\n"
a< EOF

=== long polls end as at their time limit
--- steps
! next second
a: GET /lp/x @worker 1
b: GET /lp/x @worker 2
a,b< nothing 100ms
! reload
a,b< status 304
a,b< header Etag: W/0
a,b< header Last-Modified ~ GMT$
a,b< end
a,b< EOF
! wait-workers 2
json /stats subscribers == 0

=== stored messages, counters and ids go on
--- steps
repeat 3: pub /pub?id=x m${i}
pub /pub?id=y other
! reload
! wait-workers 2
json! /stats channels == 2, published_messages == 4, stored_messages == 4
? GET /poll/x.b9 -> 200 | body [1|m1][2|m2][3|m3]
pub /pub?id=x m4
? GET /poll/x.b2 -> 200 | body [3|m3][4|m4]
json! /stats?id=x published_messages == 4

=== a subscriber resumes by its cursor and misses nothing
--- steps
! next second
pub /pub?id=x m1
a: GET /lp/x.b1
a< body [1|m1]
a< capture T = header Last-Modified
a< capture N = header Etag
b: GET /lp/x
   If-Modified-Since: ${T}
   If-None-Match: ${N}
b< nothing 100ms
! reload
b< status 304
b< capture T = header Last-Modified
b< capture N = header Etag
pub /pub?id=x m2
pub /pub?id=x m3
c: GET /sub/x
   If-Modified-Since: ${T}
   If-None-Match: ${N}
c< chunk "[2|m2]"
c< chunk "[3|m3]"
pub /pub?id=x m4
c< chunk "[4|m4]"
c< nothing 100ms

=== subscribers of the new workers get what old and new publishers publish
--- steps
a: POST /pub?id=x @worker 1
   Content-Length: 10
   body "half "
! reload
b: GET /sub/x
b< status 200
a> "more."
a< status 200
a< done
a< EOF
b< chunk "[1|half more.]"
! wait-workers 2
pub /pub?id=x new
b< chunk "[2|new]"

=== four times in a row, with subscribers each time
--- steps
a: GET /sub/x
a< status 200
! reload
b: GET /sub/x
b< status 200
! reload
c: GET /sub/x
c< status 200
! reload
d: GET /sub/x
d< status 200
a,b,c< end
! wait-workers 2
pub /pub?id=x m
d< chunk "[1|m]"
json /stats subscribers == 1, by_worker.length == 2

=== other settings apply to what comes then
--- workers: 1
--- http_config
push_stream_message_template "A[~text~]";
push_stream_max_messages_stored_per_channel 5;
--- reload_http_config
push_stream_message_template "B[~text~]";
push_stream_max_messages_stored_per_channel 2;
--- steps
repeat 4: pub /pub?id=x m${i}
? GET /poll/x.b2 -> 200 | body A[m3]A[m4]
! reload changed
! wait-workers 1
# Stored messages are rendered with the template of now.
? GET /poll/x.b2 -> 200 | body B[m3]B[m4]
? POST /pub?id=x "m5" -> 200 | json stored_messages == 2
? GET /poll/x.b9 -> 200 | body B[m4]B[m5]

=== another zone size is not taken, and said
--- http_config
push_stream_shared_memory_size 10m;
--- reload_http_config
push_stream_shared_memory_size 20m;
--- steps
pub /pub?id=x kept
! reload changed
! wait-workers 2
json! /stats stored_messages == 1
? GET /poll/x.b1 -> 200 | body kept
--- error_log: Cannot change memory area size without restart, ignoring change on zone: push_stream_module

=== the summary names the new worker only
--- workers: 1
--- steps
a: GET /sub/x
a< status 200
! reload
! wait-workers 1
json /stats by_worker.length == 1, by_worker[0].pid == ${PID1}

=== who comes while the worker leaves is counted out again
--- steps
a: connect @worker 1
a> "GET /sub/late HTTP/1.1\r\nHost: localhost\r\n"
# The same worker: when it answers this, it has read that.
b: GET /sub/x @worker 1
b< status 200
! reload
b< end within 1s
a> "\r\n"
a< status 200
a< end within 2s
! wait-workers 2
json /stats subscribers == 0
json /stats?id=late subscribers == 0
pub /pub?id=late later
json /stats messages_in_trash == 0
