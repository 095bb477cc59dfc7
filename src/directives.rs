//! The directives: which name sets what, and where it may stand.
//!
//! Joins the three sides that know nothing of each other: nginx's command table, the settings and
//! the content handlers of the roles. What a value means is decided in `conf`.

#![expect(unsafe_code, reason = "names fields by their offsets; content handlers of nginx")]

pub(crate) mod handlers;
mod setters;
mod shared_memory;

use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_NOARGS, NGX_CONF_TAKE1, NGX_CONF_TAKE2, NGX_HTTP_LOC_CONF_OFFSET,
    NGX_HTTP_MAIN_CONF_OFFSET, ngx_uint_t,
};

use crate::conf::settings::{LocationSettings, MainSettings};
use crate::nginx::conf::command::{
    ANY_LEVEL, Commands, Custom, END, HTTP, LOCATION, Note, OR_IF, Settings, custom, field, noted,
    slot,
};

const NO_ARGUMENT: ngx_uint_t = NGX_CONF_NOARGS as ngx_uint_t;
const ONE_ARGUMENT: ngx_uint_t = NGX_CONF_TAKE1 as ngx_uint_t;
const TWO_ARGUMENTS: ngx_uint_t = NGX_CONF_TAKE2 as ngx_uint_t;
const SOME_ARGUMENTS: ngx_uint_t = NGX_CONF_1MORE as ngx_uint_t;

// SAFETY: the module makes a `MainSettings` for the http block.
unsafe impl Settings for MainSettings {
    const CONF_OFFSET: usize = NGX_HTTP_MAIN_CONF_OFFSET;
}

// SAFETY: the module makes a `LocationSettings` for each level.
unsafe impl Settings for LocationSettings {
    const CONF_OFFSET: usize = NGX_HTTP_LOC_CONF_OFFSET;
}

