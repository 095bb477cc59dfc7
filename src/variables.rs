//! The variables of releases up to 0.3.5, which locations `set` to name their channels.
//!
//! Not defined by this module: that a configuration defines one of them is the sign that it was
//! written for such a release, and only then may it stand in for `push_stream_channels_path`.

use crate::conf::LegacyVariables;
use crate::nginx::conf::ConfRef;

/// Finds the legacy variables that the configuration defines. To be called when the http block has
/// been parsed, before any location is merged.
pub(crate) fn legacy(cf: &ConfRef<'_>) -> LegacyVariables {
    LegacyVariables {
        channels_path: cf.variable_if_defined("push_stream_channels_path"),
        channel_id: cf.variable_if_defined("push_stream_channel_id"),
    }
}
