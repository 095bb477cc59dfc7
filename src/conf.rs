//! What the configuration means: plain values with defaults applied, checked, ready for the service.
//!
//! The raw settings of every level live in [`settings`]. When the http block has been read they are
//! merged, checked and turned into one [`MainConf`] and, for each location with a role, one
//! [`LocationConf`]; publishers, subscribers and statistics see nothing else. Locations with equal
//! templates share them, so that one rendering of a message serves all of them.

pub(crate) mod padding;
pub(crate) mod settings;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use protocol::event_source;
use store::{CreateLimits, WhenFull};

use self::padding::Padding;
use self::settings::{LocationSettings, MainSettings};
use crate::nginx::conf::{ComplexValue, ConfRef, Reported, VariableIndex};
use crate::nginx::zone::Zone;
use crate::render::{Family, MessageTemplate, Piece};

const DEFAULT_CHANNEL_DELETED_TEXT: &[u8] = b"Channel deleted";
const DEFAULT_PING_TEXT: &[u8] = b" ";
const DEFAULT_MESSAGE_TEMPLATE: &[u8] = b"~text~";
const DEFAULT_INACTIVITY_TIME: Duration = Duration::from_secs(30);
const DEFAULT_MESSAGE_TTL: Duration = Duration::from_secs(30 * 60);
/// Below this a message hardly shrinks.
const DEFAULT_DEFLATE_MIN_SIZE: usize = 128;
const DEFAULT_SUBSCRIBER_BUFFER_BYTES: usize = 1 << 20;
const DEFAULT_MAX_CHANNELS_PER_REQUEST: usize = 1000;
/// A message of 4 MiB has always been taken.
const DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE: usize = 8 << 20;

/// What a location does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Takes messages; an admin may also delete channels.
    Publisher {
        /// DELETE is allowed.
        admin: bool,
    },
    /// Hands out messages.
    Subscriber(Mode),
    /// Tells about channels.
    Statistics {
        /// In metrics for Prometheus, whatever the client asks for.
        prometheus: bool,
    },
}

/// How a subscriber location hands out messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One response without end.
    Streaming,
    /// What is there now.
    Polling,
    /// What is there now, or the next message.
    LongPolling,
    /// Server-sent events.
    EventSource,
    /// Frames over an upgraded connection.
    WebSocket,
}

impl Mode {
    /// Every mode, in the order of their declaration.
    pub(crate) const ALL: [Self; 5] =
        [Self::Streaming, Self::Polling, Self::LongPolling, Self::EventSource, Self::WebSocket];
    /// The modes in which subscribers stay connected.
    pub(crate) const HELD: [Self; 4] =
        [Self::Streaming, Self::LongPolling, Self::EventSource, Self::WebSocket];

    /// The mode that a directive's argument names, in either case.
    pub(crate) fn from_argument(text: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| text.eq_ignore_ascii_case(mode.name().as_bytes()))
    }

    /// The name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Polling => "polling",
            Self::LongPolling => "long-polling",
            Self::EventSource => "eventsource",
            Self::WebSocket => "websocket",
        }
    }
}

/// Where a request's channels come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChannelsPath {
    /// The location has no channels.
    Nowhere,
    /// `push_stream_channels_path`: a path, percent-decoded once.
    Modern(ComplexValue),
    /// `$push_stream_channels_path` of releases up to 0.3.5: a path, for subscribers.
    LegacyPath(ComplexValue),
    /// `$push_stream_channel_id` of releases up to 0.3.5: one channel id, taken as it is, for
    /// publishers and statistics.
    LegacyId(VariableIndex),
}

/// The variables of releases up to 0.3.5, where the configuration defines them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LegacyVariables {
    pub(crate) channels_path: Option<VariableIndex>,
    pub(crate) channel_id: Option<VariableIndex>,
}

