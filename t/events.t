# The events channel: the server announces what happens to channels and subscribers.
--- http_config
push_stream_events_channel_id events;
push_stream_message_template "~event-type~ ~text~";
--- config
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub {
    push_stream_publisher admin;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
}
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; }
location ~ ^/lp/(.*)$ { push_stream_subscriber long-polling; push_stream_channels_path $1; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_allow_connections_to_events_channel on;
}
location ~ ^/evpoll/(.*)$ {
    push_stream_subscriber polling;
    push_stream_channels_path $1;
    push_stream_allow_connections_to_events_channel on;
    push_stream_message_template "[~text~|~event-type~|~event-id~|~channel~]";
}

=== the life of a channel and of its subscriber
--- timeout: 20s
--- steps
e: GET /ev/events
e< status 200
e< nothing 100ms
a: GET /sub/c1
a< status 200
e< chunk "channel_created {\"type\": \"channel_created\", \"channel\": \"c1\"}"
e< chunk "client_subscribed {\"type\": \"client_subscribed\", \"channel\": \"c1\"}"
pub /live?id=c1 m
a< text m
ax
e< chunk "client_unsubscribed {\"type\": \"client_unsubscribed\", \"channel\": \"c1\"}"
e< nothing 100ms
? DELETE /pub?id=c1 -> 200
e< chunk "channel_destroyed {\"type\": \"channel_destroyed\", \"channel\": \"c1\"}" within 4500ms
e< nothing 100ms

=== all are created first, then all subscribed, in the order of the path
--- http_config
push_stream_events_channel_id events;
push_stream_message_template "~event-type~ ~text~|";
--- steps
e: GET /ev/events
e< status 200
a: GET /sub/c2/c1
a< status 200
e< chunk "channel_created {\"type\": \"channel_created\", \"channel\": \"c2\"}|"
e< chunk "channel_created {\"type\": \"channel_created\", \"channel\": \"c1\"}|"
e< chunk "client_subscribed {\"type\": \"client_subscribed\", \"channel\": \"c2\"}|"
e< chunk "client_subscribed {\"type\": \"client_subscribed\", \"channel\": \"c1\"}|"
ax
e< chunk "client_unsubscribed {\"type\": \"client_unsubscribed\", \"channel\": \"c2\"}|"
e< chunk "client_unsubscribed {\"type\": \"client_unsubscribed\", \"channel\": \"c1\"}|"
b: GET /sub/c1/c3
e< chunk "channel_created {\"type\": \"channel_created\", \"channel\": \"c3\"}|"
e< chunk "client_subscribed {\"type\": \"client_subscribed\", \"channel\": \"c1\"}|"
e< chunk "client_subscribed {\"type\": \"client_subscribed\", \"channel\": \"c3\"}|"
e< nothing 100ms

=== a publish creates, and announces nothing else
--- steps
e: GET /ev/events
e< status 200
pub /pub?id=x/y m
e< chunk ~ "type": "channel_created", "channel": "x"
e< chunk ~ "type": "channel_created", "channel": "y"
pub /pub?id=x/y m
? GET /pub?id=z -> 404
? POST /pub?id=z "" -> 400
? POST /pub?id=z/ALL "x" -> 403
? GET /stats?id=ALL -> 200
e< nothing 200ms

=== polling creates, but is no subscription
--- steps
e: GET /ev/events
e< status 200
? GET /poll/p -> 304
e< chunk ~ "type": "channel_created", "channel": "p"
? GET /poll/p -> 304
pub /pub?id=p m
? GET /poll/p.b1 -> 200
# Nor is a long poll that is answered at once.
? GET /lp/p.b1 -> 200
e< nothing 200ms

=== a long poll that waits subscribes and unsubscribes
--- http_config
push_stream_events_channel_id events;
push_stream_longpolling_connection_ttl 200ms;
--- steps
e: GET /ev/events
e< status 200
a: GET /lp/p
a< status 304
e< chunk ~ "type": "channel_created", "channel": "p"
e< chunk ~ "type": "client_subscribed", "channel": "p"
e< chunk ~ "type": "client_unsubscribed", "channel": "p"
b: GET /lp/p
e< chunk ~ "type": "client_subscribed", "channel": "p"
pub /pub?id=p m
b< status 200
e< chunk ~ "type": "client_unsubscribed", "channel": "p"
e< nothing 100ms

=== the time limit of a stream unsubscribes
--- http_config
push_stream_events_channel_id events;
--- extra_config
location ~ ^/short/(.*)$ {
    push_stream_subscriber;
    push_stream_channels_path $1;
    push_stream_subscriber_connection_ttl 200ms;
}
--- steps
e: GET /ev/events
e< status 200
a: GET /short/p
a< end
e< chunk ~ "type": "channel_created", "channel": "p"
e< chunk ~ "type": "client_subscribed", "channel": "p"
e< chunk ~ "type": "client_unsubscribed", "channel": "p"

