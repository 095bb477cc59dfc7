# The templates of an event source: comments and lines of data, made once when the configuration is read.

=== the lines of header and footer are comments
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template "header line 1\nheader line 2\rheader line 3\r\nheader line 4";
    push_stream_footer_template "footer 1\r\n\r\n\nfooter 2\n";
}
--- steps
a: GET /ev/s
a< status 200
a< bytes "40\r\n: header line 1\n: header line 2\n: header line 3\n: header line 4\n\r\n"
pub /pub?id=s m
a< chunk "data: m\n\n"
? DELETE /pub?id=s -> 200
a< chunk "data: Channel deleted\n\n"
a< chunk ": footer 1\n: footer 2\n"
a< end

=== one that begins as a comment stays as it is
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template ": header 1\nretry: 7\n\r\n";
    push_stream_footer_template ": footer\nx";
}
location ~ ^/almost/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template ":header";
    push_stream_footer_template ":";
}
--- steps
a: GET /ev/s
a< chunk ": header 1\nretry: 7\n\r\n"
b: GET /almost/s
b< chunk ": :header\n"
pub /pub?id=s m
a,b< chunk "data: m\n\n"
? DELETE /pub?id=s -> 200
a,b< chunk "data: Channel deleted\n\n"
a< chunk ": footer\nx"
b< chunk ": :\n"
a,b< end

=== backslash and n are no line break
--- config
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template "one\\ntwo\\r";
}
--- steps
a: GET /ev/s
a< chunk ": one\\ntwo\\r\n"

=== a header template from a file
--- config
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template_file nginx.conf;
}
--- steps
a: GET /ev/s
a< chunk ~ ^: [^\n]*\n(: [^\n]+\n)+$

=== empty ones are as if they were not there
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template "";
    push_stream_message_template "";
    push_stream_footer_template "";
}
--- steps
a: GET /ev/s
a< status 200
a< bytes "3\r\n: \n\r\n"
pub /pub?id=s "a\nb"
a< bytes "11\r\ndata: a\ndata: b\n\n\r\n"
? DELETE /pub?id=s -> 200
a< bytes "17\r\ndata: Channel deleted\n\n\r\n0\r\n\r\n"

=== the message template is applied to each line
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template '{"id":~id~,"text":"~text~"}';
}
location ~ ^/all/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template "~id~|~CHANNEL~|~Text~|~size~|~tag~|~event-id~|~event-type~|~foo~|~";
}
--- steps
! next second
a: GET /ev/s
b: GET /all/s
a,b< chunk ": \n"
pub /pub?id=s "l1\nline 2"
   Event-Id: e
   Event-Type: t
a,b< chunk "id: e\n"
a,b< chunk "event: t\n"
a< chunk "data: {\"id\":1,\"text\":\"l1\"}\ndata: {\"id\":1,\"text\":\"line 2\"}\n\n"
b< chunk "data: 1|s|l1|2|1|e|t|~foo~|~\ndata: 1|s|line 2|6|1|e|t|~foo~|~\n\n"

=== one that begins as data stays as it is, and only the first line gets a prefix
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/data/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template "data: <~text~>\ndata: ~id~\n";
}
location ~ ^/nolf/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template "data: ~text~|";
}
location ~ ^/lines/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template "~text~\ndata: ~id~";
}
location ~ ^/almost/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template "data:~text~";
}
--- steps
a: GET /data/s
b: GET /nolf/s
c: GET /lines/s
d: GET /almost/s
a,b,c,d< chunk ": \n"
pub /pub?id=s "x\ny"
a< chunk "data: <x>\ndata: 1\ndata: <y>\ndata: 1\n\n"
b< chunk "data: x|data: y|\n"
c< chunk "data: x\ndata: 1\ndata: y\ndata: 1\n\n"
d< chunk "data: data:x\ndata: data:y\n\n"

=== inherited by an if block and by inner locations they are changed once
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_header_template "H";
    push_stream_message_template "[~text~]";
    push_stream_footer_template "F";
    if ($arg_e) { push_stream_last_event_id $arg_e; }
    location ~ ^/ev/inner/(.*)$ {
        push_stream_channels_path $1;
        if ($arg_e) { push_stream_last_event_id $arg_e; }
    }
    location ~ ^/ev/again/(.*)$ {
        push_stream_subscriber eventsource;
        push_stream_channels_path $1;
    }
    location ~ ^/ev/own/(.*)$ {
        push_stream_subscriber eventsource;
        push_stream_channels_path $1;
        push_stream_message_template "<~text~>";
    }
    location ~ ^/ev/stream/(.*)$ {
        push_stream_subscriber streaming;
        push_stream_channels_path $1;
    }
}
--- steps
pub /pub?id=s m1
   Event-Id: 1
pub /pub?id=s m2
   Event-Id: 2
a: GET /ev/s?e=1
b: GET /ev/again/s.b1
c: GET /ev/own/s.b1
d: GET /ev/stream/s.b1
a,b,c< header Content-Type: text/event-stream; charset=utf-8
a,b,c< chunk ": H\n"
a,b,c< chunk "id: 2\n"
a,b< chunk "data: [m2]\n\n"
c< chunk "data: <m2>\n\n"
d< chunk "H"
d< chunk "[m2]"
pub /pub?id=s m3
a,b< chunk "data: [m3]\n\n"
c< chunk "data: <m3>\n\n"
d< chunk "[m3]"
? DELETE /pub?id=s -> 200
a,b< chunk "data: [Channel deleted]\n\n"
c< chunk "data: <Channel deleted>\n\n"
d< chunk "[Channel deleted]"
a,b,c< chunk ": F\n"
d< chunk "F"
a,b,c,d< end

=== shared with locations of other modes
--- http_config
push_stream_header_template "H";
push_stream_message_template "~text~";
push_stream_footer_template "F";
--- extra_config
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/ev2/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
--- steps
a: GET /ev/s
b: GET /ev2/s
c: GET /sub/s
d: GET /lp/s
a,b< chunk ": H\n"
c< chunk "H"
pub /pub?id=s "m\n1"
   Event-Id: e
a,b< chunk "id: e\n"
a,b< chunk "data: m\ndata: 1\n\n"
c< chunk "m\n1"
d< body "Hm\n1F"
? DELETE /pub?id=s -> 200
a,b< text ": F\n"
c< text "F"

=== a message template that ends in a line break ends the event
--- config
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_message_template "~text~\n";
}
--- steps
a: GET /ev/s
a< chunk ": \n"
pub /pub?id=s "x\ny"
a< chunk "data: x\n\ndata: y\n\n\n"