/// The settings of the http block.
pub(crate) struct MainConf {
    /// The shared memory.
    pub(crate) zone: Zone,
    /// Its size in bytes.
    zone_size: usize,
    /// Its name, for log lines.
    pub(crate) zone_name: &'static str,
    /// Text of the message that tells subscribers of a channel's end. May be empty.
    pub(crate) channel_deleted_message_text: Rc<[u8]>,
    /// Text of a ping on a streaming connection. May be empty.
    pub(crate) ping_message_text: Rc<[u8]>,
    /// Text of the message that tells of messages no longer stored; `None`: only the header tells.
    pub(crate) gap_message_text: Option<Rc<[u8]>>,
    /// How new channels are made.
    pub(crate) create_limits: CreateLimits,
    /// How long a stored message stays, unless its publisher's location says otherwise.
    pub(crate) message_ttl: Duration,
    pub(crate) max_subscribers_per_channel: Option<usize>,
    /// How many messages stay stored in a channel, unless the location says otherwise.
    pub(crate) max_messages_stored_per_channel: Option<usize>,
    /// In bytes, after decoding.
    pub(crate) max_channel_id_length: Option<usize>,
    /// How many channels one request may name.
    pub(crate) max_channels_per_request: usize,
    /// `None`: there are no wildcard channels.
    pub(crate) wildcard_channel_prefix: Option<Rc<[u8]>>,
    /// `None`: events are not announced.
    pub(crate) events_channel_id: Option<Rc<[u8]>>,
    /// Whether a long poll that times out gets a message rather than a 304.
    pub(crate) timeout_with_body: bool,
    /// How long a worker of an old configuration takes to end its subscribers.
    pub(crate) reload_drain: Duration,
    /// What happens when the zone has no room.
    pub(crate) zone_full: WhenFull,
    /// Sends to many subscribers may go to the kernel together.
    pub(crate) io_uring: bool,
    /// The largest number of all paddings in bytes; final once the configuration has been read.
    pub(crate) largest_padding: Cell<usize>,
    legacy: LegacyVariables,
}

/// The settings of a location with a role, and of the `if` blocks and locations inside it.
pub(crate) struct LocationConf {
    pub(crate) role: Role,
    pub(crate) channels_path: ChannelsPath,
    /// Releases that took their path from a variable answered a poll or long poll without a time
    /// with everything stored; so does a location that still does.
    pub(crate) legacy_since_epoch: bool,
    /// Content-Type of subscriber answers, JSONP included; `None` leaves it to nginx's types.
    pub(crate) legacy_content_type: Option<Rc<[u8]>>,
    /// `Some(false)`: publisher and statistics answers close the connection.
    pub(crate) keepalive: Option<bool>,

    /// Messages published here are kept for later subscribers.
    pub(crate) store_messages: bool,
    /// How long messages published here stay stored.
    pub(crate) message_ttl: Duration,
    /// How many messages a publish here leaves stored in its channel.
    pub(crate) max_messages_stored_per_channel: Option<usize>,
    /// A publisher answers with the channel's numbers.
    pub(crate) channel_info_on_publish: bool,

    /// Subscribers cannot create channels.
    pub(crate) authorized_channels_only: bool,
    /// Sent before the first message, verbatim. May be empty.
    pub(crate) header_template: Rc<[u8]>,
    /// The same `Rc` for all locations of equal template text.
    pub(crate) message_template: Rc<MessageTemplate>,
    /// Sent after the last message, verbatim. May be empty.
    pub(crate) footer_template: Rc<[u8]>,
    /// Wildcard channels in one request.
    pub(crate) wildcard_channel_max_qtd: Option<usize>,
    /// The two as every stream gets them; `None` where there is nothing to be sent.
    pub(crate) header_piece: Option<Piece>,
    pub(crate) footer_piece: Option<Piece>,
    /// Tells how long a browser waits before it reconnects to an event source.
    pub(crate) retry_piece: Option<Piece>,
    /// Silence after which a ping is sent.
    pub(crate) ping_message_interval: Option<Duration>,
    pub(crate) subscriber_connection_ttl: Option<Duration>,
    pub(crate) longpolling_connection_ttl: Option<Duration>,
    /// Bytes that may queue behind a piece which makes no progress.
    pub(crate) subscriber_buffer_bytes: usize,
    /// Streams and WebSockets go on without their request once the head has been sent, where they can.
    pub(crate) lean_subscribers: bool,
    /// Messages have their cursor for an event id, and several channels one history in the order of the cursors.
    pub(crate) auto_event_id: bool,
    pub(crate) websocket: WebSocketConf,
    pub(crate) allow_connections_to_events_channel: bool,
    /// Takes the place of the header If-Modified-Since.
    pub(crate) last_received_message_time: Option<ComplexValue>,
    /// Takes the place of the header If-None-Match.
    pub(crate) last_received_message_tag: Option<ComplexValue>,
    /// Takes the place of the header Last-Event-Id.
    pub(crate) last_event_id: Option<ComplexValue>,
    /// Takes the place of the header User-Agent.
    pub(crate) user_agent: Option<ComplexValue>,
    pub(crate) paddings: Rc<[Padding]>,
    pub(crate) allowed_origins: Option<ComplexValue>,
}