=== a deletion unsubscribes at once and destroys later
--- timeout: 20s
--- steps
e: GET /ev/events
e< status 200
a: GET /sub/c1
a< status 200
b: GET /lp/c1
e< chunk ~ "channel_created", "channel": "c1"
e< chunk ~ "client_subscribed", "channel": "c1"
e< chunk ~ "client_subscribed", "channel": "c1"
? DELETE /pub?id=c1 -> 200
e< chunk ~ "client_unsubscribed", "channel": "c1"
e< chunk ~ "client_unsubscribed", "channel": "c1"
a,b< done
e< nothing 1s
e< chunk ~ "channel_destroyed", "channel": "c1" within 4500ms

=== a stream with other channels left unsubscribes from the deleted one only
--- timeout: 20s
--- steps
e: GET /ev/events
e< status 200
a: GET /sub/c1/c2
a< status 200
e< text "\"client_subscribed\", \"channel\": \"c2\"}"
? DELETE /pub?id=c1 -> 200
a< text Channel deleted
e< chunk ~ "client_unsubscribed", "channel": "c1"
e< chunk ~ "channel_destroyed", "channel": "c1" within 4500ms
ax
e< chunk ~ "client_unsubscribed", "channel": "c2"
e< nothing 100ms

=== an idle channel is destroyed
--- timeout: 30s
--- http_config
push_stream_events_channel_id events;
push_stream_channel_inactivity_time 1s;
--- steps
e: GET /ev/events
e< status 200
pub /live?id=c1 m
e< chunk ~ "channel_created", "channel": "c1"
e< chunk ~ "channel_destroyed", "channel": "c1" within 8s
e< nothing 100ms
# The events channel itself is never idle.
ex
! wait 5s
json! /stats?id=events channel == events, subscribers == 0

=== it is there from the start and counts as a channel
--- steps
json! /stats channels == 1, stored_messages == 0, published_messages == 0
json! /stats?id=events channel == events, published_messages == 0
pub /pub?id=a m
a: GET /sub/a
a< status 200
json! /stats?id=events published_messages == 2, stored_messages == 2
# Announcements are no messages of the summary.
json! /stats channels == 2, published_messages == 1
? GET /stats?id=ALL -> 200 | json infos.length == 2 | json infos[0].channel == events

=== nobody else may change it
--- table
POST   /pub?id=events "m"     -> 403 | explain Only internal routines can change events channel. | Content-Length: 0
PUT    /pub?id=events "m"     -> 403 | explain Only internal routines can change events channel.
DELETE /pub?id=events         -> 403 | explain Only internal routines can change events channel.
POST   /pub?id=a/events "m"   -> 403 | explain Only internal routines can change events channel.
DELETE /pub?id=a/events       -> 403
POST   /pub?id=%65vents "m"   -> 403
POST   /pub?id=events.b3 "m"  -> 403
GET    /pub?id=events         -> 200 | json channel == events | json published_messages == 0
GET    /stats                 -> 200 | json channels == 1
--- error_log: only internal routines can change events channel

=== who may listen to it
--- table
GET /sub/events      -> 403 | explain Subscription to events channel is not allowed. | Content-Length: 0
GET /lp/events       -> 403 | explain Subscription to events channel is not allowed.
GET /poll/events     -> 403 | explain Subscription to events channel is not allowed.
GET /sub/a/events    -> 403 | explain Subscription to events channel is not allowed.
GET /poll/events.b3  -> 403
GET /evpoll/events   -> 304
GET /stats           -> 200 | json channels == 1
--- error_log: subscription to events channel is not allowed

=== nothing is announced about itself
--- steps
a: GET /ev/events
b: GET /ev/events/c
a,b< status 200
a,b< text "\"client_subscribed\", \"channel\": \"c\"}"
a< nothing 100ms
bx
a< chunk ~ "client_unsubscribed", "channel": "c"
a< nothing 100ms
? GET /evpoll/events.b9 -> 200 | body ~ ^\[\{"type": "channel_created", "channel": "c"\}\|channel_created\|\|events\]\[\{"type": "client_subscribed", "channel": "c"\}\|client_subscribed\|\|events\]\[\{"type": "client_unsubscribed", "channel": "c"\}\|client_unsubscribed\|\|events\]$

=== announcements are stored, whatever store_messages says, and ids are JSON
--- steps
pub /live?id=a%22b%5C m
? GET /evpoll/events.b9 -> 200 | body "[{\"type\": \"channel_created\", \"channel\": \"a\\\"b\\\\\"}|channel_created||events]"

