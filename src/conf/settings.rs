//! The settings as they stand in the configuration: each level's own, "unset" kept apart.
//!
//! nginx's setters write into these structs while a block is read; [`LocationSettings::inherit`]
//! fills the gaps from the level around. What the values mean is decided in the parent module, once,
//! for each location with a role. No other code looks in here.

use std::rc::Rc;

use store::WhenFull;

use super::{LocationConf, MainConf, Mode, Role, Shared};
use crate::nginx::conf::Refusal;
use crate::nginx::conf::slot::{
    Complex, Flag, Milliseconds, Number, Seconds, Size, Slot as _, Text,
};
use crate::nginx::zone::Zone;

/// The directives of the http block, and what belongs to the configuration as a whole.
#[derive(Default)]
pub(crate) struct MainSettings {
    /// Some location has a role: only then are the settings checked, and the module works.
    pub(crate) has_role: bool,
    pub(crate) zone: Option<DeclaredZone>,
    pub(crate) channel_deleted_message_text: Text,
    pub(crate) ping_message_text: Text,
    pub(crate) gap_message_text: Text,
    pub(crate) channel_inactivity_time: Seconds,
    pub(crate) message_ttl: Seconds,
    pub(crate) max_subscribers_per_channel: Number,
    pub(crate) max_messages_stored_per_channel: Number,
    pub(crate) max_channel_id_length: Number,
    pub(crate) max_channels_per_request: Number,
    pub(crate) max_number_of_channels: Number,
    pub(crate) max_number_of_wildcard_channels: Number,
    pub(crate) wildcard_channel_prefix: Text,
    pub(crate) events_channel_id: Text,
    pub(crate) timeout_with_body: Flag,
    pub(crate) reload_drain: Milliseconds,
    pub(crate) zone_full: Option<WhenFull>,
    pub(crate) io_uring: Flag,
    /// Legacy, without effect: how long freed objects were kept. Ours are free at once.
    pub(crate) cleanup_objects_ttl: Seconds,
    pub(crate) cleanup_timeout: Seconds,
    /// What several locations have in common.
    pub(crate) shared: Shared,
    /// The meaning of all this, once the http block has been read and found good.
    pub(crate) resolved: Option<Rc<MainConf>>,
}

/// The zone that `push_stream_shared_memory_size` asked for.
pub(crate) struct DeclaredZone {
    pub(crate) name: &'static str,
    /// In bytes.
    pub(crate) size: usize,
    pub(crate) zone: Zone,
}

/// The directives of one http, server, location or `if` block.
#[derive(Default)]
pub(crate) struct LocationSettings {
    pub(crate) role: Option<Role>,
    pub(crate) channels_path: Complex,
    pub(crate) store_messages: Flag,
    pub(crate) channel_info_on_publish: Flag,
    pub(crate) authorized_channels_only: Flag,
    /// Also what `push_stream_header_template_file` read.
    pub(crate) header_template: Text,
    pub(crate) message_template: Text,
    pub(crate) footer_template: Text,
    pub(crate) wildcard_channel_max_qtd: Number,
    pub(crate) ping_message_interval: Milliseconds,
    pub(crate) eventsource_retry: Milliseconds,
    pub(crate) subscriber_connection_ttl: Milliseconds,
    pub(crate) longpolling_connection_ttl: Milliseconds,
    pub(crate) subscriber_buffer_size: Size,
    pub(crate) lean_subscribers: Flag,
    pub(crate) auto_event_id: Flag,
    pub(crate) websocket_allow_publish: Flag,
    pub(crate) websocket_strict: Flag,
    pub(crate) websocket_check_origin: Flag,
    pub(crate) websocket_binary: Flag,
    pub(crate) websocket_pong_timeout: Milliseconds,
    pub(crate) websocket_deflate: Flag,
    pub(crate) websocket_deflate_min_size: Size,
    pub(crate) websocket_max_message_size: Size,
    pub(crate) allow_connections_to_events_channel: Flag,
    pub(crate) last_received_message_time: Complex,
    pub(crate) last_received_message_tag: Complex,
    pub(crate) last_event_id: Complex,
    pub(crate) user_agent: Complex,
    pub(crate) padding_by_user_agent: Text,
    pub(crate) allowed_origins: Complex,
    /// Legacy: Content-Type of subscriber answers.
    pub(crate) content_type: Text,
    /// Legacy: whether publisher and statistics answers may keep the connection.
    pub(crate) keepalive: Flag,
    /// Legacy: adds DELETE to a publisher.
    pub(crate) publisher_admin: Flag,
    /// Legacy: turns a subscriber into an event source.
    pub(crate) eventsource_support: Flag,
    /// Legacy: the ttl of messages published here.
    pub(crate) min_message_buffer_timeout: Seconds,
    /// Legacy: how many messages a publish here leaves in its channel.
    pub(crate) max_message_buffer_length: Number,
    /// Legacy, without effect.
    pub(crate) min_message_buffer_length: Number,
    pub(crate) subscriber_disconnect_interval: Seconds,
    /// The meaning of all this in a location with a role, once merged and found good.
    pub(crate) resolved: Option<Rc<LocationConf>>,
}

