# Padding by user agent: short pieces of a stream are followed by filler of exact length.
--- http_config
push_stream_message_template "~text~";

=== the header is filled up by groups
--- http_config
push_stream_header_template "0123456789";
push_stream_padding_by_user_agent "[T|t]est 1,1024,0:[T|t]est 2,4097,0";
--- steps
a: GET /sub/s
   User-Agent: a Test 1 browser
a< status 200
a< chunk "0123456789"
a< chunk "\r\n" x 550
b: GET /sub/s
   User-Agent: test 2
b< status 200
b< chunk "0123456789"
b< chunk "\n" + "\r\n" x 2048
c: GET /sub/s
   User-Agent: test 3
c< status 200
c< chunk "0123456789"
pub /pub?id=s m
a,b,c< chunk "m"
a,b,c< nothing 100ms

=== messages are filled up by their length
--- http_config
push_stream_padding_by_user_agent "test,0,545";
--- steps
a: GET /sub/s
   User-Agent: test
a< status 200
pub /pub?id=s a
a< chunk "a"
a< chunk "\n" + "\r\n" x 272
pub /pub?id=s "a" x 105
a< chunk "a" x 105
a< chunk "\r\n" x 250
pub /pub?id=s "a" x 221
a< chunk "a" x 221
a< chunk "\r\n" x 200
pub /pub?id=s "a" x 331
a< chunk "a" x 331
a< chunk "\r\n" x 150
pub /pub?id=s "a" x 435
a< chunk "a" x 435
a< chunk "\r\n" x 100
pub /pub?id=s "a" x 446
a< chunk "a" x 446
a< chunk "\r\n" x 50
pub /pub?id=s "a" x 544
a< chunk "a" x 544
a< chunk "\r\n" x 50
pub /pub?id=s "a" x 545
a< chunk "a" x 545
pub /pub?id=s "a" x 550
a< chunk "a" x 550
a< nothing 100ms

=== the largest number of the whole configuration counts, wherever it stands
--- http_config
push_stream_padding_by_user_agent "test,0,545";
--- extra_config
location ~ ^/other/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_padding_by_user_agent "foo,1333,0";
}
--- steps
a: GET /sub/s
   User-Agent: test
a< status 200
pub /pub?id=s a
a< chunk "a"
# 544 is no longer in the hundred of the largest one.
a< chunk "\r\n" x 300
b: GET /other/s
   User-Agent: foo
b< status 200
pub /pub?id=s a
a,b< chunk "a"
a< chunk "\r\n" x 300
b< nothing 100ms

=== the rendered length counts, not that of the text
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_padding_by_user_agent "test,0,10:big,0,900";
--- steps
a: GET /sub/s
   User-Agent: test
a< status 200
pub /pub?id=s 12345
a< chunk "[1|12345]"
a< chunk "\r\n" x 50
pub /pub?id=s 123456
a< chunk "[2|123456]"
a< nothing 100ms

=== old messages, pings and the deletion are filled up, the footer is not
--- http_config
push_stream_message_template "[~id~|~text~]";
push_stream_header_template "H";
push_stream_footer_template "F";
push_stream_ping_message_interval 400ms;
push_stream_padding_by_user_agent "test,150,350:larger,700,700";
--- steps
pub /pub?id=s m1
pub /pub?id=s m2
a: GET /sub/s.b2
   User-Agent: test
a< status 200
a< chunk "H"
a< chunk "\r\n" x 100
a< chunk "[1|m1]"
a< chunk "\r\n" x 200
a< chunk "[2|m2]"
a< chunk "\r\n" x 200
a< chunk "[-1| ]"
a< chunk "\r\n" x 200
? DELETE /pub?id=s "gone" -> 200
a< chunk "[-2|gone]"
a< chunk "\r\n" x 200
a< chunk "F"
a< end

=== a header without text gets none
--- http_config
push_stream_padding_by_user_agent "test,1024,100";
--- steps
a: GET /sub/s
   User-Agent: test
a< status 200
a< nothing 200ms
pub /pub?id=s m
a< chunk "m"
a< chunk "\r\n" x 50

=== an empty piece gets none
--- http_config
push_stream_message_template "~text~";
push_stream_ping_message_text "";
push_stream_ping_message_interval 100ms;
push_stream_padding_by_user_agent "test,1024,1024";
--- steps
a: GET /sub/s
   User-Agent: test
a< status 200
a< nothing 400ms

