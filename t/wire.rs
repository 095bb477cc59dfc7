//! What a plain socket cannot say: TLS, gzip and HTTP/2 through curl, HTTP/2 frame by frame, a
//! WebSocket client, and races.
//!
//! The extra listeners are Unix sockets in nginx's own directory, so the port stays free for the statistics.

mod websocket_client;

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Barrier, PoisonError, RwLockReadGuard, mpsc};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

use crate::runner::client::{Client, find};
use crate::runner::{Conf, MACHINE, Nginx, Outcome, STANDARD, Setup, websocket};

type Test = fn(&Setup) -> Outcome<()>;

pub(crate) fn trials(setup: &Setup) -> Vec<Trial> {
    let tests: [(&str, Test); 11] = [
        ("curl subscribes in every mode by HTTP/2 over TLS, on one connection", streams_of_curl),
        ("curl in every mode and version", versions_of_curl),
        ("curl unpacks gzip as it comes", gzip_of_curl),
        ("long answers of polls in every version, with gzip or without", long_answers_of_curl),
        ("HTTP/2 streams end one by one", h2_streams_end),
        ("a lost HTTP/2 connection unsubscribes all of its streams", h2_connection_is_lost),
        ("HTTP/2 flow control holds a stream, not its neighbours", h2_flow_control),
        ("HTTP/2 has no WebSocket", h2_has_no_websocket),
        ("a WebSocket over TLS", websocket_over_tls),
        ("no more subscribers than the limit, however many come at once", subscribers_at_once),
        ("20,000 channels in the statistics", many_channels),
    ];
    let trial = |(name, test): (&str, Test)| {
        let setup = setup.clone();
        Trial::test(format!("wire: {name}"), move || {
            let _shared: RwLockReadGuard<'_, ()> =
                MACHINE.read().unwrap_or_else(PoisonError::into_inner);
            test(&setup).map_err(Failed::from)
        })
    };
    tests.into_iter().chain(websocket_client::TESTS).map(trial).collect()
}

/// An nginx that also listens with TLS (HTTP/1 and 2) and with plain HTTP/2.
struct Server {
    nginx: Nginx,
    /// Certificate, key, and what curl writes.
    files: TempDir,
}

