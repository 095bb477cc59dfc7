//! The variables: those this module gives to the configuration, and those it takes from one.

use crate::conf::{LegacyVariables, Mode};
use crate::nginx::conf::{ConfRef, Reported};
use crate::nginx::request::Request;
use crate::nginx::variables::Variable;
use crate::story::Story;

/* for the access log: what a request has been about */

/// The variable table of the module. A request that was neither a publisher's nor a subscriber's has
/// none of them.
static VARIABLES: [Variable; 4] = [
    Variable { name: "push_stream_channel", value: channel },
    Variable { name: "push_stream_mode", value: mode },
    Variable { name: "push_stream_messages_sent", value: messages_sent },
    Variable { name: "push_stream_close_reason", value: close_reason },
];

/// Defines the variables. To be called before the http block is read.
pub(crate) fn define(cf: &ConfRef<'_>) -> Result<(), Reported> {
    VARIABLES.iter().try_for_each(|variable| variable.define(cf))
}

fn channel(request: &mut Request) -> Option<Vec<u8>> {
    Story::of(request).map(|story| story.path.joined())
}

fn mode(request: &mut Request) -> Option<Vec<u8>> {
    Story::of(request).map(|story| story.mode.map_or("publisher", Mode::name).into())
}

fn messages_sent(request: &mut Request) -> Option<Vec<u8>> {
    Story::of(request).map(|story| story.messages_sent.to_string().into_bytes())
}

fn close_reason(request: &mut Request) -> Option<Vec<u8>> {
    Story::of(request)?.close_reason.map(|reason| reason.name().into())
}

/* of releases up to 0.3.5, whose locations `set` them to name their channels */

/// Finds the legacy variables that the configuration defines. To be called when the http block has
/// been parsed, before any location is merged.
///
/// This module must not define them itself: that a configuration does is the sign that it was written
/// for such a release, and only then may they stand in for `push_stream_channels_path`.
pub(crate) fn legacy(cf: &ConfRef<'_>) -> LegacyVariables {
    LegacyVariables {
        channels_path: cf.variable_if_defined("push_stream_channels_path"),
        channel_id: cf.variable_if_defined("push_stream_channel_id"),
    }
}