/// What is special about the clients of a WebSocket location.
pub(crate) struct WebSocketConf {
    /// Their messages are published.
    pub(crate) allow_publish: bool,
    /// What most servers forgive is refused.
    pub(crate) strict: bool,
    /// Browsers may connect from the allowed origins only.
    pub(crate) check_origin: bool,
    /// There are binary frames, in both directions.
    pub(crate) binary: bool,
    /// How long after a ping a client may be silent.
    pub(crate) pong_timeout: Option<Duration>,
    /// Messages of at least so many bytes are compressed, if the client knows how; `None`: none are.
    pub(crate) deflate_min_size: Option<usize>,
    /// The largest message of a client, also when it is inflated, in bytes.
    pub(crate) max_message_size: usize,
}

impl WebSocketConf {
    fn resolve(
        cf: &ConfRef<'_>,
        main: &MainConf,
        settings: &LocationSettings,
    ) -> Result<Self, Reported> {
        let on = |flag: Option<bool>| flag.unwrap_or(false);
        let pong_timeout = settings.websocket_pong_timeout.value();
        if pong_timeout.is_some_and(|time| time.is_zero()) {
            return Err(cannot_be_zero(cf, "push_stream_websocket_pong_timeout"));
        }
        let max_message_size = settings.websocket_max_message_size.value();
        if max_message_size == Some(0) {
            return Err(cannot_be_zero(cf, "push_stream_websocket_max_message_size"));
        }
        if pong_timeout.is_some()
            && settings.ping_message_interval.value().is_none()
            && settings.role == Some(Role::Subscriber(Mode::WebSocket))
        {
            return Err(refuse(
                cf,
                format_args!(
                    "push_stream_websocket_pong_timeout needs push_stream_ping_message_interval: \
                     without pings there are no pongs."
                ),
            ));
        }
        let min_size = settings.websocket_deflate_min_size.value();
        Ok(Self {
            allow_publish: on(settings.websocket_allow_publish.value()),
            strict: on(settings.websocket_strict.value()),
            check_origin: on(settings.websocket_check_origin.value()),
            binary: on(settings.websocket_binary.value()),
            pong_timeout,
            deflate_min_size: on(settings.websocket_deflate.value())
                .then(|| min_size.unwrap_or(DEFAULT_DEFLATE_MIN_SIZE)),
            // A message larger than the zone could not be stored anyway.
            max_message_size: max_message_size
                .unwrap_or(DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE.min(main.zone_size)),
        })
    }
}

/// What locations with equal settings have in common, by the text in the configuration.
#[derive(Default)]
pub(crate) struct Shared {
    templates: HashMap<(Family, Vec<u8>), Rc<MessageTemplate>>,
    paddings: HashMap<Vec<u8>, Rc<[Padding]>>,
}

impl Shared {
    fn template(&mut self, text: &[u8], family: Family) -> Rc<MessageTemplate> {
        let shared = self.templates.entry((family, text.to_owned()));
        Rc::clone(shared.or_insert_with(|| Rc::new(MessageTemplate::parse(text, family))))
    }

    fn paddings(&mut self, cf: &ConfRef<'_>, text: &[u8]) -> Result<Rc<[Padding]>, Reported> {
        if let Some(known) = self.paddings.get(text) {
            return Ok(Rc::clone(known));
        }
        let list = Padding::parse_list(cf, text)?;
        self.paddings.insert(text.to_owned(), Rc::clone(&list));
        Ok(list)
    }
}

