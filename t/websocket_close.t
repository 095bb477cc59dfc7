# How a WebSocket ends: the client's close is answered, the server's has its code, and nothing is read as HTTP.
--- extra_config
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_websocket_allow_publish on;
}
--- no_error_log: client sent invalid

=== an empty close
--- steps
a: WS /ws/s
a< status 101
a> frame close
a< bytes "\x88\x00"
a< end
json! /stats subscribers == 0
b: WS /ws/s
b< status 101
b> frame close unmasked
b< frame close
b< end

=== the code comes back
--- steps
a: WS /ws/s
a< status 101
a> frame close 1000
a< bytes "\x88\x02\x03\xe8"
a< end
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
e: WS /ws/s
f: WS /ws/s
b,c,d,e,f< status 101
json! /stats subscribers == 5
b> frame close 1001 "h\xc3\xa4"
c> frame close 3000 "reason"
d> frame close 4999
e> frame close unmasked 1011
f> slowly frame close 1003 "slow"
b< frame close 1001
c< frame close 3000
d< frame close 4999
e< frame close 1011
f< frame close 1003
b,c,d,e,f< end
json! /stats subscribers == 0

=== half a code is none
--- steps
a: WS /ws/s
a< status 101
a> frame close "\x03"
a< bytes "\x88\x00"
a< end

=== codes that no frame may carry
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
d: WS /ws/s
e: WS /ws/s
f: WS /ws/s
g: WS /ws/s
a,b,c,d,e,f,g< status 101
a> frame close 0
b> frame close 999
c> frame close 1004
d> frame close 1005
e> frame close 1006
f> frame close 2999
g> frame close 5000 "reason"
a,b,c,d,e,f,g< frame close 1002
a,b,c,d,e,f,g< end
json! /stats subscribers == 0

=== a reason that is no UTF-8
--- steps
a: WS /ws/s
a< status 101
a> frame close 1000 "\xc3\x28"
a< frame close 1007
a< end

=== what follows a close is not looked at
--- steps
a: WS /ws/s
b: WS /ws/s
a,b< status 101
a> frame close 1000
   frame text "after"
   frame ping "after"
   "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"
a< frame close 1000
a< end
b< nothing 100ms
c: WS /ws/s
   frame close
   "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"
c< status 101
c< frame close
c< end
! access-log "/ws/s HTTP/1.1\" 101"
json! /stats?id=s published_messages == 0, subscribers == 1

=== the client just goes
--- steps
a: WS /ws/s
b: WS /ws/s
c: WS /ws/s
a,b,c< status 101
json! /stats?id=s subscribers == 3
ax
json /stats?id=s subscribers == 2
b half-close
b< gone
json /stats?id=s subscribers == 1
c> "\x81"
cx
json /stats?id=s subscribers == 0

=== the time is over
--- http_config
push_stream_subscriber_connection_ttl 1s;
push_stream_footer_template "FOOTER";
--- steps
a: WS /ws/s
a< status 101
pub /pub?id=s m
a< frame text "m"
a< frame text "FOOTER"
a< bytes "\x88\x00"
# The counters are right before the last bytes are out.
json! /stats subscribers == 0
json! /stats?id=s subscribers == 0
a< end
a< took 900ms..2s

=== the time is over, without a footer
--- http_config
push_stream_subscriber_connection_ttl 300ms;
--- steps
a: WS /ws/s
a< status 101
a< bytes "\x88\x00"
json! /stats subscribers == 0
a< end

=== the last of its channels is deleted
--- http_config
push_stream_message_template "[~id~|~channel~|~text~]";
push_stream_footer_template "FOOTER";
--- steps
a: WS /ws/s
b: WS /ws/s/t
a,b< status 101
? DELETE /pub?id=s "gone away" -> 200
a,b< frame text "[-2|s|gone away]"
a< frame text "FOOTER"
a< bytes "\x88\x00"
json! /stats subscribers == 1
a< end
b< nothing 100ms
pub /pub?id=t m
b< frame text "[1|t|m]"
? DELETE /pub?id=t -> 200
b< frame text "[-2|t|Channel deleted]"
b< frame text "FOOTER"
b< frame close
b< end
json! /stats subscribers == 0

=== the answer of the client to the server's close is no surprise
--- http_config
push_stream_subscriber_connection_ttl 200ms;
--- steps
a: WS /ws/s
a< frame close
a> frame close
a< end
b: WS /ws/s
   frame text "m"
b< frame text "m"
b< last frame close
