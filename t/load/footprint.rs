//! What an idle subscriber takes of its worker: nginx's pools are most of it.

use super::{get, share_machine, soon, standard};
use crate::runner::client::Client;
use crate::runner::{Conf, Nginx, Outcome, Setup};
use crate::torture::proc_fs::memory;

/// They fill what a worker has from its start.
const FIRST: usize = 100;
const SUBSCRIBERS: usize = 800;

/// Requests begin with the memory that they need, unless the configuration says how much, or clients come over TLS as well.
pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let conf = standard(1, "");
    let fitted = bytes_each(setup, conf.clone())?;
    let said = "request_pool_size 4112;\n".to_owned() + &conf.http;
    let said = bytes_each(setup, Conf { http: said, ..conf.clone() })?;
    let tls = "listen unix:${PREFIX}/tls ssl; ssl_reject_handshake on;\n".to_owned();
    let tls = bytes_each(setup, Conf { server: tls + &conf.server, ..conf })?;
    // Each has a second block of 4 KB.
    let figures = format!("{fitted} bytes a subscriber; {said} as it was said, {tls} with TLS");
    if fitted + 2000 < said.min(tls) { Ok(()) } else { Err(figures) }
}

fn bytes_each(setup: &Setup, conf: Conf) -> Outcome<usize> {
    let mut nginx = Nginx::start(setup, &conf)?;
    let worker = *nginx.workers().first().ok_or("no worker")?;
    let mut clients = Vec::new();
    let mut before = 0;
    for number in 0..FIRST + SUBSCRIBERS {
        if number == FIRST {
            before = memory(worker)?;
        }
        let mut client = Client::connect(nginx.port)?;
        client.ask(&get("/sub/s", ""), false, false)?;
        client.head(soon(5))?;
        clients.push(client);
    }
    let each = memory(worker)?.saturating_sub(before) * 1024 / SUBSCRIBERS;
    drop(clients);
    nginx.quit_cleanly()?;
    Ok(each)
}
