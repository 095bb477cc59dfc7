//! Which statistics format does the client want?
//!
//! Asked for the answers of statistics locations and for the channel information of publisher
//! locations. The rule is simpler than RFC 9110 section 12.5.1 and kept because clients depend on
//! it: no q-values, no wildcards, and the type before the slash does not matter.

/// A format the statistics can be written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Lines of `name: value`.
    Plain,
    /// The default.
    #[default]
    Json,
    /// Written by hand, as block mappings.
    Yaml,
    /// An XML 1.0 document.
    Xml,
}

/// In this order the subtypes are tried at each slash.
const SUBTYPES: [(&[u8], Format, &str); 6] = [
    (b"plain", Format::Plain, "text/plain"),
    (b"json", Format::Json, "application/json"),
    (b"yaml", Format::Yaml, "application/yaml"),
    (b"xml", Format::Xml, "application/xml"),
    (b"x-json", Format::Json, "text/x-json"),
    (b"x-yaml", Format::Yaml, "text/x-yaml"),
];

/// The format for the value of an `Accept` header, and the Content-Type to send with it.
///
/// The text behind each `/` is compared with the known subtypes as a prefix, case-sensitively; the
/// earliest hit wins, and without one the answer is JSON.
#[must_use]
pub fn negotiate(accept: Option<&[u8]>) -> (Format, &'static str) {
    let accept = accept.unwrap_or_default();
    memchr::memchr_iter(b'/', accept)
        .filter_map(|slash| accept.get(slash + 1..))
        .find_map(|rest| SUBTYPES.iter().find(|(subtype, ..)| rest.starts_with(subtype)))
        .map_or((Format::Json, "application/json"), |&(_, format, content_type)| {
            (format, content_type)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_known_subtype_wins() {
        for (accept, format, content_type) in [
            ("text/plain", Format::Plain, "text/plain"),
            ("application/json", Format::Json, "application/json"),
            ("application/yaml", Format::Yaml, "application/yaml"),
            ("application/xml", Format::Xml, "application/xml"),
            ("text/x-json", Format::Json, "text/x-json"),
            ("text/x-yaml", Format::Yaml, "text/x-yaml"),
            ("text/html", Format::Json, "application/json"),
            ("*/*", Format::Json, "application/json"),
            ("text/xml", Format::Xml, "application/xml"),
            ("application/x-yaml", Format::Yaml, "text/x-yaml"),
            ("image/plainfoo", Format::Plain, "text/plain"),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9",
                Format::Xml,
                "application/xml",
            ),
            ("text/plain;q=0.1, application/json", Format::Plain, "text/plain"),
            ("text/PLAIN", Format::Json, "application/json"),
            ("plain", Format::Json, "application/json"),
            ("//yaml", Format::Yaml, "application/yaml"),
            ("text/", Format::Json, "application/json"),
            ("", Format::Json, "application/json"),
        ] {
            assert_eq!(negotiate(Some(accept.as_bytes())), (format, content_type), "{accept}");
        }
    }

    #[test]
    fn without_a_header_the_answer_is_json() {
        assert_eq!(negotiate(None), (Format::Json, "application/json"));
    }
}