impl LocationSettings {
    /// Makes the location a publisher or subscriber; it can be one of them, once.
    pub(crate) fn take_role(&mut self, role: Role) -> Result<(), Refusal> {
        if self.role.is_some() {
            return Err(Refusal::Because(c"is duplicate"));
        }
        self.role = Some(role);
        Ok(())
    }

    /// The role with what the legacy flags make of it.
    pub(super) fn effective_role(&self) -> Option<Role> {
        let role = self.role?;
        Some(match role {
            Role::Publisher { .. } if self.publisher_admin.value() == Some(true) => {
                Role::Publisher { admin: true }
            }
            Role::Subscriber(_) if self.eventsource_support.value() == Some(true) => {
                Role::Subscriber(Mode::EventSource)
            }
            _ => role,
        })
    }

    /// Takes the outer level's values where this level sets none.
    pub(crate) fn inherit(&mut self, outer: &Self) {
        self.role = self.role.or(outer.role);
        self.channels_path.inherit(&outer.channels_path);
        self.store_messages.inherit(&outer.store_messages);
        self.channel_info_on_publish.inherit(&outer.channel_info_on_publish);
        self.authorized_channels_only.inherit(&outer.authorized_channels_only);
        self.header_template.inherit(&outer.header_template);
        self.message_template.inherit(&outer.message_template);
        self.footer_template.inherit(&outer.footer_template);
        self.wildcard_channel_max_qtd.inherit(&outer.wildcard_channel_max_qtd);
        self.ping_message_interval.inherit(&outer.ping_message_interval);
        self.eventsource_retry.inherit(&outer.eventsource_retry);
        self.subscriber_connection_ttl.inherit(&outer.subscriber_connection_ttl);
        self.longpolling_connection_ttl.inherit(&outer.longpolling_connection_ttl);
        self.subscriber_buffer_size.inherit(&outer.subscriber_buffer_size);
        self.lean_subscribers.inherit(&outer.lean_subscribers);
        self.auto_event_id.inherit(&outer.auto_event_id);
        self.websocket_allow_publish.inherit(&outer.websocket_allow_publish);
        self.websocket_strict.inherit(&outer.websocket_strict);
        self.websocket_check_origin.inherit(&outer.websocket_check_origin);
        self.websocket_binary.inherit(&outer.websocket_binary);
        self.websocket_pong_timeout.inherit(&outer.websocket_pong_timeout);
        self.websocket_deflate.inherit(&outer.websocket_deflate);
        self.websocket_deflate_min_size.inherit(&outer.websocket_deflate_min_size);
        self.websocket_max_message_size.inherit(&outer.websocket_max_message_size);
        self.allow_connections_to_events_channel
            .inherit(&outer.allow_connections_to_events_channel);
        self.last_received_message_time.inherit(&outer.last_received_message_time);
        self.last_received_message_tag.inherit(&outer.last_received_message_tag);
        self.last_event_id.inherit(&outer.last_event_id);
        self.user_agent.inherit(&outer.user_agent);
        self.padding_by_user_agent.inherit(&outer.padding_by_user_agent);
        self.allowed_origins.inherit(&outer.allowed_origins);
        self.content_type.inherit(&outer.content_type);
        self.keepalive.inherit(&outer.keepalive);
        self.publisher_admin.inherit(&outer.publisher_admin);
        self.eventsource_support.inherit(&outer.eventsource_support);
        self.min_message_buffer_timeout.inherit(&outer.min_message_buffer_timeout);
        self.max_message_buffer_length.inherit(&outer.max_message_buffer_length);
    }
}
