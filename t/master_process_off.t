# One process for everything (master_process off): all roles work, and it ends in order.
--- main_config
master_process off;
--- http_config
push_stream_message_template "[~id~|~text~]";

=== publish, subscribe, statistics
--- steps
a: GET /sub/s
a< status 200
b: GET /lp/s
b< nothing 100ms
json! /stats subscribers == 2, by_worker.length == 1, by_worker[0].subscribers == 2
json! /stats by_worker[0].pid == ${MASTER}
pub /pub?id=s m1
a< chunk "[1|m1]"
b< body "[1|m1]"
? GET /poll/s.b1 -> 200 | body "[1|m1]"
? DELETE /pub?id=s "gone" -> 200
a< chunk "[-2|gone]"
a< end
json! /stats subscribers == 0, channels == 0

=== timers run
--- timeout: 20s
--- http_config
push_stream_message_template "[~id~]";
push_stream_ping_message_interval 200ms;
push_stream_subscriber_connection_ttl 500ms;
push_stream_message_ttl 1s;
push_stream_channel_inactivity_time 1s;
--- steps
pub /pub?id=s m
a: GET /sub/s
b: GET /lp/s
a< chunk "[-1]"
a< chunk "[-1]"
a< end
b< status 304
json /stats stored_messages == 0 within 7s
json /stats channels == 0 within 7s

=== quit
--- http_config
push_stream_footer_template "F";
--- steps
a: GET /sub/s
a< status 200
b: GET /lp/s
b< nothing 100ms
! quit
a< bytes "1\r\nF\r\n0\r\n\r\n" within 1s
b< status 304
! exited within 2s

=== stop
--- steps
a: GET /sub/s
a< status 200
b: GET /lp/s
b< nothing 100ms
! stop
a< bytes "0\r\n\r\n" within 1s
b< status 304
! exited within 2s

=== the events channel
--- http_config
push_stream_events_channel_id events;
push_stream_allow_connections_to_events_channel on;
--- steps
e: GET /sub/events
e< status 200
pub /pub?id=s m
e< chunk "{\"type\": \"channel_created\", \"channel\": \"s\"}"
