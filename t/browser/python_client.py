"""Scenarios for Python's websockets, run by python.test.mjs: python_client.py SCENARIO URL.

Each talks to an own channel of the location /ws/ and fails with an assertion.
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate


def deflates(socket):
    return any(isinstance(one, PerMessageDeflate) for one in socket.protocol.extensions)


async def pings(url):
    """A ping is answered with its payload, else the library drops the connection."""
    async with connect(f"{url}/ws/pings", ping_interval=0.1, ping_timeout=5) as socket:
        for payload in (b"x", bytes(range(125))):
            pong = await socket.ping(payload)
            await asyncio.wait_for(pong, 5)
        # The library's own keepalive has measured a round trip.
        async with asyncio.timeout(5):
            while socket.latency == 0:
                await asyncio.sleep(0.01)
        await socket.send("alive")
        assert await socket.recv() == "alive"


async def deflate(url):
    """Compressed and plain clients understand the same messages, of all kinds and sizes."""
    compressed = connect(f"{url}/ws/deflate", max_size=None)
    plain = connect(f"{url}/ws/deflate", max_size=None, compression=None)
    async with compressed as one, plain as two:
        assert deflates(one) and not deflates(two)
        for sender in (one, two):
            for message in ("short", "text ö " * 5000, b"\0\xff" * 70000, "x" * (4 << 20)):
                await sender.send(message)
                assert await one.recv() == message
                assert await two.recv() == message
        # In three frames: one message for those who listen.
        await one.send(["frag", "men", "ted"])
        assert await one.recv() == await two.recv() == "fragmented"


async def close(url):
    """The server answers a close with its code, and keeps what was sent before."""
    async with connect(f"{url}/ws/close") as watcher:
        async with connect(f"{url}/ws/close") as socket:
            await socket.send("last words")
            await socket.close(4001, "done")
        assert socket.close_code == 4001, socket.protocol.close_exc
        assert await watcher.recv() == "last words"


async def ended(url):
    """Prints "open", waits until the server ends the connection and prints its close code."""
    async with connect(f"{url}/ws/ended") as socket:
        print("open", flush=True)
        try:
            await socket.recv()
        except ConnectionClosed as closed:
            print(closed.rcvd.code if closed.rcvd else "no close frame", flush=True)


async def many(url):
    """1,000 sockets on one channel, every other one with compression: all get the same messages."""
    count, slots = 1000, asyncio.Semaphore(50)

    async def listener(number):
        compression = "deflate" if number % 2 else None
        async with slots:
            return await connect(f"{url}/ws/many", compression=compression, open_timeout=30)

    sockets = await asyncio.gather(*(listener(number) for number in range(count)))
    assert sum(map(deflates, sockets)) == count // 2
    messages = [f"{number} " + "many " * number for number in range(20)]
    for message in messages:
        await sockets[0].send(message)

    async def check(socket):
        got = [await socket.recv() for _ in messages]
        assert got == messages, got
        await socket.close()

    await asyncio.gather(*map(check, sockets))


asyncio.run(asyncio.wait_for(globals()[sys.argv[1]](sys.argv[2]), 60))
