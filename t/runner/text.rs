//! The small languages inside a step: quoted values, `${VARIABLES}`, durations, HTTP dates, patterns.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regex_lite::Regex;

use super::Outcome;

/// Seconds since 1970, as the server under test sees them too (same machine).
pub(crate) fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// `Mon, 23 Nov 2026 06:31:47 GMT` (RFC 9110 section 5.6.7).
pub(crate) fn http_date(unix_seconds: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let (days, seconds) = (unix_seconds.div_euclid(86_400), unix_seconds.rem_euclid(86_400));
    // Days to civil date; March-based years, so that the leap day is the last of a year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        DAYS[days.rem_euclid(7) as usize],
        MONTHS[(month - 1) as usize],
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The inverse, for times close to now: those of a running test.
fn unix_seconds(date: &str) -> Outcome<i64> {
    let now = unix_now();
    let found = (now - 3_600..now + 3_600).find(|seconds| http_date(*seconds) == date);
    found.ok_or_else(|| format!("no date of this hour: {date}"))
}

/// `300ms`, `2s`, `1.5s`.
pub(crate) fn duration(text: &str) -> Outcome<Duration> {
    let text = text.trim();
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or_else(|| format!("not a duration: {text}"))?, 1.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| format!("not a duration: {text}"))?;
    Ok(Duration::from_secs_f64(number * unit))
}

/// Takes ` within 10s` off the end of a step.
pub(crate) fn split_within(step: &str) -> (&str, Option<Duration>) {
    if let Some((before, after)) = step.rsplit_once(" within ")
        && let Ok(limit) = duration(after)
    {
        return (before.trim_end(), Some(limit));
    }
    (step, None)
}

/// A value: `"text with \r\n \t \0 \x7f \" \\"`, the same repeated (`"ab" x 1000`), several
/// joined (`"a" + "b" x 9`), `all-bytes` (0 to 255), or the bare rest of the line.
pub(crate) fn value(text: &str) -> Outcome<Vec<u8>> {
    let mut rest = text.trim();
    if rest == "all-bytes" {
        return Ok((0..=255).collect());
    }
    if !rest.starts_with('"') {
        return Ok(rest.as_bytes().to_vec());
    }
    let mut value = Vec::new();
    loop {
        let (bytes, after) = quoted(rest)?;
        let (repeat, more) = after.split_once(" + ").unwrap_or((after, ""));
        let count = match repeat.trim().strip_prefix("x ") {
            Some(count) => count.trim().parse().map_err(|_| format!("not a count: {count}"))?,
            None if repeat.trim().is_empty() => 1,
            None => return Err(format!("trailing text after value: {repeat}")),
        };
        value.extend(bytes.repeat(count));
        rest = more.trim();
        if rest.is_empty() {
            return Ok(value);
        }
    }
}

/// Reads one quoted string and gives what follows it.
pub(crate) fn quoted(text: &str) -> Outcome<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('"').ok_or_else(|| format!("no opening quote: {text}"))?;
    loop {
        let mut characters = rest.chars();
        let character = characters.next().ok_or_else(|| format!("no closing quote: {text}"))?;
        rest = characters.as_str();
        match character {
            '"' => return Ok((bytes, rest)),
            '\\' => {
                let escape = characters.next().ok_or_else(|| format!("lone backslash: {text}"))?;
                rest = characters.as_str();
                match escape {
                    'r' => bytes.push(b'\r'),
                    'n' => bytes.push(b'\n'),
                    't' => bytes.push(b'\t'),
                    '0' => bytes.push(0),
                    'x' => {
                        let digits = rest.get(..2).ok_or("\\x needs two digits")?;
                        let byte = u8::from_str_radix(digits, 16).map_err(|_| "\\x needs hex")?;
                        bytes.push(byte);
                        rest = &rest[2..];
                    }
                    other => bytes.extend(other.to_string().as_bytes()),
                }
            }
            other => bytes.extend(other.to_string().as_bytes()),
        }
    }
}

/// Bytes as a test report shows them, cut to a readable length.
pub(crate) fn show(bytes: &[u8]) -> String {
    let (shown, more) = if bytes.len() > 600 { (&bytes[..600], "…") } else { (bytes, "") };
    format!("\"{}\"{more}", shown.escape_ascii())
}

pub(crate) fn regex(pattern: &str) -> Outcome<Regex> {
    Regex::new(pattern.trim()).map_err(|error| format!("{pattern}: {error}"))
}

pub(crate) fn matches(pattern: &str, bytes: &[u8]) -> Outcome<()> {
    let text = String::from_utf8_lossy(bytes);
    if regex(pattern)?.is_match(&text) {
        Ok(())
    } else {
        Err(format!("{} does not match {pattern}", show(bytes)))
    }
}

pub(crate) fn same(what: &str, actual: &[u8], wanted: &[u8]) -> Outcome<()> {
    if actual == wanted {
        return Ok(());
    }
    Err(format!("{what} is {}, wanted {}", show(actual), show(wanted)))
}

/// The variables of a block.
#[derive(Default)]
pub(crate) struct Variables(HashMap<String, String>);

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Replaces every `${NAME}`; `${NAME:url}` is percent-encoded, `${NAME:unix}` an HTTP date in
    /// seconds since 1970. `${NOW}`, `${NOW+10}`, `${NOW-60}` and `${EPOCH}` are HTTP dates.
    pub(crate) fn expand(&self, text: &str) -> Outcome<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').ok_or_else(|| format!("no }} in: {text}"))?;
            let (name, form) = name.split_once(':').unwrap_or((name, ""));
            let found = match (name, name.strip_prefix("NOW")) {
                ("EPOCH", _) => http_date(0),
                (_, Some(offset)) => {
                    let offset = if offset.is_empty() { "0" } else { offset };
                    let offset: i64 = offset.parse().map_err(|_| format!("bad ${{{name}}}"))?;
                    http_date(unix_now() + offset)
                }
                _ => self.0.get(name).cloned().ok_or_else(|| format!("${{{name}}} is not set"))?,
            };
            out.push_str(before);
            out.push_str(&match form {
                "" => found,
                "url" => percent_encode(&found),
                "unix" => unix_seconds(&found)?.to_string(),
                _ => return Err(format!("unknown form ${{{name}:{form}}}")),
            });
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn percent_encode(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
