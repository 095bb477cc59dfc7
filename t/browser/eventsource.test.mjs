// Event sources of a browser (Chromium) and of npm's eventsource come back by themselves after a
// killed worker and after a reload, and have then seen everything once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventSource as NpmEventSource } from "eventsource";
import { startChromium, startNginx, until } from "./harness.mjs";
import { interrupt, locations, publish, sawEverythingOnce } from "./resuming.mjs";

let browser;
before(async () => { browser = await startChromium(); });
after(() => browser.close());

/**
 * Runs in the page, and here for npm's: keeps the first words that the sources of these URLs see,
 * and is busy with each for `msec`.
 */
function listen([urls, msec = 0]) {
    globalThis.sources = urls.map(url => {
        const source = new EventSource(url);
        source.seen = [];
        source.opens = 0;
        source.onopen = () => source.opens++;
        source.onmessage = event => {
            source.seen.push(event.data.split(" ")[0]);
            for (const end = Date.now() + msec; Date.now() < end;);
        };
        return source;
    });
}

/** The two kinds of clients, with the same verbs. */
const clients = {
    async chromium(t, origin) {
        const page = await browser.newPage();
        t.after(() => page.close());
        await page.goto(origin);
        return {
            listen: (...what) => page.evaluate(listen, what),
            opens: () => page.evaluate(() => globalThis.sources.map(source => source.opens)),
            seen: () => page.evaluate(() => globalThis.sources.map(source => source.seen)),
        };
    },
    async npm(t, origin) {
        globalThis.EventSource = NpmEventSource;
        t.after(() => globalThis.sources.forEach(source => source.close()));
        return {
            listen: async (paths, msec) => listen([paths.map(path => origin + path), msec]),
            opens: async () => globalThis.sources.map(source => source.opens),
            seen: async () => globalThis.sources.map(source => source.seen),
        };
    },
};

async function start(t, options = {}) {
    const nginx = await startNginx({ workers: 2, config: locations, ...options });
    t.after(() => nginx.stop());
    return nginx;
}

for (const [name, connect] of Object.entries(clients)) {
    test(`${name}: resumes by the publisher's event ids`, async t => {
        const nginx = await start(t);
        const client = await connect(t, nginx.url);
        await interrupt(nginx, client, "/ev/", ["a"], text => ({ "Event-Id": text }));
    });

    test(`${name}: resumes by ids of the server, on several channels at once`, async t => {
        const nginx = await start(t);
        const client = await connect(t, nginx.url);
        await interrupt(nginx, client, "/auto/", ["a", "b", "c"]);
    });

    test(`${name}: resumes in the middle of old messages`, async t => {
        const count = 100;
        const nginx = await start(t, {
            workers: 1,
            // Who comes for the first time gets all; who comes again what has come since.
            httpConfig: `push_stream_shared_memory_size 64m; client_max_body_size 1m;
                map $http_last_event_id $backtrack { "" .b${count}; default ""; }`,
            config: `${locations}
                location = /late {
                    push_stream_subscriber eventsource;
                    push_stream_channels_path a$backtrack/b$backtrack;
                    push_stream_eventsource_retry 100ms;
                    push_stream_auto_event_id on;
                }`,
        });
        // More than the kernel's buffers hold and slower to read than the worker is to kill.
        for (let i = 0; i < count; i++) {
            await publish(nginx, i % 2 ? "a" : "b", `${i} ${"x".repeat(200_000)}`);
        }
        const client = await connect(t, nginx.url);
        await client.listen(["/late"], 20);
        const seen = async () => (await client.seen())[0];
        await until(async () => (await seen()).length > 0, 10_000, "the first message");
        await nginx.killWorker();
        assert.ok((await seen()).length < count, "killed too late");
        await sawEverythingOnce(nginx, ["a", "b"], seen);
        assert.deepEqual(await client.opens(), [2]);
    });
}

test("chromium: 20 streams of one page over HTTP/2", async t => {
    const nginx = await start(t, {
        tls: "ssl http2",
        config: `${locations} location = /protocol { return 200 $server_protocol; }`,
    });
    const client = await clients.chromium(t, nginx.tlsUrl);
    const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
    await client.listen(ids.map(id => `/ev/${id}`));
    const open = times => until(async () => (await client.opens()).every(opens => opens === times),
        10_000, `all are open, time ${times}`);
    const everybody = text => Promise.all(
        ids.map(id => publish(nginx, id, `${text}-${id}`, { "Event-Id": text })));
    await open(1);
    await everybody("1");
    await until(async () => (await client.seen()).every(seen => seen.length === 1), 10_000);
    await nginx.reload();
    await everybody("2");
    await open(2);
    await everybody("3");
    await until(async () => (await client.seen()).every(seen => seen.length >= 3), 10_000);
    assert.deepEqual(await client.seen(), ids.map(id => [`1-${id}`, `2-${id}`, `3-${id}`]));
});

test("chromium: over HTTP/1.1 a seventh stream waits for one of six", async t => {
    const nginx = await start(t);
    const client = await clients.chromium(t, nginx.url);
    await client.listen(Array.from({ length: 7 }, (_, i) => `/ev/c${i}`));
    await until(async () => (await client.opens()).filter(opens => opens > 0).length === 6);
    await publish(nginx, "c0", "one");
    await until(async () => (await client.seen())[0].length === 1);
    assert.equal((await client.opens()).filter(opens => opens > 0).length, 6);
});
