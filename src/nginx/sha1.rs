//! SHA-1 as nginx carries it, for the accept key of the WebSocket handshake (RFC 6455 section 4.2.2).
//!
//! Its header is not among the bindings of nginx-sys: `build.rs` binds it.

#![expect(unsafe_code, reason = "calls nginx's SHA-1")]

use core::mem::MaybeUninit;

mod sys {
    #![allow(
        missing_docs,
        non_camel_case_types,
        unreachable_pub,
        unsafe_code,
        reason = "generated from nginx's headers"
    )]

    use nginx_sys::u_char;

    include!(concat!(env!("OUT_DIR"), "/nginx_extra.rs"));
}

/// The digest of the parts, one after the other.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = MaybeUninit::uninit();
    let mut digest = [0; 20];
    // SAFETY: `init` fills the context in, `update` reads the part it is given, `final` writes the 20
    // bytes of a SHA-1 digest.
    unsafe {
        sys::ngx_sha1_init(context.as_mut_ptr());
        for part in parts {
            sys::ngx_sha1_update(context.as_mut_ptr(), part.as_ptr().cast(), part.len());
        }
        sys::ngx_sha1_final(digest.as_mut_ptr(), context.as_mut_ptr());
    }
    digest
}