impl MainConf {
    /// Checks the http block's settings and applies the defaults.
    fn resolve(
        cf: &ConfRef<'_>,
        settings: &MainSettings,
        legacy: LegacyVariables,
    ) -> Result<Self, Reported> {
        let not_zero = |value: Option<usize>, name| match value {
            Some(0) => Err(cannot_be_zero(cf, name)),
            other => Ok(other),
        };
        let text = |value: Option<&[u8]>, default: &[u8]| Rc::from(value.unwrap_or(default));
        let not_empty = |value: Option<&[u8]>| value.filter(|text| !text.is_empty()).map(Rc::from);

        let Some(declared) = settings.zone.as_ref() else {
            return Err(refuse(cf, format_args!("push_stream_shared_memory_size must be set.")));
        };
        let message_ttl = settings.message_ttl.value().unwrap_or(DEFAULT_MESSAGE_TTL);
        if message_ttl.is_zero() {
            return Err(cannot_be_zero(cf, "push_stream_message_ttl"));
        }
        let max_channels = not_zero(
            settings.max_number_of_channels.value(),
            "push_stream_max_number_of_channels",
        )?;
        let max_wildcard_channels = not_zero(
            settings.max_number_of_wildcard_channels.value(),
            "push_stream_max_number_of_wildcard_channels",
        )?;
        let inactivity =
            settings.channel_inactivity_time.value().unwrap_or(DEFAULT_INACTIVITY_TIME);
        Ok(Self {
            create_limits: CreateLimits {
                channels: limit(max_channels),
                wildcard_channels: limit(max_wildcard_channels),
                inactivity: seconds(inactivity),
            },
            zone: declared.zone,
            zone_size: declared.size,
            zone_name: declared.name,
            channel_deleted_message_text: text(
                settings.channel_deleted_message_text.value(),
                DEFAULT_CHANNEL_DELETED_TEXT,
            ),
            ping_message_text: text(settings.ping_message_text.value(), DEFAULT_PING_TEXT),
            gap_message_text: not_empty(settings.gap_message_text.value()),
            message_ttl,
            max_subscribers_per_channel: not_zero(
                settings.max_subscribers_per_channel.value(),
                "push_stream_max_subscribers_per_channel",
            )?,
            max_messages_stored_per_channel: not_zero(
                settings.max_messages_stored_per_channel.value(),
                "push_stream_max_messages_stored_per_channel",
            )?,
            max_channel_id_length: not_zero(
                settings.max_channel_id_length.value(),
                "push_stream_max_channel_id_length",
            )?,
            max_channels_per_request: match settings.max_channels_per_request.value() {
                None => DEFAULT_MAX_CHANNELS_PER_REQUEST,
                Some(0) => usize::MAX,
                Some(max) => max,
            },
            wildcard_channel_prefix: not_empty(settings.wildcard_channel_prefix.value()),
            events_channel_id: not_empty(settings.events_channel_id.value()),
            timeout_with_body: settings.timeout_with_body.value().unwrap_or(false),
            reload_drain: settings.reload_drain.value().unwrap_or_default(),
            zone_full: settings.zone_full.unwrap_or_default(),
            io_uring: settings.io_uring.value().unwrap_or(true),
            largest_padding: Cell::new(0),
            legacy,
        })
    }
}

