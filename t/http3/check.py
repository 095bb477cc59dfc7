"""The module over HTTP/3: every mode but WebSocket, many streams on one connection, reload, loss.

Started by tools/http3.sh. Usage: check.py NGINX MODULE
"""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

CONFIGURATION = r"""
load_module %(module)s;
daemon off; pid nginx.pid; error_log error.log info; worker_processes 1;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    default_type text/plain;
    # A client that is gone may not be noticed by a worker that leaves: other workers get its packets.
    keepalive_timeout 2s;
    push_stream_shared_memory_size 16m;
    push_stream_message_template "~text~\n";
    push_stream_footer_template "bye";
    server {
        listen 127.0.0.1:%(port)d quic;
        listen 127.0.0.1:%(port)d ssl;
        ssl_certificate certificate; ssl_certificate_key key;
        location = /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
        location ~ ^/sub/(.+)$ { push_stream_subscriber; push_stream_channels_path $1; }
        location ~ ^/ev/(.+)$ { push_stream_subscriber eventsource; push_stream_message_template "~text~"; push_stream_channels_path $1; }
        location ~ ^/lp/(.+)$ { push_stream_subscriber long-polling; push_stream_longpolling_connection_ttl 1s; push_stream_channels_path $1; }
        location ~ ^/poll/(.+)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
    }
}
"""

PATIENCE = 20  # seconds that any one thing may take


