# Header and footer templates in every mode, from the configuration and from a file.
--- http_config
push_stream_message_template "[~text~]";

=== every mode has them, as they are
--- http_config
push_stream_header_template "<~id~ $uri \"\\\"\r\n\t>";
push_stream_message_template "[~text~]";
push_stream_footer_template "~text~ $arg_x\n";
push_stream_subscriber_connection_ttl 400ms;
push_stream_longpolling_connection_ttl 10s;
--- steps
pub /pub?id=s m
a: GET /sub/s.b1
b: GET /lp/s.b1
c: GET /poll/s.b1
a,b,c< chunk "<~id~ $uri \"\\\"\r\n\t>"
a,b,c< chunk "[m]"
a,b,c< chunk "~text~ $arg_x\n"
a,b,c< end
# A 304 has no body, so none of them.
? GET /poll/s -> 304 | body ""

=== a location's own, and none
--- http_config
push_stream_header_template "H";
push_stream_message_template "[~text~]";
push_stream_footer_template "F";
--- extra_config
location ~ ^/own/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_header_template "own ";
    push_stream_footer_template " own";
}
location ~ ^/none/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_header_template "";
    push_stream_footer_template "";
}
--- table
POST /pub?id=s "m"  -> 200
GET  /poll/s.b1     -> 200 | body "H[m]F"
GET  /own/s.b1      -> 200 | body "own [m] own"
GET  /none/s.b1     -> 200 | body "[m]"

=== only a footer
--- http_config
push_stream_footer_template "F";
push_stream_subscriber_connection_ttl 200ms;
--- steps
a: GET /sub/s
a< status 200
a< bytes "1\r\nF\r\n0\r\n\r\n"

=== from a file: absolute, byte for byte
--- http_config
push_stream_header_template_file ${ROOT}/t/header.html;
push_stream_message_template "[~text~]";
push_stream_footer_template "F";
--- steps
pub /pub?id=s m
a: GET /sub/s
b: GET /poll/s.b1
a,b< status 200
a,b< chunk "<html>\n<body>\n"
b< chunk "[m]"
b< chunk "F"
c: GET /lp/s
c< nothing 100ms
pub /pub?id=s live
c< body "<html>\n<body>\n[live]F"

=== from a file: relative to nginx's prefix, where it finds its own configuration
--- http_config
push_stream_header_template_file nginx.conf;
--- steps
a: GET /sub/s
a< status 200
a< chunk ~ push_stream_header_template_file nginx\.conf;

=== from a file: relative to the working directory where the prefix has none
--- http_config
push_stream_header_template_file t/header.html;
--- steps
a: GET /sub/s
a< status 200
a< chunk "<html>\n<body>\n"

=== files and texts of different levels: the innermost wins
--- http_config
push_stream_header_template_file ${ROOT}/t/header.html;
push_stream_message_template "[~text~]";
--- extra_config
location ~ ^/text/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_header_template "text ";
    location ~ ^/text/file/(.*)$ {
        push_stream_subscriber polling;
        push_stream_channels_path $1;
        push_stream_header_template_file ${ROOT}/t/header.html;
    }
}
--- table
POST /pub?id=s "m"     -> 200
GET  /poll/s.b1        -> 200 | body "<html>\n<body>\n[m]"
GET  /text/s.b1        -> 200 | body "text [m]"
GET  /text/file/s.b1   -> 200 | body "<html>\n<body>\n[m]"

=== at one level only one of them
--- http_config
{http}
--- nginx_t
http       | push_stream_header_template_file header.html; -> ok
subscriber | push_stream_header_template "x"; push_stream_header_template_file header.html; -> fails "push_stream_header_template_file" directive is duplicate or template set by 'push_stream_header_template'
subscriber | push_stream_header_template_file header.html; push_stream_header_template "x"; -> fails "push_stream_header_template" directive is duplicate
http       | push_stream_header_template_file ${PREFIX}/nosuch.html; -> fails /nosuch.html" for header template
http       | push_stream_header_template_file ${PREFIX}; -> fails push stream module: unable to read data from file "

=== other templates after a reload: what is stored is rendered with those of now
--- http_config
push_stream_message_template "[~text~]";
--- config
location /pub { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/a/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_header_template "HA";
    push_stream_message_template "A[~text~]";
}
location ~ ^/b/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_message_template "B[~text~]";
}
location ~ ^/c/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_message_template "C[~text~]";
}
--- reload_config
location /pub { push_stream_publisher; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/c/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_message_template "new C[~text~]";
}
location ~ ^/added/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_message_template "added[~text~]";
}
location ~ ^/b/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_message_template "B[~text~]";
}
location ~ ^/a/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_header_template "new HA";
    push_stream_message_template "A[~text~]";
    push_stream_footer_template "new FA";
}
--- steps
pub /pub?id=s m1
? GET /b/s.b1     -> 200 | body "B[m1]"
? GET /c/s.b1     -> 200 | body "C[m1]"
! reload changed
! wait-workers 1
? GET /b/s.b1     -> 200 | body "B[m1]"
? GET /c/s.b1     -> 200 | body "new C[m1]"
? GET /added/s.b1 -> 200 | body "added[m1]"
a: GET /a/s.b1
a< chunk "new HA"
a< chunk "A[m1]"
pub /pub?id=s m2
a< chunk "A[m2]"
? GET /b/s.b2     -> 200 | body "B[m1]B[m2]"
