// push-stream.mjs in Chromium against nginx with nginx-conf/javascript-client.conf: every transport loses, repeats
// and reorders nothing, and leaves nothing behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { subscribe } from "../push-stream.mjs";
import { randomFrom, setGlobals } from "./fakes.mjs";
import { source, startSite, until } from "./site.mjs";

const TRANSPORTS = (process.env.TRANSPORTS ?? "websocket stream eventsource longpolling").split(" ");

const start = (t, options) => startSite(t, { file: "nginx-conf/javascript-client.conf", ...options });

/** A page of the server's origin, with subscribe() and what it told. */
async function openPage({ nginx, browser }) {
    const page = await browser.newPage();
    await page.goto(`${nginx.url}/push/now`);
    await page.addScriptTag({ type: "module", content: `${source("push-stream.mjs")}
        window.listen = (channels, options) => {
            const told = { messages: [], states: [], gaps: 0, deleted: [], errors: [] };
            told.subscription = subscribe(channels, {
                retryMin: 50, ...options,
                onMessage: message => told.messages.push(message),
                onGap: () => told.gaps++,
                onDelete: (...args) => told.deleted.push(args),
                onStateChange: state => told.states.push(state),
                onError: error => told.errors.push(error.message),
            });
            return window.told = told;
        };` });
    await page.waitForFunction(() => window.listen);
    return page;
}

const listen = (page, channels, options) =>
    page.evaluate(([channels, options]) => void window.listen(channels, options), [channels, options]);
const isOpen = page => until(() => page.evaluate(() => told.subscription.state === "open"), 10_000, "open");
const count = (page, least) => until(() => page.evaluate(least => told.messages.length >= least, least), 10_000, `${least} messages`);
const texts = page => page.evaluate(() => told.messages.map(message => message.text));