impl LocationConf {
    /// Checks the merged settings of a location and applies the defaults; `None` without a role.
    fn resolve(
        cf: &ConfRef<'_>,
        main: &MainConf,
        shared: &mut Shared,
        settings: &LocationSettings,
    ) -> Result<Option<Self>, Reported> {
        let Some(role) = settings.effective_role() else { return Ok(None) };
        let not_zero = |value: Option<Duration>, name| match value {
            Some(time) if time.is_zero() => Err(cannot_be_zero(cf, name)),
            other => Ok(other),
        };

        let ping_message_interval =
            not_zero(settings.ping_message_interval.value(), "push_stream_ping_message_interval")?;
        let subscriber_connection_ttl = not_zero(
            settings.subscriber_connection_ttl.value(),
            "push_stream_subscriber_connection_ttl",
        )?;
        let longpolling_connection_ttl = not_zero(
            settings.longpolling_connection_ttl.value(),
            "push_stream_longpolling_connection_ttl",
        )?
        .or(subscriber_connection_ttl);
        let message_ttl = not_zero(
            settings.min_message_buffer_timeout.value(),
            "push_stream_min_message_buffer_timeout",
        )?
        .unwrap_or(main.message_ttl);
        let max_messages_stored_per_channel = match settings.max_message_buffer_length.value() {
            Some(0) => return Err(cannot_be_zero(cf, "push_stream_max_message_buffer_length")),
            own => own.or(main.max_messages_stored_per_channel),
        };
        let subscriber_buffer_bytes = match settings.subscriber_buffer_size.value() {
            Some(0) => return Err(cannot_be_zero(cf, "push_stream_subscriber_buffer_size")),
            own => own.unwrap_or(DEFAULT_SUBSCRIBER_BUFFER_BYTES),
        };
        let message_template = message_template(cf, role, settings)?;
        let wildcard_channel_max_qtd = wildcard_channel_max_qtd(cf, main, settings)?;
        let channels_path = channels_path(cf, main, role, settings)?;
        let paddings =
            shared.paddings(cf, settings.padding_by_user_agent.value().unwrap_or_default())?;
        for padding in paddings.iter() {
            let largest = padding.header_min.max(padding.message_min);
            main.largest_padding.set(main.largest_padding.get().max(largest));
        }

        let on = |flag: Option<bool>| flag.unwrap_or(false);
        let lean_subscribers = on(settings.lean_subscribers.value());
        if lean_subscribers && matches!(role, Role::Subscriber(_)) && cf.has_limit_conn() {
            warn(
                cf,
                format_args!(
                    "limit_conn counts a subscriber only until its head has been sent, because of \
                     push_stream_lean_subscribers"
                ),
            );
        }
        let auto_event_id = on(settings.auto_event_id.value());
        let websocket = WebSocketConf::resolve(cf, main, settings)?;
        let header = settings.header_template.value().unwrap_or_default();
        let footer = settings.footer_template.value().unwrap_or_default();
        let (family, header_template, footer_template) = match role {
            Role::Subscriber(Mode::EventSource) => (
                Family::EventSource { auto_id: auto_event_id },
                event_source::header_template(header),
                event_source::footer_template(footer),
            ),
            Role::Subscriber(Mode::WebSocket) => (
                Family::WebSocket { binary: websocket.binary },
                Cow::Borrowed(header),
                Cow::Borrowed(footer),
            ),
            _ => (Family::Text, Cow::Borrowed(header), Cow::Borrowed(footer)),
        };
        let message_template = shared.template(message_template, family);
        let retry = settings
            .eventsource_retry
            .value()
            .filter(|_| matches!(family, Family::EventSource { .. }))
            .map(|time| format!("retry: {}\n", time.as_millis()));
        Ok(Some(Self {
            header_piece: message_template.piece(&header_template),
            footer_piece: message_template.piece(&footer_template),
            retry_piece: retry.and_then(|retry| message_template.piece(retry.as_bytes())),
            role,
            channels_path,
            legacy_since_epoch: matches!(channels_path, ChannelsPath::LegacyPath(_)),
            legacy_content_type: settings.content_type.value().map(Rc::from),
            keepalive: settings.keepalive.value(),
            store_messages: on(settings.store_messages.value()),
            message_ttl,
            max_messages_stored_per_channel,
            channel_info_on_publish: settings.channel_info_on_publish.value().unwrap_or(true),
            authorized_channels_only: on(settings.authorized_channels_only.value()),
            header_template: Rc::from(header_template),
            message_template,
            footer_template: Rc::from(footer_template),
            wildcard_channel_max_qtd,
            ping_message_interval,
            subscriber_connection_ttl,
            longpolling_connection_ttl,
            subscriber_buffer_bytes,
            lean_subscribers,
            auto_event_id,
            websocket,
            allow_connections_to_events_channel: on(settings
                .allow_connections_to_events_channel
                .value()),
            last_received_message_time: settings.last_received_message_time.value(),
            last_received_message_tag: settings.last_received_message_tag.value(),
            last_event_id: settings.last_event_id.value(),
            user_agent: settings.user_agent.value(),
            paddings,
            allowed_origins: settings.allowed_origins.value(),
        }))
    }
}

/// Checks and resolves the http block's settings once it has been read. Without a role anywhere, all
/// values are good.
pub(crate) fn complete(
    cf: &ConfRef<'_>,
    main: &mut MainSettings,
    legacy: LegacyVariables,
) -> Result<(), Reported> {
    if main.has_role {
        main.resolved = Some(Rc::new(MainConf::resolve(cf, main, legacy)?));
    }
    Ok(())
}

