//! `push_stream_padding_by_user_agent`: which browsers get how much filler.
//!
//! The value is a list of groups `pattern,header_min,message_min` with `:` between them. The pattern
//! holds no `:` and reaches up to the last two numbers of its group.

use std::rc::Rc;

use super::refuse;
use crate::nginx::conf::regex::Regex;
use crate::nginx::conf::{ConfRef, Reported};

/// Filler for the user agents that match a pattern.
#[derive(Debug)]
pub(crate) struct Padding {
    pattern: Regex,
    /// Bytes below which the header template is filled up.
    pub(crate) header_min: usize,
    /// Bytes below which a message is filled up.
    pub(crate) message_min: usize,
}

impl Padding {
    /// The first entry of the list that fits the user agent.
    pub(crate) fn choose<'p>(list: &'p [Self], user_agent: &[u8]) -> Option<&'p Self> {
        if user_agent.is_empty() {
            return None;
        }
        list.iter().find(|padding| padding.pattern.is_match(user_agent))
    }

    /// Reads the directive's value.
    pub(super) fn parse_list(cf: &ConfRef<'_>, value: &[u8]) -> Result<Rc<[Self]>, Reported> {
        let mut list = Vec::new();
        let mut rest = value;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len());
            let (text, behind) = rest.split_at(end);
            let Some(group) = split_group(text) else { return Err(malformed(cf, rest)) };
            list.push(Self::compile(cf, group)?);
            rest = behind.get(1..).unwrap_or_default();
        }
        Ok(list.into())
    }

    fn compile(cf: &ConfRef<'_>, group: Group<'_>) -> Result<Self, Reported> {
        let Group { pattern, header_min, message_min } = group;
        let text = String::from_utf8_lossy(pattern);
        let pattern = Regex::compile(cf, pattern).map_err(|err| {
            refuse(cf, format_args!("unable to compile agent pattern {text}: {err}"))
        })?;
        cf.info(format_args!(
            "push stream module: padding detected {text}, header_min_len {header_min}, \
             message_min_len {message_min}"
        ));
        Ok(Self { pattern, header_min, message_min })
    }
}

/// One group of the value, taken apart.
struct Group<'a> {
    pattern: &'a [u8],
    header_min: usize,
    message_min: usize,
}

/// Splits off the two numbers at the end.
fn split_group(text: &[u8]) -> Option<Group<'_>> {
    let mut parts = text.rsplitn(3, |byte| *byte == b',');
    let message_min = number(parts.next()?)?;
    let header_min = number(parts.next()?)?;
    let pattern = parts.next().filter(|pattern| !pattern.is_empty())?;
    Some(Group { pattern, header_min, message_min })
}

/// A number of digits alone: `usize::from_str` would take a plus sign as well.
fn number(text: &[u8]) -> Option<usize> {
    let digits = text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// Reports a value whose next group is none; `rest` begins with it.
fn malformed(cf: &ConfRef<'_>, rest: &[u8]) -> Reported {
    let shown = String::from_utf8_lossy(rest);
    if rest.split(|byte| *byte == b':').any(|text| split_group(text).is_some()) {
        refuse(cf, format_args!("error applying padding pattern to {shown}"));
    } else {
        refuse(cf, format_args!("padding pattern not match the value {shown}"));
    }
    refuse(cf, format_args!("push stream module: unable to parse paddings by user agent"))
}