class Client(QuicConnectionProtocol):
    """An HTTP/3 connection; each request is the id of its stream."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.arrived = {}

    def quic_event_received(self, event):
        for part in self.http.handle_event(event):
            queue = self.arrived.get(getattr(part, "stream_id", None))
            if queue is None:
                continue
            if isinstance(part, HeadersReceived):
                queue.put_nowait(("head", dict(part.headers)))
            elif isinstance(part, DataReceived) and part.data:
                queue.put_nowait(("data", part.data))
            if part.stream_ended:
                queue.put_nowait(("end", None))

    def ask(self, method, path, body=None, headers=()):
        stream = self._quic.get_next_available_stream_id()
        self.arrived[stream] = asyncio.Queue()
        pseudo = [(b":method", method), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", path)]
        self.http.send_headers(stream, [*pseudo, *headers], end_stream=body is None)
        if body is not None:
            self.http.send_data(stream, body, end_stream=True)
        self.transmit()
        return stream

    async def next(self, stream):
        return await asyncio.wait_for(self.arrived[stream].get(), PATIENCE)

    async def whole(self, stream):
        """Head and body of a response, or what is left of it."""
        head, body = {}, b""
        while True:
            kind, value = await self.next(stream)
            if kind == "end":
                return head, body
            head, body = (value, body) if kind == "head" else (head, body + value)

    async def open(self, path):
        """A request whose answer goes on; its head has come."""
        stream = self.ask(b"GET", path)
        kind, head = await self.next(stream)
        assert (kind, head[b":status"]) == ("head", b"200"), (kind, head)
        return stream

    async def publish(self, path, body):
        head, answer = await self.whole(self.ask(b"POST", path, body))
        assert head[b":status"] == b"200", (head, answer)
        return answer

    async def subscribers(self, count, channel=b"news"):
        """Waits until the channel has so many."""
        for _ in range(PATIENCE * 20):
            _, answer = await self.whole(self.ask(b"GET", b"/pub?id=" + channel))
            if b'"subscribers": %d' % count in answer:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"wanted {count} subscribers: {answer}")

    def abandon(self, stream):
        """Ends one stream from this side, as a browser does when a page closes an event source."""
        self._quic.stop_stream(stream, 0x10C)
        self.transmit()


def say(text):
    print(f"http3: {text} ... ok", flush=True)


async def until(true, what):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


def workers(server):
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="utf-8") as file:
        return file.read().split()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


async def check(dial, server, port):
    await until(lambda: workers(server) and listens(port), "nginx does not start")
    old = workers(server)
    async with dial() as client:
        events = await client.open(b"/ev/news")
        assert await client.next(events) == ("data", b": \n")
        streams = [await client.open(b"/sub/news") for _ in range(20)]
        poll = client.ask(b"GET", b"/lp/news")
        await client.subscribers(22)
        await client.publish(b"/pub?id=news", b"Hello")
        assert await client.next(events) == ("data", b"data: Hello\n\n")
        for stream in streams:
            assert await client.next(stream) == ("data", b"Hello\n")
        head, body = await client.whole(poll)
        assert body == b"Hello\nbye", body
        say("streams, an event source and a long poll on one connection")

        cursor = [(b"if-modified-since", head[b"last-modified"]), (b"if-none-match", head[b"etag"])]
        head, _ = await client.whole(client.ask(b"GET", b"/lp/news", headers=cursor))
        assert head[b":status"] == b"304", head
        await client.publish(b"/pub?id=news", b"you")
        _, body = await client.whole(client.ask(b"GET", b"/poll/news", headers=cursor))
        assert body == b"you\nbye", body
        say("a long poll times out, a poll resumes")

        text = os.urandom(450_000).hex().encode()
        await client.publish(b"/pub?id=big", text)
        _, body = await client.whole(client.ask(b"GET", b"/poll/big.b1"))
        assert body == text + b"\nbye"
        say("a message of 900 kB")

        client.abandon(streams.pop())
        await client.subscribers(20)
        await client.next(streams[0])  # "you"
        for number in range(200):
            await client.publish(b"/pub?id=news", b"%d" % number)
        got = b""
        while got.count(b"\n") < 200:
            got += (await client.next(streams[0]))[1]
        assert got == b"".join(b"%d\n" % number for number in range(200))
        await client.subscribers(20)
        say("a stream that is abandoned, and its neighbours that go on")

        await client.whole(client.ask(b"DELETE", b"/pub?id=news"))
        _, body = await client.whole(streams[0])
        assert body == b"Channel deleted\nbye", body
        say("a channel is deleted")

        stream = await client.open(b"/sub/other")
        server.send_signal(signal.SIGHUP)
        assert await client.whole(stream) == ({}, b"bye")
        say("a reload ends streams in order")
    # Until it has left, the old worker may take packets that are for the new one.
    await until(lambda: workers(server) and not set(old) & set(workers(server)), "the old worker stays")

    async with dial() as client:
        await client.open(b"/sub/other")
        await client.subscribers(1, b"other")
    async with dial() as client:
        await client.publish(b"/pub?id=other", b"x")
        await client.subscribers(0, b"other")
    say("a connection that is closed unsubscribes")


def free_port():
    """One that is free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def main(nginx, module):
    with tempfile.TemporaryDirectory(prefix="nginx-http3-") as folder:
        os.chmod(folder, 0o755)
        port = free_port()
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION % {"module": module, "port": port})
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", f"{folder}/key", "-out", f"{folder}/certificate"],
            check=True, stderr=subprocess.DEVNULL)
        # nginx takes a variable of this name for sockets that it inherits.
        environment = {name: value for name, value in os.environ.items() if name != "NGINX"}
        server = subprocess.Popen([nginx, "-e", "stderr", "-p", folder, "-c", f"{folder}/nginx.conf"], env=environment)
        options = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE)
        try:
            asyncio.run(check(
                lambda: connect("127.0.0.1", port, configuration=options, create_protocol=Client), server, port))
        finally:
            server.send_signal(signal.SIGQUIT)
            try:
                status = server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                status = "killed: it did not quit"
            with open(f"{folder}/error.log", encoding="utf-8") as file:
                bad = [line for line in file if any(level in line for level in ("[alert]", "[crit]", "[emerg]"))]
        if bad or status != 0:
            sys.exit(f"http3: nginx ended with {status}; its log:\n{''.join(bad)}")


main(*sys.argv[1:])
