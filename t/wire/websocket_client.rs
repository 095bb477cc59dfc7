//! A WebSocket client of the Rust world, tungstenite: messages of each kind, pings in both
//! directions, how a connection ends, or is lost.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Pid, Signal, kill_process};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Message, WebSocket};

use crate::runner::{Conf, Nginx, Outcome, STANDARD, Setup};

pub(super) const TESTS: [(&str, super::Test); 4] = [
    ("tungstenite sends and sees every kind of message", messages),
    ("tungstenite answers pings; a silent peer is found", pings),
    ("tungstenite sees close codes", closes),
    ("the pong to a client that is lost goes to nobody else", lost_pong),
];

const DEADLINE: Duration = Duration::from_secs(10);

type Socket = WebSocket<TcpStream>;

fn start(setup: &Setup, workers: usize) -> Outcome<Nginx> {
    let common = "push_stream_subscriber websocket; push_stream_channels_path $1;\n\
                  push_stream_message_template ~text~;\n";
    let server = format!(
        "{STANDARD}
        location ~ ^/ws/(.*)$ {{
            {common} push_stream_websocket_allow_publish on; push_stream_websocket_binary on;
            push_stream_websocket_strict on;
        }}
        location ~ ^/pinged/(.*)$ {{
            {common} push_stream_ping_message_interval 200ms; push_stream_websocket_pong_timeout 500ms;
        }}"
    );
    let http = "push_stream_shared_memory_size 64m;".to_owned();
    Nginx::start(setup, &Conf { http, server, workers, ..Conf::default() })
}

fn connect(nginx: &Nginx, path: &str) -> Outcome<Socket> {
    let stream = TcpStream::connect(("127.0.0.1", nginx.port)).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(DEADLINE)).map_err(|e| e.to_string())?;
    let url = format!("ws://127.0.0.1:{}{path}", nginx.port);
    let (socket, _) = tungstenite::client(url, stream).map_err(|e| format!("{path}: {e}"))?;
    Ok(socket)
}

fn send(socket: &mut Socket, message: Message) -> Outcome<()> {
    socket.send(message).map_err(|error| format!("send: {error}"))
}

/// The next message, whatever its kind; pings are answered by the library on the way.
fn read(socket: &mut Socket) -> Outcome<Message> {
    socket.read().map_err(|error| format!("read: {error}"))
}

fn expect(socket: &mut Socket, expected: &Message) -> Outcome<()> {
    let got = read(socket)?;
    if got == *expected {
        return Ok(());
    }
    let short = |message: &Message| format!("{message:?}").chars().take(100).collect::<String>();
    Err(format!("got {}, expected {}", short(&got), short(expected)))
}

fn messages(setup: &Setup) -> Outcome<()> {
    let nginx = start(setup, 2)?;
    let mut sender = connect(&nginx, "/ws/a/b")?;
    let mut reader = connect(&nginx, "/ws/a")?;
    let large = 4 << 20;
    let messages = [
        Message::text("grüße"),
        Message::binary(vec![0, 255, 128]),
        Message::text("t".repeat(large)),
        Message::binary(vec![129; large]),
    ];
    for message in &messages {
        send(&mut sender, message.clone())?;
        expect(&mut reader, message)?;
        // Subscribed to two channels, it published to both.
        expect(&mut sender, message)?;
        expect(&mut sender, message)?;
    }
    for payload in [&b""[..], b"payload", &[7; 125]] {
        let payload = payload.to_vec();
        send(&mut sender, Message::Ping(payload.clone().into()))?;
        expect(&mut sender, &Message::Pong(payload.into()))?;
    }
    drop((sender, reader));
    nginx.quit_cleanly()
}

fn pings(setup: &Setup) -> Outcome<()> {
    let nginx = start(setup, 2)?;
    let mut awake = connect(&nginx, "/pinged/a")?;
    let mut silent = connect(&nginx, "/pinged/a")?;
    // Longer than the pong timeout allows silence: reading answers.
    for _ in 0..8 {
        expect(&mut awake, &Message::Ping(Vec::new().into()))?;
    }
    let mut sender = connect(&nginx, "/ws/a")?;
    send(&mut sender, Message::text("still there"))?;
    loop {
        match read(&mut awake)? {
            Message::Ping(_) => {}
            message if message == Message::text("still there") => break,
            message => return Err(format!("got {message:?}")),
        }
    }
    // The other has not read in all that time: it sees pings and then the end.
    let error = loop {
        match silent.read() {
            Ok(Message::Ping(_) | Message::Close(_)) => {}
            Ok(message) => return Err(format!("a silent peer was kept and got {message:?}")),
            Err(error) => break error,
        }
    };
    if let tungstenite::Error::Io(error) = &error
        && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
    {
        return Err("the connection of a silent peer is still open".into());
    }
    drop((awake, silent, sender));
    nginx.quit_cleanly()
}

fn closes(setup: &Setup) -> Outcome<()> {
    let mut nginx = start(setup, 2)?;
    let close = |code: u16, reason: &'static str| {
        Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() })
    };

    let mut socket = connect(&nginx, "/ws/a")?;
    socket.close(close(4321, "enough")).map_err(|error| error.to_string())?;
    match read(&mut socket)? {
        Message::Close(Some(frame)) if u16::from(frame.code) == 4321 => {}
        message => return Err(format!("answer to a close: {message:?}")),
    }
    ended(&mut socket)?;

    let mut socket = connect(&nginx, "/ws/a")?;
    nginx.reload(Instant::now() + DEADLINE)?;
    match read(&mut socket)? {
        Message::Close(Some(frame)) if frame.code == CloseCode::Away => {}
        message => return Err(format!("at a reload: {message:?}")),
    }
    ended(&mut socket)?;
    nginx.quit_cleanly()
}

/// A ping, and a reset behind it before the worker has looked: it reads the one and then cannot write.
fn lost_pong(setup: &Setup) -> Outcome<()> {
    let mut nginx = start(setup, 1)?;
    let mut other = connect(&nginx, "/ws/b")?;
    let mut lost = connect(&nginx, "/ws/a")?;
    let worker = nginx.workers().first().copied().ok_or("no worker")?;
    let pid = Pid::from_raw(worker).ok_or("pid 0")?;
    let signal = |signal| kill_process(pid, signal).map_err(|error| format!("kill: {error}"));
    signal(Signal::STOP)?;
    super::until("the worker to stop", || {
        let stat = super::read(Path::new(&format!("/proc/{worker}/stat")));
        Ok(stat.contains(") T "))
    })?;
    send(&mut lost, Message::Ping("lost".into()))?;
    set_socket_linger(lost.get_ref(), Some(Duration::ZERO)).map_err(|error| error.to_string())?;
    drop(lost);
    signal(Signal::CONT)?;
    super::until("the log to tell of the reset", || Ok(nginx.log().contains("reset by peer")))?;
    send(&mut other, Message::Ping("other".into()))?;
    expect(&mut other, &Message::Pong("other".into()))?;
    drop(other);
    nginx.quit_cleanly()
}

/// After both close frames the server closes the TCP connection.
fn ended(socket: &mut Socket) -> Outcome<()> {
    match socket.read() {
        Err(tungstenite::Error::ConnectionClosed) => Ok(()),
        Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        other => Err(format!("after the close: {other:?}")),
    }
}
