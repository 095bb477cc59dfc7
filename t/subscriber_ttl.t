# push_stream_subscriber_connection_ttl: a stream ends, in order, so long after it began.
--- http_config
push_stream_subscriber_connection_ttl 600ms;

=== the final chunk comes in time, the connection stays usable
--- steps
a: GET /sub/s
a< status 200
a< bytes "0\r\n\r\n"
a< took 550ms..1200ms
a< end
a< open
json! /stats subscribers == 0
a: GET /poll/s @keep
a< status 304

=== messages do not prolong it
--- steps
a: GET /sub/s
a< status 200
! wait 300ms
pub /pub?id=s m
a< chunk "m"
a< end
a< took 550ms..1200ms

=== HTTP/1.0 ends with the connection
--- steps
a: GET /sub/s @1.0
a< status 200
a< EOF
a< took 550ms..1200ms

=== the footer comes before the end
--- http_config
push_stream_subscriber_connection_ttl 300ms;
push_stream_footer_template "FOOTER";
--- steps
a: GET /sub/s
a< status 200
a< bytes "6\r\nFOOTER\r\n0\r\n\r\n"
json! /stats subscribers == 0

=== each location has its own
--- http_config
push_stream_subscriber_connection_ttl 10m;
--- extra_config
location ~ ^/short/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_connection_ttl 300ms;
}
--- steps
a: GET /sub/s
b: GET /short/s
a,b< status 200
b< end
b< took 250ms..900ms
a< nothing 300ms
