# Pings: a message -1 after every interval of silence, in streaming only.
--- http_config
push_stream_message_template "[~id~|~channel~|~text~|~size~|~tag~|~time~|~event-id~|~event-type~]";
push_stream_ping_message_interval 400ms;

=== one space by default
--- steps
a: GET /sub/s
a< status 200
a< chunk "[-1|| |1|0|Thu, 01 Jan 1970 00:00:00 GMT||]"
a< took 350ms..1200ms
a< chunk "[-1|| |1|0|Thu, 01 Jan 1970 00:00:00 GMT||]"
a< took 700ms..2s

=== another text
--- http_config
push_stream_ping_message_text "still here";
push_stream_ping_message_interval 200ms;
--- steps
a: GET /sub/s
a< status 200
a< chunk "still here"
a< chunk "still here"

=== an empty text with a bare template sends nothing and breaks nothing
--- http_config
push_stream_ping_message_text "";
push_stream_ping_message_interval 100ms;
--- steps
a: GET /sub/s
a< status 200
a< nothing 500ms
pub /pub?id=s m
a< chunk "m"

=== a live message restarts the interval
--- http_config
push_stream_message_template "[~id~]";
push_stream_ping_message_interval 1s;
--- steps
a: GET /sub/s
a< status 200
repeat 8: ? POST /pub?id=s "m${i}" -> 200
! wait 600ms
pub /pub?id=s m
repeat 9: a< chunk "[${i}]"
a< nothing 600ms
a< chunk "[-1]"
a< took 1500ms..2500ms

=== a long poll gets none
--- steps
a: GET /lp/s
a< nothing 1s