for (const transport of TRANSPORTS) {
    test(`${transport}: two tabs, two channels, three reloads, killed workers`, async t => {
        const site = await start(t, { workers: 2 });
        const pages = await Promise.all([openPage(site), openPage(site)]);
        for (const page of pages) {
            await listen(page, ["a", "b"], { transports: [transport] });
            await isOpen(page);
        }
        let stop = false, refused = 0, number = 0;
        const publishing = (async () => {
            for (; !stop; number++) {
                // A worker that is killed takes requests with it; whether they were published the counters tell.
                await site.publish(["a", "b", "a/b"][number % 3], `m${number}`).catch(() => refused++);
            }
        })();
        const more = target => until(() => number >= target, 20_000, "published more");
        try {
            for (let round = 0; round < 3; round++) {
                await site.nginx.reload();
                await more(number + 15);
                await site.nginx.killWorker(round % 2);
                await more(number + 15);
            }
        } finally {
            stop = true;
            await publishing;
        }
        // Ids count in each channel, so that they tell what there was; time and tag tell the order of all.
        const published = await Promise.all(["a", "b"].map(async name => (await site.about(name)).published_messages));
        for (const page of pages) {
            await count(page, published[0] + published[1]);
            const messages = await page.evaluate(() => told.messages.map(({ time, ...rest }) => ({ ...rest, time: +time })));
            for (const [index, name] of ["a", "b"].entries()) {
                assert.ok(published[index] > 50, `${published[index]} messages`);
                assert.deepEqual(messages.filter(({ channel }) => channel === name).map(({ id }) => id),
                    Array.from({ length: published[index] }, (_, id) => id + 1));
            }
            assert.deepEqual(messages.toSorted((a, b) => a.time - b.time || a.tag - b.tag), messages);
        }
        for (const page of pages) {
            const { gaps, connections, transport: used } = await page.evaluate(() => ({
                gaps: told.gaps,
                connections: told.states.filter(state => state === "open").length,
                transport: told.subscription.transport,
            }));
            assert.equal(gaps, 0);
            assert.equal(used, transport);
            // Long polls that are answered in time do not notice a reload.
            if (transport !== "longpolling") assert.ok(connections > 3, `${connections} connections`);
        }
        assert.ok(refused < 20, `${refused} publishes failed`);
    });

    test(`${transport}: messages as they were published`, async t => {
        const site = await start(t), page = await openPage(site);
        await site.publish("a", "stored", { "Event-Id": "one \"1\"" });
        await listen(page, ["a", "ä b"], { transports: [transport], backtrack: 5, eventTypes: ["goal"] });
        await count(page, 1);
        await site.publish("a", "say \"hi\" {\\} é€𝄞\nline 2", { "Event-Type": "goal" });
        await site.publish(encodeURIComponent("ä b"), "x".repeat(300_000));
        await count(page, 3);
        const messages = await page.evaluate(() => told.messages.map(({ time, ...rest }) => ({ ...rest, age: Date.now() - time })));
        messages.forEach(message => assert.ok(message.age < 20_000));
        assert.deepEqual(messages.map(({ age, tag, ...rest }) => rest), [
            { channel: "a", id: 1, text: "stored", eventId: "one \"1\"", eventType: "" },
            { channel: "a", id: 2, text: "say \"hi\" {\\} é€𝄞\nline 2", eventId: "", eventType: "goal" },
            { channel: "ä b", id: 1, text: "x".repeat(300_000), eventId: "", eventType: "" },
        ]);
        assert.deepEqual(await page.evaluate(() => [told.gaps, told.errors]), [0, []]);
    });

    test(`${transport}: abort ends the connection`, async t => {
        const site = await start(t), page = await openPage(site);
        await page.evaluate(transport => {
            window.controller = new AbortController();
            listen(["a", "b"], { transports: [transport], signal: controller.signal });
        }, transport);
        await until(async () => (await site.about("a")).subscribers === 1 && (await site.about("b")).subscribers === 1,
            10_000, "subscribed");
        await page.evaluate(() => controller.abort());
        await until(async () => (await site.about("a")).subscribers === 0 && (await site.about("b")).subscribers === 0,
            10_000, "unsubscribed");
        assert.equal(await page.evaluate(() => told.states.at(-1)), "closed");
    });

    test(`${transport}: a page that was hidden gets what it missed`, async t => {
        const site = await start(t), page = await openPage(site);
        const hide = hidden => page.evaluate(hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
        await listen(page, ["a", "b"], { transports: [transport], pauseWhenHidden: true });
        await until(async () => (await site.about("a")).subscribers === 1, 10_000, "subscribed");
        await site.publish("a", "seen");
        await count(page, 1);
        await hide(true);
        await until(async () => (await site.about("a")).subscribers === 0, 10_000, "paused");
        await site.publish("b", "missed 1");
        await site.publish("a", "missed 2");
        assert.deepEqual(await texts(page), ["seen"]);
        await hide(false);
        await count(page, 3);
        assert.deepEqual(await texts(page), ["seen", "missed 1", "missed 2"]);
    });

    test(`${transport}: a gap is told, a deletion too`, async t => {
        const site = await start(t), page = await openPage(site);
        await listen(page, "a", { transports: [transport] });
        await until(async () => (await site.about("a")).subscribers === 1, 10_000, "subscribed");
        await site.publish("a", "old");
        await count(page, 1);
        const cursor = await page.evaluate(() => JSON.parse(JSON.stringify(told.subscription.cursor)));
        await site.publish("a", "lost");
        await count(page, 2);
        assert.equal((await site.remove("a", "moved")).status, 200);
        await until(() => page.evaluate(() => told.deleted.length === 1), 10_000, "told of the deletion");
        assert.deepEqual(await page.evaluate(() => told.deleted), [["a", "moved"]]);
        await page.evaluate(() => told.subscription.close());
        await site.publish("a", "new");
        await listen(page, "a", { transports: [transport], since: cursor });
        await count(page, 1);
        assert.deepEqual(await texts(page), ["new"]);
        assert.equal(await page.evaluate(() => told.gaps), 1);
    });
}

// An answer to a poll that was cut off counts for nothing, so there is no end of it if all are.
for (const [transport, most] of [["stream", 30], ["longpolling", 4]]) {
    test(`${transport}: cut off anywhere in the stored messages`, async t => {
        const site = await start(t), random = randomFrom(1), log = [];
        for (let number = 0; number < 150; number++) {
            const name = random() < 0.7 ? "a" : "b";
            await site.publish(name, `m${number}`.padEnd(random() * 2000));
            log.push(`${name} m${number}`);
        }
        const { fetch } = globalThis;
        let cuts = 0;
        setGlobals(t, { fetch: async (url, init) => {
            const answer = await fetch(url, init);
            let left = 300 + random() * 20_000;
            const cut = new TransformStream({
                transform(chunk, controller) {
                    if (cuts === most) return controller.enqueue(chunk);
                    controller.enqueue(chunk.subarray(0, left));
                    left -= chunk.length;
                    if (left > 0) return;
                    cuts++;
                    controller.error(new TypeError("cut off"));
                },
            });
            return url.endsWith("/now") ? answer : new Response(answer.body.pipeThrough(cut), answer);
        } });
        const seen = [];
        for await (const { channel, text } of subscribe(["a", "b"], {
            baseUrl: `${site.nginx.url}/push/`, transports: [transport], since: 0, retryMin: 1, onError() {},
            signal: AbortSignal.timeout(30_000),
        })) {
            seen.push(`${channel} ${text.trim()}`);
            if (seen.length === log.length) break;
        }
        assert.deepEqual(seen, log);
        assert.ok(cuts >= 4, `${cuts} cuts`);
    });
}

test("what README.md says for your own nginx.conf", async t => {
    const [, httpConfig, config] = /```nginx\n([^]*)# server\n([^]*?)```/.exec(source("README.md"));
    const publisher = "location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }";
    const site = await startSite(t, { httpConfig, config: config + publisher }), page = await openPage(site);
    for (const transport of TRANSPORTS) {
        await listen(page, "a", { transports: [transport] });
        await until(async () => (await site.about("a")).subscribers === 1, 10_000, "subscribed");
        await site.publish("a", "Hello");
        await count(page, 1);
        await page.evaluate(() => told.subscription.close());
        await until(async () => (await site.about("a")).subscribers === 0, 10_000, "unsubscribed");
    }
});

test("where WebSocket does not get through, the stream does", async t => {
    const site = await start(t), page = await openPage(site);
    await listen(page, "a", { urls: { websocket: "nowhere/" } });
    await isOpen(page);
    await site.publish("a", "Hello");
    await count(page, 1);
    assert.equal(await page.evaluate(() => told.subscription.transport), "stream");
});
