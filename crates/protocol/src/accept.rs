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

/// Versions of the text format of Prometheus, which shares its media type with [`Format::Plain`].
const METRICS_VERSIONS: [&[u8]; 2] = [b"version=0.0.4", b"version=1.0.0"];

/// Whether the value of an `Accept` header asks for metrics: for OpenMetrics, or for plain text in a
/// version of Prometheus' format. As in [`negotiate`] the earliest known type decides.
#[must_use]
pub fn wants_metrics(accept: Option<&[u8]>) -> bool {
    let accept = accept.unwrap_or_default();
    memchr::memchr_iter(b'/', accept)
        .filter_map(|slash| accept.get(slash + 1..))
        .find_map(|rest| {
            if rest.starts_with(b"openmetrics-text") {
                return Some(true);
            }
            let mut parameters = rest.split(|byte| *byte == b',').next()?.split(|b| *b == b';');
            let metrics = parameters.next()?.trim_ascii() == b"plain"
                && parameters.any(|parameter| METRICS_VERSIONS.contains(&parameter.trim_ascii()));
            let known = SUBTYPES.iter().any(|(subtype, ..)| rest.starts_with(subtype));
            known.then_some(metrics)
        })
        .unwrap_or(false)
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
        assert!(!wants_metrics(None));
    }

    #[test]
    fn scrapers_get_metrics() {
        for accept in [
            "text/plain; version=0.0.4",
            "text/plain;version=0.0.4;charset=utf-8",
            "text/plain;version=1.0.0;escaping=allow-utf-8",
            // Prometheus 2.42.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;\
             q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            // The same with native histograms, and version 3.
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
             encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.2",
        ] {
            assert!(wants_metrics(Some(accept.as_bytes())), "{accept}");
        }
    }

    #[test]
    fn everybody_else_gets_what_they_got_before() {
        for accept in [
            "",
            "*/*",
            "text/plain",
            "text/plain;q=0.4",
            "text/plain; charset=utf-8",
            "text/plain; version=0.0.3",
            "text/plainfoo; version=0.0.4",
            "text/plain, text/html; version=0.0.4",
            "application/json, text/plain; version=0.0.4",
            "text/html; version=0.0.4",
            "version=0.0.4",
        ] {
            assert!(!wants_metrics(Some(accept.as_bytes())), "{accept}");
        }
    }
}