/// The directive table of the module.
pub(crate) static COMMANDS: Commands<69> = Commands::new([
    /* roles */
    custom(
        c"push_stream_channels_statistics",
        LOCATION | NO_ARGUMENT | ONE_ARGUMENT,
        &Custom::<LocationSettings>(setters::statistics),
    ),
    custom(
        c"push_stream_publisher",
        LOCATION | NO_ARGUMENT | ONE_ARGUMENT,
        &Custom::<LocationSettings>(setters::publisher),
    ),
    custom(
        c"push_stream_subscriber",
        LOCATION | NO_ARGUMENT | ONE_ARGUMENT,
        &Custom::<LocationSettings>(setters::subscriber),
    ),
    /* http */
    custom(
        c"push_stream_shared_memory_size",
        HTTP | ONE_ARGUMENT | TWO_ARGUMENTS,
        &Custom::<MainSettings>(shared_memory::shared_memory_size),
    ),
    slot(
        c"push_stream_channel_deleted_message_text",
        HTTP,
        field!(MainSettings, channel_deleted_message_text),
    ),
    slot(c"push_stream_ping_message_text", HTTP, field!(MainSettings, ping_message_text)),
    slot(c"push_stream_gap_message_text", HTTP, field!(MainSettings, gap_message_text)),
    slot(
        c"push_stream_channel_inactivity_time",
        HTTP,
        field!(MainSettings, channel_inactivity_time),
    ),
    slot(c"push_stream_message_ttl", HTTP, field!(MainSettings, message_ttl)),
    slot(
        c"push_stream_max_subscribers_per_channel",
        HTTP,
        field!(MainSettings, max_subscribers_per_channel),
    ),
    slot(
        c"push_stream_max_messages_stored_per_channel",
        HTTP,
        field!(MainSettings, max_messages_stored_per_channel),
    ),
    slot(c"push_stream_max_channel_id_length", HTTP, field!(MainSettings, max_channel_id_length)),
    slot(
        c"push_stream_max_channels_per_request",
        HTTP,
        field!(MainSettings, max_channels_per_request),
    ),
    slot(c"push_stream_max_number_of_channels", HTTP, field!(MainSettings, max_number_of_channels)),
    slot(
        c"push_stream_max_number_of_wildcard_channels",
        HTTP,
        field!(MainSettings, max_number_of_wildcard_channels),
    ),
    slot(
        c"push_stream_wildcard_channel_prefix",
        HTTP,
        field!(MainSettings, wildcard_channel_prefix),
    ),
    slot(c"push_stream_events_channel_id", HTTP, field!(MainSettings, events_channel_id)),
    slot(c"push_stream_timeout_with_body", HTTP, field!(MainSettings, timeout_with_body)),
    slot(c"push_stream_reload_drain", HTTP, field!(MainSettings, reload_drain)),
    custom(
        c"push_stream_zone_full",
        HTTP | ONE_ARGUMENT,
        &Custom::<MainSettings>(setters::zone_full),
    ),
    slot(c"push_stream_io_uring", HTTP, field!(MainSettings, io_uring)),
    /* http, server, location; some also in an if block of a location */
    slot(c"push_stream_channels_path", ANY_LEVEL | OR_IF, field!(LocationSettings, channels_path)),
    slot(
        c"push_stream_store_messages",
        ANY_LEVEL | OR_IF,
        field!(LocationSettings, store_messages),
    ),
    slot(
        c"push_stream_channel_info_on_publish",
        ANY_LEVEL,
        field!(LocationSettings, channel_info_on_publish),
    ),
    slot(
        c"push_stream_authorized_channels_only",
        ANY_LEVEL,
        field!(LocationSettings, authorized_channels_only),
    ),
    slot(c"push_stream_header_template", ANY_LEVEL, field!(LocationSettings, header_template)),
    custom(
        c"push_stream_header_template_file",
        ANY_LEVEL | ONE_ARGUMENT,
        &Custom::<LocationSettings>(setters::header_template_file),
    ),
    slot(c"push_stream_message_template", ANY_LEVEL, field!(LocationSettings, message_template)),
    slot(c"push_stream_footer_template", ANY_LEVEL, field!(LocationSettings, footer_template)),
    slot(
        c"push_stream_wildcard_channel_max_qtd",
        ANY_LEVEL,
        field!(LocationSettings, wildcard_channel_max_qtd),
    ),
    slot(
        c"push_stream_ping_message_interval",
        ANY_LEVEL,
        field!(LocationSettings, ping_message_interval),
    ),
    slot(c"push_stream_eventsource_retry", ANY_LEVEL, field!(LocationSettings, eventsource_retry)),
    slot(
        c"push_stream_subscriber_connection_ttl",
        ANY_LEVEL,
        field!(LocationSettings, subscriber_connection_ttl),
    ),
    slot(
        c"push_stream_longpolling_connection_ttl",
        ANY_LEVEL,
        field!(LocationSettings, longpolling_connection_ttl),
    ),
    slot(
        c"push_stream_subscriber_buffer_size",
        ANY_LEVEL,
        field!(LocationSettings, subscriber_buffer_size),
    ),
    slot(c"push_stream_lean_subscribers", ANY_LEVEL, field!(LocationSettings, lean_subscribers)),
    slot(c"push_stream_auto_event_id", ANY_LEVEL, field!(LocationSettings, auto_event_id)),
    slot(
        c"push_stream_websocket_allow_publish",
        ANY_LEVEL,
        field!(LocationSettings, websocket_allow_publish),
    ),
    slot(c"push_stream_websocket_strict", ANY_LEVEL, field!(LocationSettings, websocket_strict)),
    slot(
        c"push_stream_websocket_check_origin",
        ANY_LEVEL,
        field!(LocationSettings, websocket_check_origin),
    ),
    slot(c"push_stream_websocket_binary", ANY_LEVEL, field!(LocationSettings, websocket_binary)),
    slot(
        c"push_stream_websocket_pong_timeout",
        ANY_LEVEL,
        field!(LocationSettings, websocket_pong_timeout),
    ),
    slot(c"push_stream_websocket_deflate", ANY_LEVEL, field!(LocationSettings, websocket_deflate)),
    slot(
        c"push_stream_websocket_deflate_min_size",
        ANY_LEVEL,
        field!(LocationSettings, websocket_deflate_min_size),
    ),
    slot(
        c"push_stream_websocket_max_message_size",
        ANY_LEVEL,
        field!(LocationSettings, websocket_max_message_size),
    ),
    slot(
        c"push_stream_allow_connections_to_events_channel",
        ANY_LEVEL | OR_IF,
        field!(LocationSettings, allow_connections_to_events_channel),
    ),
    slot(
        c"push_stream_last_received_message_time",
        ANY_LEVEL | OR_IF,
        field!(LocationSettings, last_received_message_time),
    ),
    slot(
        c"push_stream_last_received_message_tag",
        ANY_LEVEL | OR_IF,
        field!(LocationSettings, last_received_message_tag),
    ),
    slot(c"push_stream_last_event_id", ANY_LEVEL | OR_IF, field!(LocationSettings, last_event_id)),
    slot(c"push_stream_user_agent", ANY_LEVEL, field!(LocationSettings, user_agent)),
    slot(
        c"push_stream_padding_by_user_agent",
        ANY_LEVEL,
        field!(LocationSettings, padding_by_user_agent),
    ),
    slot(c"push_stream_allowed_origins", ANY_LEVEL, field!(LocationSettings, allowed_origins)),
    /* names of releases up to 0.3.5, with what they meant then */
    custom(
        c"push_stream_content_type",
        ANY_LEVEL | SOME_ARGUMENTS,
        &Custom::<LocationSettings>(setters::content_type),
    ),
    noted(
        c"push_stream_keepalive",
        ANY_LEVEL,
        field!(LocationSettings, keepalive),
        &Note::Deprecated("use the \"keepalive_timeout\" directive of nginx instead"),
    ),
    custom(
        c"push_stream_websocket",
        LOCATION | NO_ARGUMENT,
        &Custom::<LocationSettings>(setters::legacy_websocket),
    ),
    noted(
        c"push_stream_eventsource_support",
        LOCATION,
        field!(LocationSettings, eventsource_support),
        &Note::Deprecated("use \"push_stream_subscriber eventsource\" instead"),
    ),
    noted(
        c"push_stream_publisher_admin",
        LOCATION,
        field!(LocationSettings, publisher_admin),
        &Note::Deprecated("use \"push_stream_publisher admin\" instead"),
    ),
    noted(
        c"push_stream_shared_memory_cleanup_objects_ttl",
        HTTP,
        field!(MainSettings, cleanup_objects_ttl),
        &Note::Deprecated("it has no effect: memory is reusable at once"),
    ),
    noted(
        c"push_stream_memory_cleanup_timeout",
        HTTP,
        field!(MainSettings, cleanup_timeout),
        &Note::Deprecated("it has no effect: memory is reusable at once"),
    ),
    custom(
        c"push_stream_max_reserved_memory",
        HTTP | ONE_ARGUMENT,
        &Custom::<MainSettings>(shared_memory::legacy_reserved_memory),
    ),
    noted(
        c"push_stream_min_message_buffer_timeout",
        ANY_LEVEL,
        field!(LocationSettings, min_message_buffer_timeout),
        &Note::Deprecated("use the \"push_stream_message_ttl\" directive instead"),
    ),
    noted(
        c"push_stream_max_message_buffer_length",
        ANY_LEVEL,
        field!(LocationSettings, max_message_buffer_length),
        &Note::Deprecated(
            "use the \"push_stream_max_messages_stored_per_channel\" directive instead",
        ),
    ),
    noted(
        c"push_stream_min_message_buffer_length",
        ANY_LEVEL,
        field!(LocationSettings, min_message_buffer_length),
        &Note::Deprecated("it has no effect"),
    ),
    noted(
        c"push_stream_subscriber_connection_timeout",
        ANY_LEVEL,
        field!(LocationSettings, subscriber_connection_ttl),
        &Note::Deprecated("use the \"push_stream_subscriber_connection_ttl\" directive instead"),
    ),
    noted(
        c"push_stream_subscriber_disconnect_interval",
        ANY_LEVEL,
        field!(LocationSettings, subscriber_disconnect_interval),
        &Note::Deprecated("it has no effect"),
    ),
    noted(
        c"push_stream_broadcast_channel_prefix",
        HTTP,
        field!(MainSettings, wildcard_channel_prefix),
        &Note::Deprecated("use the \"push_stream_wildcard_channel_prefix\" directive instead"),
    ),
    noted(
        c"push_stream_broadcast_channel_max_qtd",
        ANY_LEVEL,
        field!(LocationSettings, wildcard_channel_max_qtd),
        &Note::Deprecated("use the \"push_stream_wildcard_channel_max_qtd\" directive instead"),
    ),
    noted(
        c"push_stream_max_number_of_broadcast_channels",
        HTTP,
        field!(MainSettings, max_number_of_wildcard_channels),
        &Note::Deprecated(
            "use the \"push_stream_max_number_of_wildcard_channels\" directive instead",
        ),
    ),
    END,
]);
