# Padding of an event source: comments of exact length behind short pieces.
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }

=== the header, every message and the deletion; neither pings nor the footer
--- http_config
push_stream_footer_template "F";
push_stream_ping_message_interval 400ms;
push_stream_padding_by_user_agent "test,150,350:larger,700,700";
--- steps
pub /pub?id=s old
   Event-Id: 1
   Event-Type: t
a: GET /ev/s.b1
   User-Agent: test
a< status 200
a< chunk ": \n"
a< chunk ":" x 199 + "\n"
a< chunk "id: 1\n"
a< chunk "event: t\n"
a< chunk "data: old\n\n"
a< chunk ":" x 399 + "\n"
pub /pub?id=s live
   Event-Id: 2
a< chunk "id: 2\n"
a< chunk "data: live\n\n"
a< chunk ":" x 399 + "\n"
a< chunk ": -1\n"
? DELETE /pub?id=s -> 200
a< chunk "data: Channel deleted\n\n"
a< chunk ":" x 399 + "\n"
a< chunk ": F\n"
a< end

=== the block of data counts, with its line breaks and without id and type
--- http_config
push_stream_padding_by_user_agent "test,0,545";
--- steps
a: GET /ev/s
   User-Agent: test
a< chunk ": \n"
pub /pub?id=s a
   Event-Id: 01234567890123456789012345678901234567890123456789
a< chunk "id: 01234567890123456789012345678901234567890123456789\n"
a< chunk "data: a\n\n"
a< chunk ":" x 544 + "\n"
# 545 - 8 - 437 = 100: another hundred begins.
pub /pub?id=s "a" x 437
a< chunk "data: " + "a" x 437 + "\n\n"
a< chunk ":" x 199 + "\n"
pub /pub?id=s "a" x 438
a< chunk "data: " + "a" x 438 + "\n\n"
a< chunk ":" x 99 + "\n"
pub /pub?id=s "a" x 536
a< chunk "data: " + "a" x 536 + "\n\n"
a< chunk ":" x 99 + "\n"
pub /pub?id=s "a" x 537
a< chunk "data: " + "a" x 537 + "\n\n"
# Two lines have two names.
pub /pub?id=s "a" x 265 + "\n" + "a" x 264
a< chunk "data: " + "a" x 265 + "\ndata: " + "a" x 264 + "\n\n"
a< chunk ":" x 99 + "\n"
pub /pub?id=s "\n"
a< chunk "\n"
a< chunk ":" x 544 + "\n"
a< nothing 100ms

=== the largest number of the configuration is met exactly
--- http_config
push_stream_header_template "0123456789";
push_stream_padding_by_user_agent "[T|t]est 1,1024,1024:[T|t]est 2,4097,4097";
--- steps
a: GET /ev/s
   User-Agent: Test 1
b: GET /ev/s
   User-Agent: a test 2
c: GET /ev/s
   User-Agent: test 3
a,b,c< chunk ": 0123456789\n"
a< chunk ":" x 1099 + "\n"
b< chunk ":" x 4096 + "\n"
pub /pub?id=s m
a,b,c< chunk "data: m\n\n"
a< chunk ":" x 1099 + "\n"
b< chunk ":" x 4096 + "\n"
a,b,c< nothing 100ms

=== a stream beside it has line breaks of the same length
--- http_config
push_stream_padding_by_user_agent "test,0,350:larger,0,900";
--- steps
a: GET /ev/s
   User-Agent: test
b: GET /sub/s
   User-Agent: test
a< chunk ": \n"
b< status 200
pub /pub?id=s m
a< chunk "data: m\n\n"
a< chunk ":" x 399 + "\n"
b< chunk "m"
b< chunk "\r\n" x 200

=== several channels, one deleted
--- http_config
push_stream_padding_by_user_agent "test,0,150:larger,0,900";
--- steps
pub /pub?id=c1 m
a: GET /ev/c1/c2
   User-Agent: test
a< chunk ": \n"
pub /pub?id=c1/c2 m
a< chunk "data: m\n\n"
a< chunk ":" x 199 + "\n"
a< chunk "data: m\n\n"
a< chunk ":" x 199 + "\n"
? DELETE /pub?id=c1 -> 200
a< chunk "data: Channel deleted\n\n"
a< chunk ":" x 199 + "\n"
a< nothing 100ms

=== a gap is filled up, the time to reconnect is not
--- http_config
push_stream_eventsource_retry 1s;
push_stream_gap_message_text "gap";
push_stream_padding_by_user_agent "test,150,250:larger,700,700";
--- steps
a: GET /ev/s
   User-Agent: test
   Last-Event-ID: nobody
a< header X-Nginx-PushStream-Gap: 1
a< chunk ": \n"
a< chunk ":" x 199 + "\n"
a< chunk "retry: 1000\n"
a< chunk "event: gap\n"
a< chunk "data: gap\n\n"
a< chunk ":" x 299 + "\n"
a< nothing 100ms

=== HTTP/1.0, and polls have none
--- http_config
push_stream_padding_by_user_agent "test,50,150:larger,0,900";
--- steps
a: GET /ev/s @1.0
   User-Agent: test
a< status 200
a< bytes ": \n" + ":" x 99 + "\n"
pub /pub?id=s m
   Event-Id: 1
a< bytes "id: 1\ndata: m\n\n" + ":" x 199 + "\n"
? GET /ev/s.b1 {User-Agent: test; X-Nginx-PushStream-Mode: polling} -> 200 | body ": \nid: 1\ndata: m\n\n"