=== they take tags from the one sequence of the second
--- steps
! next second
pub /pub?id=x m1
? GET /poll/x.b1 -> 200 | Etag: W/2
? GET /evpoll/events.b1 -> 200 | Etag: W/1

=== the limits of channels apply to it
--- http_config
push_stream_events_channel_id events;
push_stream_max_messages_stored_per_channel 2;
push_stream_message_ttl 2s;
--- timeout: 20s
--- steps
pub /live?id=a/b/c m
json! /stats?id=events published_messages == 3, stored_messages == 2
json /stats?id=events stored_messages == 0 within 9s
# What the summary counted up it counts down.
json /stats stored_messages == 0

=== the summary stays right when announcements expire
--- http_config
push_stream_events_channel_id events;
push_stream_message_ttl 2s;
--- timeout: 20s
--- steps
repeat 3: pub /live?id=c${i} m
! wait 3500ms
pub /pub?id=a/b m
json /stats?id=events stored_messages == 2 within 5s
json! /stats?id=a stored_messages == 1
json! /stats stored_messages >= 2

=== events of all workers come in the order in which they happened
--- workers: 2
--- steps
e: GET /ev/events @worker 1
f: GET /ev/events @worker 2
e,f< status 200
a: GET /sub/c1 @worker 1
a< status 200
b: GET /sub/c1 @worker 2
b< status 200
ax
json /stats?id=c1 subscribers == 1
bx
e,f< chunk ~ "channel_created", "channel": "c1"
e,f< chunk ~ "client_subscribed", "channel": "c1"
e,f< chunk ~ "client_subscribed", "channel": "c1"
e,f< chunk ~ "client_unsubscribed", "channel": "c1"
e,f< chunk ~ "client_unsubscribed", "channel": "c1"
e,f< nothing 100ms

=== it works after a reload, which unsubscribes the old subscribers
--- steps
pub /pub?id=x m
a: GET /sub/x
a< status 200
! reload
a< end
! wait-workers 1
json! /stats?id=events stored_messages == 3
e: GET /ev/events.b9
e< status 200
e< chunk ~ "channel_created", "channel": "x"
e< chunk ~ "client_subscribed", "channel": "x"
e< chunk ~ "client_unsubscribed", "channel": "x"
b: GET /sub/y
e< chunk ~ "channel_created", "channel": "y"
e< chunk ~ "client_subscribed", "channel": "y"

=== a killed worker's subscribers are unsubscribed
--- workers: 2
--- steps
e: GET /ev/events @worker 1
e< status 200
a: GET /sub/x @worker 2
a< status 200
e< text "\"client_subscribed\", \"channel\": \"x\"}"
! kill-worker a
json /stats?id=x subscribers == 0 within 2s
e< chunk ~ "client_unsubscribed", "channel": "x"

=== added by a reload
--- http_config
--- reload_http_config
push_stream_events_channel_id events;
--- steps
pub /pub?id=x m
json! /stats channels == 1
! reload changed
! wait-workers 1
json! /stats channels == 2
e: GET /ev/events
e< status 200
a: GET /sub/x/y
a< status 200
e< chunk ~ "channel_created", "channel": "y"
e< chunk ~ "client_subscribed", "channel": "x"
e< chunk ~ "client_subscribed", "channel": "y"
? POST /pub?id=events "m" -> 403

=== changed by a reload
--- reload_http_config
push_stream_events_channel_id news;
--- steps
pub /pub?id=x m
json! /stats?id=events published_messages == 1
! reload changed
! wait-workers 1
e: GET /ev/news
e< status 200
pub /pub?id=y m
e< chunk ~ "channel_created", "channel": "y"
? POST /pub?id=news "m" -> 403
? GET /sub/news -> 403
# The old one is a channel like any other now.
json! /stats?id=events published_messages == 1
? POST /pub?id=events "m" -> 200 | json published_messages == 2
e< nothing 100ms

=== switched off by a reload
--- reload_http_config
--- steps
pub /pub?id=x m
! reload changed
! wait-workers 1
pub /pub?id=y m
json! /stats?id=events published_messages == 1
? POST /pub?id=events "m" -> 200

=== an empty id is none
--- http_config
push_stream_events_channel_id "";
--- table
GET  /stats           -> 200 | json channels == 0
POST /pub?id=a "m"    -> 200
GET  /stats           -> 200 | json channels == 1

=== it counts against the number of channels
--- http_config
push_stream_events_channel_id events;
push_stream_max_number_of_channels 2;
--- table
POST /pub?id=a "m"    -> 200
POST /pub?id=b "m"    -> 403 | explain Number of channels were exceeded.
