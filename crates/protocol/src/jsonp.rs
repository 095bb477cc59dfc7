//! How does a script tag get its messages (JSONP)?
//!
//! The answer calls the function that the request names: `NAME([M1,M2]);`. The name ends up in a script of the page's
//! origin, so only what can be the name of a function is let through.

use alloc::vec::Vec;

use crate::channel_path::decode;
use crate::refusal::Refusal;

/// Content-Type of such an answer.
pub const CONTENT_TYPE: &str = "application/javascript";
/// Between the name and the first message.
pub const OPEN: &[u8] = b"([";
/// Between two messages.
pub const SEPARATOR: &[u8] = b",";
/// Behind the last message.
pub const CLOSE: &[u8] = b"]);";

/// The name in the query argument `callback`, which is given as it was sent. An empty one counts as none.
///
/// # Errors
///
/// The name has other bytes than letters, digits and `_$.[]`.
pub fn callback(argument: Option<&[u8]>) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(argument) = argument else { return Ok(None) };
    let name = decode(argument).into_owned();
    if name.is_empty() {
        return Ok(None);
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.[]".contains(byte);
    if name.iter().all(allowed) { Ok(Some(name)) } else { Err(Refusal::InvalidCallback) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_functions_pass_and_nothing_else() {
        for (argument, name) in [
            (None, Ok(None)),
            (Some(&b""[..]), Ok(None)),
            (Some(b"cb"), Ok(Some(&b"cb"[..]))),
            (
                Some(b"PushStreamManager%5B0%5D._onmessage_"),
                Ok(Some(b"PushStreamManager[0]._onmessage_")),
            ),
            (Some(b"$.cb_1"), Ok(Some(b"$.cb_1"))),
            (Some(b"alert(1)"), Err(Refusal::InvalidCallback)),
            (Some(b"a%0Ab"), Err(Refusal::InvalidCallback)),
            (Some(b"a<b"), Err(Refusal::InvalidCallback)),
            (Some(b"a%00"), Err(Refusal::InvalidCallback)),
        ] {
            assert_eq!(callback(argument), name.map(|name| name.map(<[u8]>::to_vec)));
        }
    }
}