impl Server {
    fn start(setup: &Setup, workers: usize, http: &str) -> Outcome<Server> {
        let files = TempDir::new().map_err(|error| error.to_string())?;
        let (key, certificate) = (files.path().join("key"), files.path().join("certificate"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .map_err(|error| format!("openssl: {error}"))?;
        if !made.status.success() {
            return Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)));
        }
        // From 1.25.1 on HTTP/2 is a matter of the server; as a parameter of `listen` it is deprecated.
        let (parameter, directive) =
            if setup.version()? < (1, 25, 1) { (" http2", "") } else { ("", "http2 on;") };
        let server = |listen: &str| {
            format!(
                "server {{ listen unix:${{PREFIX}}/{listen}{parameter}; {directive}\n\
                 access_log ${{PREFIX}}/wire.log wire;\n\
                 ssl_certificate {}; ssl_certificate_key {};\n{STANDARD}\n\
                 location ~ ^/ws/(.*)$ {{ push_stream_subscriber websocket; \
                 push_stream_channels_path $1; }} }}\n",
                certificate.display(),
                key.display()
            )
        };
        let conf = Conf {
            http: format!(
                "log_format wire '$connection $server_protocol $uri $status';\n{http}\n{}{}",
                server("tls ssl"),
                server("h2")
            ),
            server: STANDARD.to_owned(),
            workers,
            ..Conf::default()
        };
        Ok(Server { nginx: Nginx::start(setup, &conf)?, files })
    }

    fn curl(&self, arguments: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--no-buffer", "--max-time", "15", "--cacert"])
            .arg(self.files.path().join("certificate"))
            .arg("--unix-socket")
            .arg(self.nginx.prefix().join("tls"))
            .args(arguments)
            .stdin(Stdio::null());
        curl
    }

    /// Runs curl to its end; what it printed.
    fn run_curl(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.curl(arguments).output().map_err(|error| format!("curl: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("curl {arguments:?}: {said}"));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts curl, whose output goes where the arguments say.
    fn spawn_curl(&self, arguments: &[&str]) -> Outcome<Running> {
        let child = self.curl(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        child.map(Running).map_err(|error| format!("curl: {error}"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn publish(&self, channel: &str, text: &str) -> Outcome<()> {
        let length = text.len();
        self.ask(&format!(
            "POST /pub?id={channel} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{text}"
        ))
        .map(drop)
    }

    /// One request on a plain connection; wants 200.
    fn ask(&self, request: &str) -> Outcome<Vec<u8>> {
        let mut client = Client::connect(self.nginx.port)?;
        client.ask(request.as_bytes(), false, false)?;
        let response = client.complete(Instant::now() + Duration::from_secs(5))?;
        if response.status != 200 {
            return Err(format!("{request}: {}", response.status));
        }
        Ok(response.body.clone())
    }

    fn summary(&self) -> Outcome<Value> {
        let body = self.ask("GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")?;
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }

    fn wait_subscribers(&self, count: u64) -> Outcome<()> {
        until(&format!("{count} subscribers"), || {
            Ok(self.summary()?["subscribers"].as_u64() == Some(count))
        })
    }

    fn wait_file(&self, name: &str, text: &str) -> Outcome<()> {
        let path = self.file(name);
        until(&format!("{text} in {name}"), || Ok(read(&path).contains(text)))
            .map_err(|reason| format!("{reason}: {:?}", read(&path)))
    }
}

/// A curl of ours; it does not outlive the test.
struct Running(Child);

impl Running {
    fn wait(&mut self) -> Outcome<i32> {
        let mut code = 0;
        until("the end of curl", || {
            let status = self.0.try_wait().map_err(|error| error.to_string())?;
            code = status.and_then(|status| status.code()).unwrap_or(0);
            Ok(status.is_some())
        })?;
        Ok(code)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Asks until it holds, 5 s at most.
fn until(what: &str, mut holds: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds()? {
        if Instant::now() > deadline {
            return Err(format!("waited in vain for {what}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn wanted(what: &str, actual: &str, expected: &str) -> Outcome<()> {
    if actual == expected { Ok(()) } else { Err(format!("{what}: {actual:?}, not {expected:?}")) }
}

fn streams_of_curl(setup: &Setup) -> Outcome<()> {
    let server = Server::start(
        setup,
        1,
        "push_stream_message_template '[~text~]'; push_stream_header_template 'H|';\n\
         push_stream_footer_template '|F';",
    )?;
    server.publish("old", "stored")?;
    let out: Vec<String> =
        (1..=4).map(|number| server.file(&number.to_string()).display().to_string()).collect();
    let mut curl = server.spawn_curl(&[
        "--http2",
        "--parallel",
        "--output",
        &out[0],
        "https://localhost/sub/a",
        "--output",
        &out[1],
        "https://localhost/sub/a/b",
        "--output",
        &out[2],
        "https://localhost/lp/b",
        "--output",
        &out[3],
        "https://localhost/poll/old.b1",
    ])?;
    server.wait_subscribers(3)?;
    server.wait_file("4", "H|[stored]|F")?;
    server.publish("a", "one")?;
    server.wait_file("1", "H|[one]")?;
    server.wait_file("2", "H|[one]")?;
    server.publish("b", "two")?;
    server.wait_file("2", "H|[one][two]")?;
    server.wait_file("3", "H|[two]|F")?;
    server.wait_subscribers(2)?;
    server.ask("DELETE /pub?id=a/b HTTP/1.1\r\nHost: x\r\n\r\n")?;
    if curl.wait()? != 0 {
        return Err("curl was not content".into());
    }
    wanted("first", &read(&server.file("1")), "H|[one][Channel deleted]|F")?;
    wanted("second", &read(&server.file("2")), "H|[one][two][Channel deleted][Channel deleted]|F")?;
    server.wait_subscribers(0)?;
    let log = read(&server.nginx.prefix().join("wire.log"));
    let connections: std::collections::BTreeSet<&str> =
        log.lines().filter_map(|line| line.split_once(" HTTP/2.0 ").map(|(id, _)| id)).collect();
    if connections.len() != 1 || log.lines().count() != 4 {
        return Err(format!("not four requests on one connection: {log}"));
    }

    // A client that is killed takes all of its streams along.
    let curl = server.spawn_curl(&[
        "--http2",
        "--parallel",
        "--output",
        &out[0],
        "https://localhost/sub/a",
        "--output",
        &out[1],
        "https://localhost/lp/a",
    ])?;
    server.wait_subscribers(2)?;
    drop(curl);
    server.wait_subscribers(0)?;
    server.nginx.quit_cleanly()
}

fn versions_of_curl(setup: &Setup) -> Outcome<()> {
    let server = Server::start(
        setup,
        2,
        "push_stream_message_template '[~text~]'; push_stream_subscriber_connection_ttl 600ms;\n\
         push_stream_footer_template '|F'; push_stream_timeout_with_body on;",
    )?;
    server.publish("old", "stored")?;
    for version in ["--http1.0", "--http1.1", "--http2"] {
        let ask = |arguments: &[&str]| {
            let mut all = vec![version];
            all.extend(arguments);
            server.run_curl(&all).map_err(|reason| format!("{version}: {reason}"))
        };
        wanted(version, &ask(&["https://localhost/poll/old.b1"])?, "[stored]|F")?;
        wanted(version, &ask(&["https://localhost/lp/old.b1"])?, "[stored]|F")?;
        wanted(version, &ask(&["https://localhost/sub/old.b1"])?, "[stored]|F")?;
        wanted(version, &ask(&["https://localhost/lp/old"])?, "[Timed out]|F")?;
        let none = ask(&["--include", "https://localhost/poll/old"])?.to_lowercase();
        if !none.contains(" 304") || !none.ends_with("\r\n\r\n") {
            return Err(format!("{version}: {none}"));
        }
        let head = ask(&["--head", "https://localhost/sub/old"])?.to_lowercase();
        if !head.contains(" 405") || !head.contains("\r\nallow: get\r\n") {
            return Err(format!("{version}: {head}"));
        }
        let published = ask(&[
            "--data-binary",
            "by curl",
            "https://localhost/pub?id=new",
            "--next",
            "--cacert",
            &server.file("certificate").display().to_string(),
            "--unix-socket",
            &server.nginx.prefix().join("tls").display().to_string(),
            "--silent",
            version,
            "https://localhost/poll/new.b1",
        ])?;
        if !published.contains("\"stored_messages\": 1") || !published.ends_with("[by curl]|F") {
            return Err(format!("{version}: {published}"));
        }
        // A refused request with a body must not spoil the connection for the next.
        let refused = ask(&[
            "--include",
            "--data-binary",
            "GET / HTTP/1.1",
            "https://localhost/pub?id=ALL",
            "https://localhost/pub?id=ALL",
        ])?;
        if refused.matches(" 403").count() != 2 {
            return Err(format!("{version}: {refused}"));
        }
        server.ask("DELETE /pub?id=new HTTP/1.1\r\nHost: x\r\n\r\n")?;
    }
    server.wait_subscribers(0)?;
    server.nginx.quit_cleanly()
}

fn gzip_of_curl(setup: &Setup) -> Outcome<()> {
    let server = Server::start(
        setup,
        1,
        "gzip on; gzip_types *; gzip_min_length 0; push_stream_message_template '[~text~]';\n\
         push_stream_header_template 'H|'; push_stream_footer_template '|F';",
    )?;
    for version in ["--http1.1", "--http2"] {
        let out = server.file(version).display().to_string();
        let mut curl = server.spawn_curl(&[
            version,
            "--compressed",
            "--output",
            &out,
            "https://localhost/sub/a",
        ])?;
        server.wait_subscribers(1)?;
        server.wait_file(version, "H|")?;
        for text in ["one", "two", "three"] {
            server.publish("a", text)?;
            server.wait_file(version, &format!("[{text}]"))?;
        }
        let polled = server.run_curl(&[
            version,
            "--compressed",
            "--include",
            "https://localhost/poll/a.b2",
        ])?;
        if !polled.to_lowercase().contains("content-encoding: gzip")
            || !polled.ends_with("H|[two][three]|F")
        {
            return Err(format!("{version}: {polled}"));
        }
        server.ask("DELETE /pub?id=a HTTP/1.1\r\nHost: x\r\n\r\n")?;
        if curl.wait()? != 0 {
            return Err(format!("{version}: curl was not content"));
        }
        wanted(version, &read(&server.file(version)), "H|[one][two][three][Channel deleted]|F")?;
    }
    server.nginx.quit_cleanly()
}

fn long_answers_of_curl(setup: &Setup) -> Outcome<()> {
    let server = Server::start(
        setup,
        1,
        "gzip on; gzip_types *; gzip_min_length 0; push_stream_message_template '[~text~]';\n\
         push_stream_header_template 'H|'; push_stream_footer_template '|F';",
    )?;
    let texts: Vec<String> = (0..80).map(|number| format!("{number:05}").repeat(2_000)).collect();
    for text in &texts {
        server.publish("a", text)?;
    }
    let expected = format!("H|[{}]|F", texts.join("]["));
    for version in ["--http1.0", "--http1.1", "--http2"] {
        for encoding in ["--no-compressed", "--compressed"] {
            for path in ["poll", "lp"] {
                let url = format!("https://localhost/{path}/a.b80");
                let answer = server.run_curl(&[version, encoding, &url])?;
                if answer != expected {
                    let length = answer.len();
                    return Err(format!("{version} {encoding} {path}: {length} other bytes"));
                }
            }
        }
    }
    server.nginx.quit_cleanly()
}

/// A client that writes HTTP/2 frames itself (RFC 9113), without TLS.
struct Frames {
    stream: UnixStream,
    received: Vec<u8>,
    /// The bytes of each stream's DATA frames, and whether it has ended.
    data: HashMap<u32, (Vec<u8>, bool)>,
}

impl Frames {
    /// `window` is how many bytes of each stream the server may send before it is told to go on.
    fn connect(server: &Server, window: u32) -> Outcome<Frames> {
        let stream = UnixStream::connect(server.nginx.prefix().join("h2"))
            .map_err(|error| format!("connect: {error}"))?;
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .map_err(|error| error.to_string())?;
        let mut frames = Frames { stream, received: Vec::new(), data: HashMap::new() };
        frames.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        // SETTINGS_INITIAL_WINDOW_SIZE
        let [a, b, c, d] = window.to_be_bytes();
        frames.frame(4, 0, 0, &[0, 4, a, b, c, d])?;
        Ok(frames)
    }

    fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.stream.write_all(bytes).map_err(|error| format!("send: {error}"))
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Outcome<()> {
        let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        self.write(&bytes)
    }

    /// GET as a HEADERS frame that ends the request. HPACK (RFC 7541): the static table and plain literals.
    fn get(&mut self, stream: u32, path: &str) -> Outcome<()> {
        self.get_with(stream, path, &[])
    }

    fn get_with(&mut self, stream: u32, path: &str, headers: &[(&str, &str)]) -> Outcome<()> {
        let mut block = vec![0x82, 0x86, 0x01, 9];
        block.extend(b"localhost");
        block.extend([0x04, path.len() as u8]);
        block.extend(path.as_bytes());
        for (name, value) in headers {
            block.extend([0, name.len() as u8]);
            block.extend(name.as_bytes());
            block.push(value.len() as u8);
            block.extend(value.as_bytes());
        }
        // END_STREAM, END_HEADERS
        self.frame(1, 0x05, stream, &block)
    }

    fn reset(&mut self, stream: u32) -> Outcome<()> {
        self.frame(3, 0, stream, &8_u32.to_be_bytes())
    }

    fn allow(&mut self, stream: u32, bytes: u32) -> Outcome<()> {
        self.frame(8, 0, stream, &bytes.to_be_bytes())
    }

    /// Takes in what has come.
    fn pump(&mut self) -> Outcome<()> {
        let mut buffer = [0; 16_384];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Err("the server closed the connection".into()),
            Ok(count) => self.received.extend(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(format!("receive: {error}")),
        }
        while self.received.len() >= 9 {
            let length =
                self.received[..3].iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
            if self.received.len() < 9 + length {
                break;
            }
            let frame: Vec<u8> = self.received.drain(..9 + length).collect();
            let (kind, flags) = (frame[3], frame[4]);
            let stream = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]);
            match kind {
                0 => self.data.entry(stream).or_default().0.extend(&frame[9..]),
                3 => return Err(format!("stream {stream} was reset")),
                // SETTINGS are acknowledged.
                4 if flags & 1 == 0 => self.frame(4, 1, 0, &[])?,
                7 => return Err("GOAWAY".into()),
                _ => {}
            }
            if matches!(kind, 0 | 1) && flags & 1 != 0 {
                self.data.entry(stream).or_default().1 = true;
            }
        }
        Ok(())
    }

    fn got(&self, stream: u32) -> &[u8] {
        self.data.get(&stream).map_or(&[], |(bytes, _)| bytes)
    }

    fn has_ended(&self, stream: u32) -> bool {
        self.data.get(&stream).is_some_and(|(_, ended)| *ended)
    }

    fn wait(&mut self, stream: u32, text: &str) -> Outcome<()> {
        until(&format!("{text} on stream {stream}"), || {
            self.pump()?;
            Ok(find(self.got(stream), text.as_bytes()).is_some())
        })
        .map_err(|reason| format!("{reason}: {}", self.got(stream).escape_ascii()))
    }

    fn wait_end(&mut self, stream: u32) -> Outcome<()> {
        until(&format!("the end of stream {stream}"), || {
            self.pump()?;
            Ok(self.has_ended(stream))
        })
    }
}

fn h2_streams_end(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 1, "push_stream_message_template '[~text~]';")?;
    let mut client = Frames::connect(&server, 65_535)?;
    for (stream, path) in
        [(1, "/sub/a"), (3, "/sub/a"), (5, "/sub/a/b"), (7, "/lp/a"), (9, "/lp/b"), (11, "/sub/b")]
    {
        client.get(stream, path)?;
    }
    server.wait_subscribers(6)?;
    // The client takes back one stream and one long poll.
    client.reset(3)?;
    client.reset(9)?;
    server.wait_subscribers(4)?;
    server.publish("a", "one")?;
    for stream in [1, 5, 7] {
        client.wait(stream, "[one]")?;
    }
    client.wait_end(7)?;
    server.wait_subscribers(3)?;
    server.publish("b", "two")?;
    client.wait(5, "[one][two]")?;
    client.wait(11, "[two]")?;
    if !client.got(3).is_empty() || !client.got(9).is_empty() {
        return Err("something came on a stream that was reset".into());
    }
    server.ask("DELETE /pub?id=b HTTP/1.1\r\nHost: x\r\n\r\n")?;
    client.wait(11, "[two][Channel deleted]")?;
    client.wait_end(11)?;
    client.wait(5, "[one][two][Channel deleted]")?;
    // The rest goes on; new streams may be opened.
    client.get(13, "/poll/a.b1")?;
    client.wait(13, "[one]")?;
    client.wait_end(13)?;
    server.wait_subscribers(2)?;
    if client.has_ended(1) || client.has_ended(5) {
        return Err("a stream ended with a channel left".into());
    }
    server.nginx.quit_cleanly()
}

fn h2_has_no_websocket(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 1, "")?;
    let mut client = Frames::connect(&server, 65_535)?;
    // Also a client that sends what HTTP/2 forbids does not get its stream switched.
    let headers = websocket::HANDSHAKE.map(|line| line.split_once(": ").unwrap_or_default());
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    client.get_with(1, "/ws/a", &headers)?;
    client.wait_end(1)?;
    client.get_with(3, "/ws/a", &headers[2..])?;
    client.wait_end(3)?;
    client.get(5, "/ws/a")?;
    client.wait_end(5)?;
    if [1, 3, 5].iter().any(|stream| !client.got(*stream).is_empty()) {
        return Err("there is a body".into());
    }
    let log = server.nginx.prefix().join("wire.log");
    until("three refusals in the access log", || {
        Ok(read(&log).matches("HTTP/2.0 /ws/a 400\n").count() == 3)
    })
    .map_err(|reason| format!("{reason}: {}", read(&log)))?;
    // The connection is good for more.
    client.get(7, "/sub/a")?;
    server.wait_subscribers(1)?;
    server.publish("a", "one")?;
    client.wait(7, "one")?;
    server.nginx.quit_cleanly()
}

/// OpenSSL's client with its pipes; what it receives comes through a channel.
struct TlsClient {
    child: Running,
    received: Vec<u8>,
    incoming: mpsc::Receiver<Vec<u8>>,
}

impl TlsClient {
    fn connect(server: &Server) -> Outcome<TlsClient> {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-unix"])
            .arg(server.nginx.prefix().join("tls"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("openssl: {error}"))?;
        let mut output = child.stdout.take().ok_or("no pipe")?;
        let (sender, incoming) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            // Ends with the process, whose end drops the sender.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(TlsClient { child: Running(child), received: Vec::new(), incoming })
    }

    fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        let input = self.child.0.stdin.as_mut().ok_or("no pipe")?;
        input.write_all(bytes).map_err(|error| format!("send: {error}"))
    }

    /// Takes bytes off the front as soon as `parse` finds what it looks for.
    fn take<T>(
        &mut self,
        what: &str,
        mut parse: impl FnMut(&[u8]) -> Outcome<Option<(T, usize)>>,
    ) -> Outcome<T> {
        loop {
            if let Some((found, length)) = parse(&self.received)? {
                self.received.drain(..length);
                return Ok(found);
            }
            let more = self.incoming.recv_timeout(Duration::from_secs(10));
            let more = more.map_err(|error| format!("{what}: {error}"))?;
            self.received.extend(more);
        }
    }

    fn frame(&mut self) -> Outcome<websocket::Frame> {
        self.take("a frame", websocket::Frame::parse)
    }
}

/// TLS hands out what it has decrypted, and there is no event for what it has left: frames in one record with
/// the handshake, and records longer than a read.
fn websocket_over_tls(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 2, "push_stream_websocket_allow_publish on;")?;
    let mut client = TlsClient::connect(&server)?;
    let handshake = websocket::HANDSHAKE.join("\r\n");
    let request = format!("GET /ws/a HTTP/1.1\r\nHost: localhost\r\n{handshake}\r\n\r\n");
    let frames = [websocket::encode("text \"one\"")?, websocket::encode("text \"two\"")?];
    client.send(&[request.as_bytes(), &frames.concat()].concat())?;
    let head = client.take("a head", |bytes| {
        let length = find(bytes, b"\r\n\r\n").map(|length| length + 4);
        Ok(length.map(|length| (String::from_utf8_lossy(&bytes[..length]).into_owned(), length)))
    })?;
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(head);
    }
    client.frame()?.check("text \"one\"")?;
    client.frame()?.check("text \"two\"")?;
    for length in [1, 16_383, 16_384, 16_385, 300_000] {
        let frame = format!("text \"a\" x {length}");
        client.send(&websocket::encode(&frame)?)?;
        client.frame()?.check(&frame)?;
    }
    // Many in one record.
    let many: Vec<Vec<u8>> = (0..500)
        .map(|number| websocket::encode(&format!("text \"m{number}\"")))
        .collect::<Outcome<_>>()?;
    client.send(&many.concat())?;
    for number in 0..500 {
        client.frame()?.check(&format!("text \"m{number}\""))?;
    }
    server.publish("a", "from elsewhere")?;
    client.frame()?.check("text \"from elsewhere\"")?;
    client.send(&websocket::encode("ping \"p\"")?)?;
    client.frame()?.check("pong \"p\"")?;
    client.send(&websocket::encode("close 1000")?)?;
    client.frame()?.check("close 1000")?;
    client.child.wait()?;
    server.wait_subscribers(0)?;
    server.nginx.quit_cleanly()
}

fn h2_connection_is_lost(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 2, "push_stream_message_template '[~text~]';")?;
    let mut client = Frames::connect(&server, 65_535)?;
    for number in 0..20 {
        let path = if number % 2 == 0 { "/sub/a/b" } else { "/lp/a" };
        client.get(2 * number + 1, path)?;
    }
    server.wait_subscribers(20)?;
    server.publish("b", "one")?;
    client.wait(1, "[one]")?;
    drop(client);
    server.wait_subscribers(0)?;
    server.publish("a", "nobody")?;
    let channel = server.ask("GET /stats?id=a HTTP/1.1\r\nHost: x\r\n\r\n")?;
    if find(&channel, b"\"subscribers\": 0").is_none() {
        return Err(channel.escape_ascii().to_string());
    }
    server.nginx.quit_cleanly()
}

fn h2_flow_control(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 1, "push_stream_message_template '[~text~]';")?;
    let mut client = Frames::connect(&server, 100)?;
    client.get(1, "/sub/a")?;
    client.get(3, "/sub/b")?;
    server.wait_subscribers(2)?;
    for number in 0..30 {
        server.publish("a", &format!("message {number:02}"))?;
    }
    server.publish("b", "neighbour")?;
    client.wait(3, "[neighbour]")?;
    client.pump()?;
    if client.got(1).len() > 100 {
        return Err("more came than was allowed".into());
    }
    client.allow(1, 10_000)?;
    client.wait(1, "[message 29]")?;
    let all: String = (0..30).map(|number| format!("[message {number:02}]")).collect();
    wanted("what came", &String::from_utf8_lossy(client.got(1)), &all)?;
    server.nginx.quit_cleanly()
}

fn subscribers_at_once(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 4, "push_stream_max_subscribers_per_channel 5;")?;
    let port = server.nginx.port;
    for round in 0..10 {
        let barrier = Barrier::new(16);
        let clients: Vec<Outcome<Client>> = std::thread::scope(|scope| {
            let ask = || {
                let mut client = Client::connect(port)?;
                barrier.wait();
                let request = format!("GET /sub/room{round} HTTP/1.1\r\nHost: x\r\n\r\n");
                client.ask(request.as_bytes(), false, false)?;
                client.head(Instant::now() + Duration::from_secs(5))?;
                Ok(client)
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err("a client panicked".into())))
                .collect()
        });
        let mut clients = clients.into_iter().collect::<Outcome<Vec<Client>>>()?;
        let mut counts = HashMap::new();
        for client in &mut clients {
            let status = client.head(Instant::now())?.status;
            *counts.entry(status).or_insert(0) += 1;
        }
        if counts != HashMap::from([(200, 5), (403, 11)]) {
            return Err(format!("round {round}: {counts:?}"));
        }
    }
    server.wait_subscribers(0)?;
    server.nginx.quit_cleanly()
}

fn many_channels(setup: &Setup) -> Outcome<()> {
    let server = Server::start(setup, 2, "push_stream_shared_memory_size 64m;")?;
    let mut client = Client::connect(server.nginx.port)?;
    for block in 0..40 {
        let ids: Vec<String> =
            (0..500).map(|number| format!("channel{:05}", block * 500 + number)).collect();
        let uri = format!("/poll/{}", ids.join("/"));
        client.ask(format!("GET {uri} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), false, false)?;
        let status = client.complete(Instant::now() + Duration::from_secs(5))?.status;
        if status != 304 {
            return Err(format!("block {block}: {status}"));
        }
    }
    let begun = Instant::now();
    let body = server.ask("GET /stats?id=ALL HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let took = begun.elapsed();
    let list: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let infos = list["infos"].as_array().map_or(0, Vec::len);
    if infos != 20_000 || list["channels"] != 20_000 || took > Duration::from_secs(3) {
        return Err(format!("{infos} channels in {took:?}"));
    }
    let some = server.ask("GET /stats?id=channel0001* HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let some: Value = serde_json::from_slice(&some).map_err(|error| error.to_string())?;
    if some["infos"].as_array().map_or(0, Vec::len) != 10 {
        return Err(some.to_string());
    }
    server.nginx.quit_cleanly()
}
