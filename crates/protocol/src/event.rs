//! What does the server announce on the events channel?

use alloc::vec::Vec;

use crate::statistics::escape_json;

/// Something that has happened to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was created by a publish or by a subscriber.
    ChannelCreated,
    /// A subscriber that waits has come.
    ClientSubscribed,
    /// Such a subscriber has gone, for whatever reason.
    ClientUnsubscribed,
    /// It is gone, deleted or idle.
    ChannelDestroyed,
}

impl Event {
    /// The name, also the event type of the message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChannelCreated => "channel_created",
            Self::ClientSubscribed => "client_subscribed",
            Self::ClientUnsubscribed => "client_unsubscribed",
            Self::ChannelDestroyed => "channel_destroyed",
        }
    }

    /// Appends the text of the message.
    pub fn render(self, channel: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"type": ""#);
        out.extend_from_slice(self.name().as_bytes());
        out.extend_from_slice(br#"", "channel": ""#);
        escape_json(channel, out);
        out.extend_from_slice(br#""}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_json() {
        for (event, channel, text) in [
            (Event::ChannelCreated, &b"c1"[..], r#"{"type": "channel_created", "channel": "c1"}"#),
            (
                Event::ClientSubscribed,
                b"a\"b",
                r#"{"type": "client_subscribed", "channel": "a\"b"}"#,
            ),
            (Event::ClientUnsubscribed, b"", r#"{"type": "client_unsubscribed", "channel": ""}"#),
            (
                Event::ChannelDestroyed,
                b"\n",
                r#"{"type": "channel_destroyed", "channel": "\u000a"}"#,
            ),
        ] {
            let mut out = Vec::new();
            event.render(channel, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
