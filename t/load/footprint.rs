//! What an idle subscriber takes of its worker: nginx's pools are most of it.

use std::iter::repeat_n;

use super::{get, share_machine, soon, standard};
use crate::runner::client::Client;
use crate::runner::{Conf, Nginx, Outcome, Setup, is_sanitized};
use crate::torture::proc_fs::memory;

/// They fill what a worker has from its start.
const FIRST: usize = 100;
const SUBSCRIBERS: usize = 600;
/// Headers of a browser behind a proxy or two.
const HEADERS: usize = 30;

/// Requests begin with the memory that they need, unless the configuration says another number than nginx's default, or clients come
/// over TLS as well.
pub(super) fn run(setup: &Setup) -> Outcome<()> {
    if is_sanitized() {
        // Then there are no pools.
        return Ok(());
    }
    let _shared = share_machine();
    let usual = standard(1, "");
    let each = |http: &str, server: &str, headers| {
        let conf = Conf {
            http: http.to_owned() + &usual.http,
            server: server.to_owned() + &usual.server,
            ..usual.clone()
        };
        bytes_each(setup, &conf, headers)
    };
    let said = each("request_pool_size 4112;\n", "", 0)?;
    let tls = "listen unix:${PREFIX}/tls ssl; ssl_reject_handshake on;\n";
    let tls = each("", tls, 0)?;
    let cors = "push_stream_allowed_origins $http_origin; add_header X-Request-Id $request_id;\n";
    let fitted = [each("", "", 0)?, each("", "", HEADERS)?, each(cors, "", HEADERS)?];
    let figures =
        format!("{fitted:?} bytes a subscriber; {said} as it was said, {tls} with TLS beside it");
    // Those have a second block of 4 KB.
    let is_fitted = fitted.iter().all(|fitted| fitted + 500 < said.min(tls));
    if is_fitted { Ok(()) } else { Err(figures) }
}

fn bytes_each(setup: &Setup, conf: &Conf, headers: usize) -> Outcome<usize> {
    let mut nginx = Nginx::start(setup, conf)?;
    let worker = *nginx.workers().first().ok_or("no worker")?;
    let headers: String = repeat_n("X-Proxy: 1\r\n", headers).collect();
    let request = get("/sub/s", &format!("Origin: https://example.com\r\n{headers}"));
    let mut clients = Vec::new();
    let mut before = 0;
    for number in 0..FIRST + SUBSCRIBERS {
        if number == FIRST {
            before = memory(worker)?;
        }
        let mut client = Client::connect(nginx.port)?;
        client.ask(&request, false, false)?;
        client.head(soon(5))?;
        clients.push(client);
    }
    let each = memory(worker)?.saturating_sub(before) * 1024 / SUBSCRIBERS;
    drop(clients);
    nginx.quit_cleanly()?;
    Ok(each)
}
