# A reload with other settings: the new ones count from then on, the data stays.
--- http_config
push_stream_message_template "[~id~|~text~]";

=== limits that are lower than what is there
--- reload_http_config
push_stream_message_template "[~id~|~text~]";
push_stream_max_number_of_channels 2;
push_stream_max_subscribers_per_channel 1;
push_stream_max_channel_id_length 5;
push_stream_max_messages_stored_per_channel 1;
--- steps
repeat 3: pub /pub?id=c${i}/longname${i} m
repeat 3: pub /pub?id=c1 m
! reload changed
! wait-workers 1
# What is there stays until it is touched.
json! /stats channels == 6, stored_messages == 9, published_messages == 9
? GET  /poll/c1.b9 -> 200 | body "[1|m][2|m][3|m][4|m]"
? POST /pub?id=new "m" -> 403 | explain Number of channels were exceeded.
? POST /pub?id=c1 "m5" -> 200 | json stored_messages == 1 | json published_messages == 5
? GET  /poll/c1.b9 -> 200 | body "[5|m5]"
? GET  /pub?id=longname1 -> 400 | explain Channel id is too large.
json! /stats stored_messages == 6
a: GET /sub/c1
a< status 200
? GET /poll/c1 -> 403 | explain Subscribers limit per channel has been exceeded.

=== limits that are gone
--- http_config
push_stream_max_number_of_channels 1;
push_stream_max_messages_stored_per_channel 1;
--- reload_http_config
--- steps
repeat 2: pub /pub?id=c m
? POST /pub?id=d "m" -> 403
! reload changed
! wait-workers 1
? POST /pub?id=d "m" -> 200
? POST /pub?id=c "m" -> 200 | json published_messages == 3 | json stored_messages == 2

=== messages keep the expiry they were published with
--- timeout: 20s
--- http_config
push_stream_message_ttl 1s;
--- reload_http_config
push_stream_message_ttl 1h;
--- steps
pub /pub?id=c m
! reload changed
! wait-workers 1
pub /pub?id=d m
json /stats?id=c stored_messages == 0 within 9s
json! /stats?id=d stored_messages == 1

=== texts and intervals
--- timeout: 20s
--- http_config
push_stream_channel_deleted_message_text "old";
push_stream_ping_message_interval 10m;
push_stream_subscriber_connection_ttl 10m;
--- reload_http_config
push_stream_channel_deleted_message_text "new";
push_stream_ping_message_text "alive";
push_stream_ping_message_interval 300ms;
push_stream_longpolling_connection_ttl 300ms;
push_stream_timeout_with_body on;
push_stream_footer_template "F";
--- steps
a: GET /sub/c
a< status 200
! reload changed
a< end within 1s
! wait-workers 1
a: GET /sub/c
a< status 200
a< chunk "alive"
b: GET /lp/c
b< status 200
b< body "Timed outF"
? DELETE /pub?id=c -> 200
a< text newF
a< end

=== roles of locations
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location ~ ^/x/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; }
--- reload_config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher; push_stream_channels_path $arg_name; }
location ~ ^/x/(.*)$ { push_stream_subscriber polling; push_stream_channels_path "$1.b9"; }
--- steps
pub /pub?id=c m
a: GET /x/c
a< status 200
! reload changed
! wait-workers 1
? DELETE /pub?name=c -> 405
? POST /pub?id=c "m" -> 400 | explain No channel id provided.
? POST /pub?name=c "m2" -> 200 | json published_messages == 2 | json stored_messages == 1
? GET /x/c -> 200 | body "[1|m]"

=== another prefix of wildcard channels
--- http_config
push_stream_wildcard_channel_prefix w_;
--- reload_http_config
push_stream_wildcard_channel_prefix v_;
--- steps
pub /pub?id=a/w_1 m
json! /stats channels == 1, wildcard_channels == 1
! reload changed
! wait-workers 1
pub /pub?id=v_1 m
json! /stats channels == 1, wildcard_channels == 2
? DELETE /pub?id=w_1 -> 200
json! /stats channels == 1, wildcard_channels == 1

=== counters and clocks go on over several reloads, whatever the size says
--- workers: 2
--- http_config
push_stream_shared_memory_size 10m;
--- reload_http_config
push_stream_shared_memory_size 20m;
--- timeout: 30s
--- steps
repeat 5: pub /pub?id=c${i} m
? DELETE /pub?id=c5 -> 200
! wait 1s
a: GET /sub/c1 @worker 1
b: GET /lp/c1 @worker 2
a< status 200
! reload changed
a,b< done
! wait-workers 2
json! /stats channels == 4, published_messages == 5, subscribers == 0, uptime >= 1, by_worker.length == 2
! reload
! wait-workers 2
! reload changed
! wait-workers 2
json! /stats channels == 4, published_messages == 5, subscribers == 0, by_worker.length == 2
json /stats channels_in_delete == 0, stored_messages == 4 within 5s
pub /pub?id=c1 m
? GET /poll/c1.b9 -> 200 | body mm
--- error_log: Cannot change memory area size without restart, ignoring change on zone: push_stream_module

=== the last role goes and comes back
--- reload_http_config
push_stream_message_template "[~id~|~text~]";
--- reload_config
location / { return 200 "nothing here"; }
--- steps
pub /pub?id=c m
a: GET /sub/c
a< status 200
! reload changed
a< end
! wait-workers 1
? GET /pub?id=c -> 200 | body "nothing here"