/// Merges one level into the next inner one; with a role, the result is checked and resolved.
pub(crate) fn merge(
    cf: &ConfRef<'_>,
    main: &mut MainSettings,
    outer: &LocationSettings,
    inner: &mut LocationSettings,
) -> Result<(), Reported> {
    let own_event_source = inner.eventsource_support.value() == Some(true);
    inner.inherit(outer);
    if own_event_source
        && matches!(inner.role, Some(Role::Publisher { .. } | Role::Statistics { .. }))
    {
        return Err(refuse(
            cf,
            format_args!("event source support is only available on subscriber location"),
        ));
    }
    if inner.role.is_some() {
        cf.fit_request_pool();
    }
    if let Some(main_conf) = &main.resolved {
        inner.resolved =
            LocationConf::resolve(cf, main_conf, &mut main.shared, inner)?.map(Rc::new);
    }
    Ok(())
}

/// The text of the message template. An event source takes an empty one for the default.
fn message_template<'s>(
    cf: &ConfRef<'_>,
    role: Role,
    settings: &'s LocationSettings,
) -> Result<&'s [u8], Reported> {
    match settings.message_template.value() {
        None => Ok(DEFAULT_MESSAGE_TEMPLATE),
        Some([]) if role == Role::Subscriber(Mode::EventSource) => Ok(DEFAULT_MESSAGE_TEMPLATE),
        Some([]) => Err(refuse(cf, format_args!("push_stream_message_template cannot be blank."))),
        Some(text) => Ok(text),
    }
}

/// A limit of the configuration as the store counts.
pub(crate) fn limit(limit: Option<usize>) -> Option<u32> {
    limit.map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// Whole seconds of a time.
pub(crate) fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// How many wildcard channels one request may name; the number of all of them is the default.
fn wildcard_channel_max_qtd(
    cf: &ConfRef<'_>,
    main: &MainConf,
    settings: &LocationSettings,
) -> Result<Option<usize>, Reported> {
    let all = main.create_limits.wildcard_channels.map(|max| max as usize);
    let own = settings.wildcard_channel_max_qtd.value().or(all);
    if own == Some(0) {
        return Err(cannot_be_zero(cf, "push_stream_wildcard_channel_max_qtd"));
    }
    if own.is_some() && main.wildcard_channel_prefix.is_none() {
        return Err(refuse(
            cf,
            format_args!(
                "cannot set wildcard channel max qtd if push_stream_wildcard_channel_prefix is not \
                 set or blank."
            ),
        ));
    }
    if let (Some(own), Some(all)) = (own, all)
        && all < own
    {
        return Err(refuse(
            cf,
            format_args!(
                "max number of wildcard channels cannot be smaller than value in \
                 push_stream_wildcard_channel_max_qtd."
            ),
        ));
    }
    Ok(own)
}

/// The directive, or the variable that its role had in releases up to 0.3.5.
fn channels_path(
    cf: &ConfRef<'_>,
    main: &MainConf,
    role: Role,
    settings: &LocationSettings,
) -> Result<ChannelsPath, Reported> {
    let legacy = match role {
        Role::Subscriber(_) => {
            let value = main.legacy.channels_path.map(ComplexValue::Variable);
            value.map(ChannelsPath::LegacyPath)
        }
        Role::Statistics { prometheus: true } => Some(ChannelsPath::Nowhere),
        Role::Publisher { .. } | Role::Statistics { .. } => {
            main.legacy.channel_id.map(ChannelsPath::LegacyId)
        }
    };
    settings
        .channels_path
        .value()
        .map(ChannelsPath::Modern)
        .or(legacy)
        .ok_or_else(|| refuse(cf, format_args!("push_stream_channels_path must be set.")))
}

/// Writes an error line in the module's name.
pub(crate) fn refuse(cf: &ConfRef<'_>, text: fmt::Arguments<'_>) -> Reported {
    cf.error(format_args!("push stream module: {text}{}", shown_location(cf)))
}

/// Writes a warning in the module's name.
fn warn(cf: &ConfRef<'_>, text: fmt::Arguments<'_>) {
    let _ = cf.warn(format_args!("push stream module: {text}{}", shown_location(cf)));
}

/// The location that is being merged: nginx only knows the end of the http block by then.
fn shown_location(cf: &ConfRef<'_>) -> String {
    cf.merged_location().map(|name| format!(" (location \"{name}\")")).unwrap_or_default()
}

fn cannot_be_zero(cf: &ConfRef<'_>, directive: &str) -> Reported {
    refuse(cf, format_args!("{directive} cannot be zero."))
}
