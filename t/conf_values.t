# Values that cannot be: the text names the directive.

=== zero
--- nginx_t
http       | push_stream_max_number_of_channels 0;             -> fails push stream module: push_stream_max_number_of_channels cannot be zero.
http       | push_stream_max_number_of_wildcard_channels 0;    -> fails push stream module: push_stream_max_number_of_wildcard_channels cannot be zero.
http       | push_stream_message_ttl 0;                        -> fails push stream module: push_stream_message_ttl cannot be zero.
http       | push_stream_max_subscribers_per_channel 0;        -> fails push stream module: push_stream_max_subscribers_per_channel cannot be zero.
http       | push_stream_max_messages_stored_per_channel 0;    -> fails push stream module: push_stream_max_messages_stored_per_channel cannot be zero.
http       | push_stream_max_channel_id_length 0;              -> fails push stream module: push_stream_max_channel_id_length cannot be zero.
subscriber | push_stream_ping_message_interval 0;              -> fails push stream module: push_stream_ping_message_interval cannot be zero.
subscriber | push_stream_ping_message_interval 0s;             -> fails push stream module: push_stream_ping_message_interval cannot be zero.
http       | push_stream_ping_message_interval 0ms;            -> fails push stream module: push_stream_ping_message_interval cannot be zero.
subscriber | push_stream_subscriber_connection_ttl 0;          -> fails push stream module: push_stream_subscriber_connection_ttl cannot be zero.
subscriber | push_stream_longpolling_connection_ttl 0;         -> fails push stream module: push_stream_longpolling_connection_ttl cannot be zero.
http       | push_stream_channel_inactivity_time 0;            -> ok

=== templates
--- nginx_t
subscriber | push_stream_message_template "";                  -> fails push stream module: push_stream_message_template cannot be blank.
http       | push_stream_message_template "";                  -> fails push stream module: push_stream_message_template cannot be blank.
subscriber | push_stream_message_template "~text~";            -> ok
subscriber | push_stream_header_template "";                   -> ok
subscriber | push_stream_footer_template "";                   -> ok
http       | push_stream_ping_message_text "";                 -> ok
http       | push_stream_channel_deleted_message_text "";      -> ok
subscriber | push_stream_header_template_file ${PREFIX}/header.html;  -> ok
subscriber | push_stream_header_template_file ${PREFIX}/nothing.html; -> fails for header template
subscriber | push_stream_header_template_file ${PREFIX}/nothing.html; -> fails push stream module: unable to open file "
subscriber | push_stream_header_template_file ${PREFIX};              -> fails push stream module: unable to read data from file "
subscriber | push_stream_header_template x; push_stream_header_template_file ${PREFIX}/header.html; -> fails "push_stream_header_template_file" directive is duplicate or template set by 'push_stream_header_template'
subscriber | push_stream_header_template_file ${PREFIX}/header.html; push_stream_header_template x; -> fails "push_stream_header_template" directive is duplicate
http, subscriber | push_stream_header_template x; || push_stream_header_template_file ${PREFIX}/header.html; -> ok

=== wildcard channels
--- nginx_t
subscriber | push_stream_wildcard_channel_max_qtd 0;           -> fails push stream module: push_stream_wildcard_channel_max_qtd cannot be zero.
subscriber | push_stream_wildcard_channel_max_qtd 1;           -> fails push stream module: cannot set wildcard channel max qtd if push_stream_wildcard_channel_prefix is not set or blank.
http       | push_stream_max_number_of_wildcard_channels 3;    -> fails push stream module: cannot set wildcard channel max qtd if push_stream_wildcard_channel_prefix is not set or blank.
http       | push_stream_wildcard_channel_prefix b_; push_stream_max_number_of_wildcard_channels 3; push_stream_wildcard_channel_max_qtd 4; -> fails push stream module: max number of wildcard channels cannot be smaller than value in push_stream_wildcard_channel_max_qtd.
http       | push_stream_wildcard_channel_prefix b_; push_stream_max_number_of_wildcard_channels 4; push_stream_wildcard_channel_max_qtd 4; -> ok

=== padding
--- nginx_t
subscriber | push_stream_padding_by_user_agent "[T|t]est 1,1024,512:[T|t]est 2,4097,0"; -> ok
subscriber | push_stream_padding_by_user_agent "a,1,2:";       -> ok
subscriber | push_stream_padding_by_user_agent "user_agent,10,0:other_user_agent;20;0:another_user_agent,30,0"; -> fails other_user_agent;20;0:another_user_agent,30,0
subscriber | push_stream_padding_by_user_agent "user_agent,10,0:other_user_agent;20;0:another_user_agent,30,0"; -> fails push stream module: error applying padding pattern to other_user_agent;20;0:
subscriber | push_stream_padding_by_user_agent "foo";          -> fails push stream module: padding pattern not match the value foo
subscriber | push_stream_padding_by_user_agent "foo";          -> fails unable to parse paddings by user agent
subscriber | push_stream_padding_by_user_agent "(,1,2";        -> fails push stream module: unable to compile agent pattern
subscriber | push_stream_padding_by_user_agent "";             -> ok

=== flags, numbers and times are checked by nginx
--- nginx_t
publisher  | push_stream_store_messages yes;                   -> fails invalid value "yes" in "push_stream_store_messages" directive, it must be "on" or "off"
publisher  | push_stream_store_messages ON;                    -> ok
publisher  | push_stream_channel_info_on_publish 1;            -> fails it must be "on" or "off"
subscriber | push_stream_authorized_channels_only maybe;       -> fails it must be "on" or "off"
http       | push_stream_max_channels_per_request 0;           -> ok
http       | push_stream_max_channels_per_request -1;          -> fails invalid number
http       | push_stream_max_channel_id_length -1;             -> fails invalid number
http       | push_stream_max_channel_id_length x;              -> fails invalid number
http       | push_stream_message_ttl forever;                  -> fails invalid value
subscriber | push_stream_subscriber_connection_ttl soon;       -> fails invalid value
subscriber | push_stream_subscriber_buffer_size x;             -> fails invalid value
subscriber | push_stream_subscriber_buffer_size 64k;           -> ok
http       | push_stream_timeout_with_body on;                 -> ok
http       | push_stream_zone_full refuse;                     -> ok
http       | push_stream_zone_full evict_oldest;               -> ok
http       | push_stream_zone_full evict;                      -> fails invalid push_stream_zone_full mode value: evict, accepted values (refuse, evict_oldest)
http       | push_stream_zone_full;                            -> fails invalid number of arguments
http       | push_stream_zone_full refuse; push_stream_zone_full refuse; -> fails is duplicate
http       | push_stream_reload_drain 30s;                     -> ok
http       | push_stream_reload_drain 0;                       -> ok
http       | push_stream_reload_drain soon;                    -> fails invalid value
