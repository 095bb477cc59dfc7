// Chromium's WebSocket: what a page sends and sees, how its connection ends, how it resumes.

import assert from "node:assert/strict";
import { after, before, test as nodeTest } from "node:test";
import { startChromium, startNginx, until } from "./harness.mjs";
import { interrupt, locations, publish } from "./resuming.mjs";

// What is awaited in the page has no deadline of its own.
const test = (name, fn) => nodeTest(name, { timeout: 60_000 }, fn);

let browser;
before(async () => { browser = await startChromium(); });
after(() => browser.close());

/** nginx with these further locations, and a page of it. */
async function start(t, extra = "", options = {}) {
    const nginx = await startNginx({ workers: 2, config: locations + extra, ...options });
    t.after(() => nginx.stop());
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(nginx.tlsUrl ?? nginx.url);
    return { nginx, page };
}

/** Opens a socket in the page, which keeps what it sees. Throws if it does not open. */
async function open(page, path, protocols = []) {
    await page.evaluate(([path, protocols]) => {
        const socket = new WebSocket(location.origin.replace("http", "ws") + path, protocols);
        socket.binaryType = "arraybuffer";
        socket.seen = [];
        socket.onmessage = event => socket.seen.push(event.data);
        socket.onclose = ({ code, reason, wasClean }) => socket.closed = { code, reason, wasClean };
        globalThis.socket = socket;
        return new Promise((done, failed) => {
            socket.onopen = done;
            socket.onerror = failed;
        });
    }, [path, protocols]);
}

/** Texts as they are, binary messages as [bytes]. */
const seen = page => page.evaluate(() => globalThis.socket.seen.map(
    data => typeof data === "string" ? data : [...new Uint8Array(data)]));

const sees = async (page, expected) => {
    await until(async () => (await seen(page)).length >= expected.length, 10_000,
        `${expected.length} messages`);
    assert.deepEqual(await seen(page), expected);
};

const closed = page => until(() => page.evaluate(() => globalThis.socket.closed), 10_000, "the close");

test("text and binary messages, published over HTTP and through the socket", async t => {
    const { nginx, page } = await start(t);
    await open(page, "/ws/a");
    await publish(nginx, "a", "grüße 👋");
    await publish(nginx, "a", Buffer.from([0, 255, 128]), { "Content-Type": "application/octet-stream" });
    await sees(page, ["grüße 👋", [0, 255, 128]]);
    await page.evaluate(() => {
        globalThis.socket.send("Hello 👋");
        globalThis.socket.send(new Uint8Array([254, 0]));
    });
    await sees(page, ["grüße 👋", [0, 255, 128], "Hello 👋", [254, 0]]);
});

test("several channels on one socket", async t => {
    const { nginx, page } = await start(t);
    await open(page, "/ws/a/b");
    await publish(nginx, "b", "to b");
    await publish(nginx, "a", "to a");
    await sees(page, ["to b", "to a"]);
    await page.evaluate(() => globalThis.socket.send("to all"));
    await sees(page, ["to b", "to a", "to all", "to all"]);
});

test("permessage-deflate is negotiated, and not where it is off", async t => {
    const { nginx, page } = await start(t, `
        location ~ ^/plain/(.+)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }`);
    await open(page, "/ws/a");
    const extensions = () => page.evaluate(() => globalThis.socket.extensions);
    assert.match(await extensions(), /^permessage-deflate/);
    // Larger than any minimal size and smaller when compressed, in both directions.
    const text = "compressed ".repeat(1000);
    await publish(nginx, "a", text);
    await page.evaluate(text => globalThis.socket.send(text), text);
    await sees(page, [text, text]);
    await open(page, "/plain/a");
    assert.equal(await extensions(), "");
});

test("a subprotocol that the page offers is accepted", async t => {
    const { page } = await start(t);
    await open(page, "/ws/a", ["news.v2", "news.v1"]);
    assert.equal(await page.evaluate(() => globalThis.socket.protocol), "news.v2");
});

test("4 MiB in and out, as text and as binary", async t => {
    const { page } = await start(t, "", { httpConfig: "push_stream_shared_memory_size 64m;" });
    await open(page, "/ws/a");
    const same = await page.evaluate(async () => {
        const socket = globalThis.socket;
        const bytes = new Uint8Array(4 << 20).map((_, i) => (i * 2654435761) >>> 13);
        const text = Array.from(bytes.subarray(0, 4 << 20), byte => String.fromCharCode(32 + byte % 90)).join("");
        const echo = data => new Promise(done => {
            socket.onmessage = event => done(event.data);
            socket.send(data);
        });
        const back = new Uint8Array(await echo(bytes));
        return await echo(text) === text && back.length === bytes.length
            && back.every((byte, i) => byte === bytes[i]);
    });
    assert.equal(same, true);
});

test("over TLS", async t => {
    const { nginx, page } = await start(t, "", { tls: "ssl" });
    await open(page, "/ws/a");
    await publish(nginx, "a", "secret");
    await sees(page, ["secret"]);
});

test("the page sees why it ended", async t => {
    const { nginx, page } = await start(t, `
        location ~ ^/known/(.+)$ {
            push_stream_subscriber websocket;
            push_stream_channels_path $1;
            push_stream_authorized_channels_only on;
        }
        location ~ ^/short/(.+)$ {
            push_stream_subscriber websocket;
            push_stream_channels_path $1;
            push_stream_subscriber_connection_ttl 200ms;
        }`);
    await open(page, "/ws/a");
    await nginx.reload();
    assert.equal((await closed(page)).code, 1001, "reload");

    await open(page, "/known/nobody");
    const refused = await closed(page);
    assert.equal(refused.code, 1008);
    assert.deepEqual(JSON.parse(refused.reason),
        { http_status: 403, explain: "Subscriber could not create channels." });

    // A close frame without a code: the page gets 1005.
    await open(page, "/short/a");
    assert.deepEqual(await closed(page), { code: 1005, reason: "", wasClean: true });

    await open(page, "/ws/a");
    await page.evaluate(() => globalThis.socket.close(3456, "bye"));
    const { code, wasClean } = await closed(page);
    assert.deepEqual({ code, wasClean }, { code: 3456, wasClean: true });

    await open(page, "/ws/a");
    for (const _ of nginx.workers()) await nginx.killWorker(0);
    assert.deepEqual(await closed(page), { code: 1006, reason: "", wasClean: false });
});

test("a page that connects again with time and tag misses nothing", async t => {
    const { nginx, page } = await start(t, `
        location ~ ^/again/(.+)$ {
            push_stream_subscriber websocket;
            push_stream_channels_path $1;
            push_stream_message_template "~time~|~tag~|~text~";
            push_stream_last_received_message_time $arg_time;
            push_stream_last_received_message_tag $arg_tag;
        }`);
    const listen = ([path]) => page.evaluate(path => {
        const client = globalThis.client = { seen: [], opens: 0 };
        let cursor = "";
        const connect = () => {
            const socket = new WebSocket(location.origin.replace("http", "ws") + path + cursor);
            socket.onopen = () => client.opens++;
            socket.onclose = () => setTimeout(connect, 100);
            socket.onmessage = event => {
                const [time, tag, text] = event.data.split("|");
                cursor = `?time=${encodeURIComponent(time)}&tag=${tag}`;
                client.seen.push(text);
            };
        };
        connect();
    }, path);
    await interrupt(nginx, {
        listen,
        opens: async () => [await page.evaluate(() => globalThis.client.opens)],
        seen: async () => [await page.evaluate(() => globalThis.client.seen)],
    }, "/again/", ["a", "b"]);
});