=== the first group that matches decides
--- http_config
push_stream_padding_by_user_agent "one,0,150:two,0,350:t,0,550:";
--- steps
a: GET /sub/s
   User-Agent: two one
b: GET /sub/s
   User-Agent: two
c: GET /sub/s
   User-Agent: t
d: GET /sub/s
   User-Agent: TWO ONE
e: GET /sub/s
a,b,c,d,e< status 200
pub /pub?id=s m
a,b,c,d,e< chunk "m"
a< chunk "\r\n" x 100
b< chunk "\r\n" x 200
# In the hundred of the largest number the filler has that length.
c< chunk "\r\n" x 275
a,b,c,d,e< nothing 100ms

=== the expression is everything up to the last two numbers
--- http_config
push_stream_padding_by_user_agent "a,1,0,150:^x{2,3}y$,0,350:other,0,900";
--- steps
a: GET /sub/s
   User-Agent: b a,1 b
b: GET /sub/s
   User-Agent: xxy
c: GET /sub/s
   User-Agent: a
a,b,c< status 200
pub /pub?id=s m
a,b,c< chunk "m"
a< chunk "\r\n" x 100
b< chunk "\r\n" x 200
c< nothing 100ms

=== the agent from an argument
--- http_config
push_stream_user_agent $arg_ua;
push_stream_padding_by_user_agent "te st,0,150:larger,0,800";
--- steps
a: GET /sub/s?ua=te%20st
b: GET /sub/s
   User-Agent: te st
c: GET /sub/s?ua=
   User-Agent: te st
a,b,c< status 200
pub /pub?id=s m
a,b,c< chunk "m"
a< chunk "\r\n" x 100
# Where the directive is set the header does not count.
a,b,c< nothing 100ms

=== the other modes have none
--- http_config
push_stream_header_template "H";
push_stream_padding_by_user_agent "test,500,500";
--- steps
pub /pub?id=s m
? GET /poll/s.b1 {User-Agent: test} -> 200 | body "Hm"
? GET /lp/s.b1 {User-Agent: test} -> 200 | body "Hm"
a: GET /lp/s
   User-Agent: test
a< nothing 100ms
pub /pub?id=s live
a< body "Hlive"

=== HTTP/1.0 has the same bytes without chunks
--- http_config
push_stream_header_template "H";
push_stream_padding_by_user_agent "test,50,150:larger,0,800";
--- steps
a: GET /sub/s @1.0
   User-Agent: test
a< status 200
a< bytes "H" + "\r\n" x 50
pub /pub?id=s m
a< bytes "m" + "\r\n" x 100

=== every one of several locations and channels has its own
--- http_config
push_stream_padding_by_user_agent "test,0,150:larger,0,800";
--- extra_config
location ~ ^/other/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_padding_by_user_agent "test,0,350";
}
location ~ ^/none/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_padding_by_user_agent "";
}
--- steps
a: GET /sub/s/t
   User-Agent: test
b: GET /other/s
   User-Agent: test
c: GET /none/t
   User-Agent: test
a,b,c< status 200
pub /pub?id=s/t m
a< chunk "m"
a< chunk "\r\n" x 100
a< chunk "m"
a< chunk "\r\n" x 100
b< chunk "m"
b< chunk "\r\n" x 200
c< chunk "m"
a,b,c< nothing 100ms

=== larger numbers after a reload
--- http_config
push_stream_header_template "H";
push_stream_padding_by_user_agent "test,50,50";
--- reload_http_config
push_stream_header_template "H";
push_stream_padding_by_user_agent "test,5000,3000";
--- steps
a: GET /sub/s
   User-Agent: test
a< status 200
a< chunk "H"
a< chunk "\r\n" x 25
! reload changed
a< end
! wait-workers 1
b: GET /sub/s
   User-Agent: test
b< status 200
b< chunk "H"
b< chunk "\r\n" x 2500
pub /pub?id=s m
b< chunk "m"
b< chunk "\r\n" x 1500
b< nothing 200ms
b< open
json! /stats subscribers == 1

=== the groups are announced when the configuration is read
--- http_config
push_stream_padding_by_user_agent "[T|t]est,10,20:b,3,4";
--- steps
# nginx itself drops lines of this level at its start.
! reload
! wait-workers 1
--- error_log
push stream module: padding detected [T|t]est, header_min_len 10, message_min_len 20
push stream module: padding detected b, header_min_len 3, message_min_len 4
