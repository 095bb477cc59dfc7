// push-stream.mjs without a server: what it asks for, what it reads, how it goes on after failures.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { subscribe } from "../push-stream.mjs";
import { never, openBody, randomFrom, render, setGlobals, settle } from "./fakes.mjs";

const baseUrl = "http://push.test/push/";
const quiet = { baseUrl, onError() {}, since: 0 };

/** fetch() that answers as `serve` says: undefined waits for ever. */
function fakeFetch(t, serve) {
    const asked = [];
    setGlobals(t, {
        fetch: async (href, { signal, ...init } = {}) => {
            const url = new URL(href);
            asked.push(url);
            return await serve(url, signal, init) ?? never(signal);
        },
    });
    return asked;
}

const now = () => new Response("1700000000.123");

test("a text may be anything, and be cut anywhere", async t => {
    const texts = ["", "plain", "say \"hi\"}", "two\r\nlines\n", "{\"id\":1,\"channel\":\"", "é€𝄞", "\"}{\"", "\ufefftext"];
    const bytes = Buffer.concat(texts.map((text, index) => Buffer.concat([
        render({ id: index + 1, tag: index + 1, text, eventId: "say \"x\"", channel: "ä\"" }),
        Buffer.from(index % 2 ? "\r\n" : ""),
    ])));
    for (let size = 1; size < bytes.length; size += size < 40 ? 1 : 37) {
        const pieces = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
        fakeFetch(t, (url, signal) => new Response(openBody(pieces, signal)));
        const seen = [];
        for await (const message of subscribe("ä\"", { ...quiet, transports: ["stream"] })) {
            seen.push(message);
            if (seen.length === texts.length) break;
        }
        assert.deepEqual(seen.map(message => message.text), texts);
        assert.deepEqual({ ...seen[1], text: "" },
            { channel: "ä\"", id: 2, text: "", time: new Date(1000), tag: 2, eventId: "say \"x\"", eventType: "" });
    }
});

test("bytes that are no UTF-8 take nothing with them", async t => {
    const broken = render({ text: "ab" });
    broken[broken.indexOf("ab")] = 0xff;
    fakeFetch(t, (url, signal) => new Response(openBody([broken, render({ id: 2, tag: 2, text: "next" })], signal)));
    const subscription = subscribe("a", { ...quiet, transports: ["stream"] });
    assert.equal((await subscription.next()).value.text, "\ufffdb");
    assert.equal((await subscription.next()).value.text, "next");
    subscription.close();
});

test("another template is an error that says what to do", async t => {
    for (const [body, transport] of [["Hello\n", "stream"], ["Hello\n", "longpolling"],
        ["{\"id\":1,\"text\":\"Hello\"}", "longpolling"]]) {
        fakeFetch(t, () => new Response(body));
        const error = await new Promise(onError => {
            t.after(subscribe("a", { ...quiet, transports: [transport], onError }).close);
        });
        assert.match(error.message, /push_stream_message_template of client\/README.md/);
    }
});

test("wrong arguments are refused at once", () => {
    assert.throws(() => subscribe([], { baseUrl }), /channels: give one or more names/);
    assert.throws(() => subscribe("a/b", { baseUrl }), /without "\/"/);
    assert.throws(() => subscribe("a", { baseUrl, transports: ["carrier pigeon"] }), /there is no "carrier pigeon"/);
    assert.throws(() => subscribe("a", { baseUrl, transports: [] }), /none of them exists here/);
    assert.throws(() => subscribe("a", { baseUrl, since: "yesterday" }), /since: not a time/);
    assert.throws(() => subscribe("a", { baseUrl: "/only/in/pages/" }), /Invalid URL/);
});

test("URLs: channels, cursor, arguments of the page", async t => {
    const asked = fakeFetch(t, url => url.pathname.endsWith("now") ? now() : undefined);
    const ask = async (channels, options) => {
        asked.length = 0;
        const subscription = subscribe(channels, { baseUrl, transports: ["longpolling"], ...options });
        await settle();
        subscription.close();
        return asked.map(url => url.href.replace(baseUrl, ""));
    };
    const first = "time=Tue%2C%2014%20Nov%202023%2022%3A13%3A20%20GMT&tag=0";
    assert.deepEqual(await ask("news", {}), ["now", `lp/news?${first}`]);
    assert.deepEqual(await ask(["news", "news"], { baseUrl: "http://push.test/push" }), ["now", `lp/news?${first}`]);
    assert.deepEqual(await ask(["a b", "ä%"], { backtrack: 3 }), ["now", `lp/a%20b.b3/%C3%A4%25.b3?${first}`]);
    const since = { time: new Date(1700000000000), tag: 7 };
    const cursor = first.replace(/0$/, "7");
    assert.deepEqual(await ask("a", { since }), [`lp/a?${cursor}`]);
    assert.deepEqual(await ask("a", { since: JSON.parse(JSON.stringify(since)) }), [`lp/a?${cursor}`]);
    assert.deepEqual(await ask("a", { since: 0 }), ["lp/a?time=Thu%2C%2001%20Jan%201970%2000%3A00%3A00%20GMT&tag=0"]);
    assert.deepEqual(await ask("a", { since, params: () => ({ token: "x y" }), urls: { longpolling: "/poll?v=1" } }),
        [`http://push.test/polla?v=1&token=x%20y&${cursor}`]);
});

test("long-polling resumes with the cursor of each answer", async t => {
    const headers = { "Last-Modified": new Date(1700000005000).toUTCString(), Etag: "W/12" };
    const asked = fakeFetch(t, (url, signal, init) => {
        assert.equal(init.cache, "no-store");
        if (asked.length === 1) return new Response(render({ text: "one" }), { headers });
    });
    const subscription = subscribe(["a", "b"], { ...quiet, transports: ["longpolling"] });
    assert.equal((await subscription.next()).value.text, "one");
    await settle();
    assert.equal(asked[1].search, "?time=Tue%2C%2014%20Nov%202023%2022%3A13%3A25%20GMT&tag=12");
    assert.deepEqual(subscription.cursor, { time: new Date(1700000005000), tag: 12 });
    assert.equal(subscription.state, "open");
    subscription.close();
});

test("a transport that cannot connect gives way to the next, and the one that can is kept", async t => {
    class Refused {
        close() {}
        constructor(url) {
            opened.push(url);
            setImmediate(() => this.onclose?.({ code: 1006, reason: "" }));
        }
    }
    const opened = [], states = [], delays = [];
    setGlobals(t, { WebSocket: Refused });
    let good = 0;
    fakeFetch(t, (url, signal) => {
        if (url.pathname.startsWith("/push/sub/") && good++ < 3) {
            return new Response(new Blob([render({ id: good, tag: good })]).stream());
        }
    });
    setGlobals(t, { setTimeout: (fn, msec) => {
        if (msec < 5000) { delays.push(msec); setImmediate(fn); }
    } });
    const subscription = subscribe("a", { ...quiet, random: () => 0.5, onStateChange: (...args) => states.push(args) });
    for (let count = 0; count < 3; count++) await subscription.next();
    await settle();
    subscription.close();
    assert.equal(opened.length, 1);
    assert.match(opened[0], /^ws:\/\/push\.test\/push\/ws\/a\?time=/);
    // No pause before the next transport; a short one after a connection that was good.
    assert.deepEqual(delays, [500, 500, 500]);
    const once = [["connecting", "stream"], ["open", "stream"], ["waiting", "stream"]];
    assert.deepEqual(states, [["connecting", "websocket"], ...once, ...once, ...once, ["connecting", "stream"], ["closed", "stream"]]);
});

test("the pause grows, has an upper bound, and jitter", async t => {
    const pauses = async random => {
        const delays = [];
        setGlobals(t, { setTimeout: (fn, msec) => {
            if (msec === 10000) return; // connectTimeout
            delays.push(msec);
            if (delays.length < 9) setImmediate(fn);
        } });
        fakeFetch(t, () => { throw new TypeError("refused"); });
        const subscription = subscribe("a", { ...quiet, transports: ["stream"], random });
        await settle();
        subscription.close();
        return delays;
    };
    assert.deepEqual(await pauses(() => 1), [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000]);
    assert.deepEqual(await pauses(() => 0.25), [250, 500, 1000, 2000, 4000, 7500, 7500, 7500, 7500]);
});

test("a server that accepts and hangs up is not flooded", async t => {
    const delays = [];
    setGlobals(t, { setTimeout: (fn, msec) => {
        if (msec > 5000 && msec % 10000 === 0 && delays.length < 5) return;
        delays.push(msec);
        if (delays.length < 8) setImmediate(fn);
    } });
    fakeFetch(t, () => new Response(""));
    const subscription = subscribe("a", { ...quiet, transports: ["stream"], random: () => 1 });
    await settle();
    subscription.close();
    assert.deepEqual(delays.slice(0, 5), [1000, 2000, 4000, 8000, 16000]);
});

test("refusals tell status and reason", async t => {
    fakeFetch(t, () => new Response("", { status: 403, headers: { "X-Nginx-PushStream-Explain": "Number of channels were exceeded." } }));
    const error = await new Promise(onError => {
        t.after(subscribe("a", { ...quiet, transports: ["stream"], onError }).close);
    });
    assert.deepEqual([error.status, error.explain], [403, "Number of channels were exceeded."]);

    setGlobals(t, { WebSocket: class {
        constructor() {
            setImmediate(() => this.onclose({ code: 1008, reason: "{\"http_status\": 403, \"explain\":\"Subscriber could not create channels.\"}" }));
        }
        close() {}
    } });
    const refused = await new Promise(onError => {
        t.after(subscribe("a", { ...quiet, transports: ["websocket"], onError }).close);
    });
    assert.deepEqual([refused.status, refused.explain], [403, "Subscriber could not create channels."]);
});

test("a gap is told once for each connection, by header or by message", async t => {
    for (const answer of [
        signal => new Response(openBody([render({ id: -4, tag: 0, time: 0, text: "missing" })], signal)),
        signal => new Response(openBody([render({ id: -4, tag: 0, time: 0 })], signal), { headers: { "X-Nginx-PushStream-Gap": "1" } }),
        signal => new Response(openBody([], signal), { headers: { "X-Nginx-PushStream-Gap": "1" } }),
    ]) {
        fakeFetch(t, (url, signal) => answer(signal));
        let gaps = 0;
        const subscription = subscribe("a", { ...quiet, transports: ["stream"], onGap: () => gaps++ });
        await settle();
        subscription.close();
        assert.equal(gaps, 1);
    }
});

test("each poll may find a gap", async t => {
    const headers = { "X-Nginx-PushStream-Gap": "1" };
    const asked = fakeFetch(t, () => asked.length < 3
        ? new Response(Buffer.concat([render({ id: -4, tag: 0, time: 0 }), render({ tag: asked.length })]), { headers }) : undefined);
    let gaps = 0;
    const subscription = subscribe("a", { ...quiet, transports: ["longpolling"], onGap: () => gaps++ });
    await settle();
    subscription.close();
    assert.equal(gaps, 2);
});

test("a server that is down costs no transport its place", async t => {
    const used = [];
    setGlobals(t, { setTimeout: (fn, msec) => { if (msec < 10_000) setImmediate(fn); }, WebSocket: class {
        constructor(url) { used.push(url); }
        close() {}
    } });
    let down = 5;
    fakeFetch(t, url => {
        if (url.pathname.endsWith("now") && down-- > 0) throw new TypeError("refused");
        return url.pathname.endsWith("now") ? now() : undefined;
    });
    const subscription = subscribe("a", { baseUrl, onError() {}, random: () => 0.1 });
    for (let turns = 0; turns < 100 && !used.length; turns++) await settle();
    assert.equal(used.length, 1);
    assert.equal(subscription.transport, "websocket");
    subscription.close();
});

test("a server that does not keep the order of channels is an error that says what to do", async t => {
    fakeFetch(t, (url, signal) => new Response(openBody([render({ tag: 2 }), render({ channel: "b", tag: 1 })], signal)));
    const error = await new Promise(onError => {
        t.after(subscribe(["a", "b"], { ...quiet, transports: ["stream"], onError }).close);
    });
    assert.match(error.message, /needs push_stream_auto_event_id on/);
});

test("pings and farewells are no messages; a deleted channel is told", async t => {
    const deleted = [], seen = [];
    fakeFetch(t, (url, signal) => new Response(openBody([
        render({ id: -1, channel: "", tag: 0, time: 0, text: " " }),
        render({ id: -2, channel: "a", tag: 0, time: 0, text: "bye" }),
    ], signal)));
    const subscription = subscribe("a", { ...quiet, transports: ["stream"],
        onMessage: message => seen.push(message), onDelete: (...args) => deleted.push(args) });
    await settle();
    assert.deepEqual([seen, deleted, subscription.cursor], [[], [["a", "bye"]], { time: new Date(0), tag: 0 }]);
    subscription.close();
});

test("lines of an EventSource are joined; only types that were named are listened to", async t => {
    let source;
    setGlobals(t, { EventSource: class extends EventTarget {
        constructor(url) { super(); source = this; this.url = url; setImmediate(() => this.onopen()); }
        close() { this.closed = true; }
    } });
    let tag = 0;
    const send = (type, ...lines) => {
        tag++;
        const data = lines.map(text => render({ text, tag })).join("\n");
        source.dispatchEvent(Object.assign(new Event(type), { data }));
    };
    const seen = [];
    let gaps = 0;
    const subscription = subscribe("a", { ...quiet, transports: ["eventsource"], eventTypes: ["goal"],
        onMessage: message => seen.push(message.text), onGap: () => gaps++ });
    await settle();
    send("message", "one \"}", "two");
    send("goal", "2:1");
    send("foul", "not named");
    source.dispatchEvent(Object.assign(new Event("gap"), { data: render({ id: -4 }).toString() }));
    assert.deepEqual([seen, gaps], [["one \"}\ntwo", "2:1"], 1]);
    subscription.close();
    assert.ok(source.closed);
});

test("what a callback throws is the page's matter, the subscription goes on", async t => {
    const thrown = [];
    setGlobals(t, { queueMicrotask: task => {
        try { task(); } catch (error) { thrown.push(error.message); }
    } });
    fakeFetch(t, (url, signal) => new Response(openBody([1, 2].map(tag => render({ tag, id: tag })), signal)));
    const subscription = subscribe("a", { ...quiet, transports: ["stream"],
        onMessage(message) { throw new Error(`message ${message.id}`); } });
    await settle();
    assert.deepEqual(thrown, ["message 1", "message 2"]);
    assert.equal(subscription.state, "open");
    subscription.close();
});

test("an iterator ends by close, abort and break; what had come is still given", async t => {
    const bodies = [];
    fakeFetch(t, (url, signal) => {
        bodies.push(signal);
        return new Response(openBody([Buffer.concat([1, 2, 3].map(tag => render({ tag, id: tag })))], signal));
    });
    const controller = new AbortController();
    const ids = [];
    for await (const { id } of subscribe("a", { ...quiet, transports: ["stream"], signal: controller.signal })) {
        ids.push(id);
        controller.abort();
    }
    for await (const { id } of subscribe("a", { ...quiet, transports: ["stream"] })) {
        ids.push(id);
        break;
    }
    const subscription = subscribe("a", { ...quiet, transports: ["stream"] });
    const waiting = Promise.all([1, 2, 3, 4].map(() => subscription.next()));
    await settle();
    subscription.close();
    ids.push(...(await waiting).map(({ value, done }) => done ? "end" : value.id));
    assert.deepEqual(ids, [1, 2, 3, 1, 1, 2, 3, "end"]);
    assert.equal(subscription.state, "closed");
    assert.ok(bodies.every(signal => signal.aborted));
    const aborted = subscribe("a", { ...quiet, signal: AbortSignal.abort() });
    assert.deepEqual(await aborted.next(), { value: undefined, done: true });
    assert.equal(bodies.length, 3);
});

test("closed by its own callbacks", async t => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let open = 0;
    setGlobals(t, { WebSocket: class {
        constructor() { open++; setImmediate(() => this.onopen?.()); }
        close() { open--; this.close = () => {}; }
    } });
    fakeFetch(t, () => { throw new TypeError("refused"); });
    for (const [transport, at] of [["websocket", "connecting"], ["websocket", "open"], ["stream", "waiting"]]) {
        const states = [];
        const subscription = subscribe("a", { ...quiet, transports: [transport], onStateChange(state) {
            states.push(state);
            if (state === at) subscription.close();
        } });
        assert.deepEqual(await subscription.next(), { value: undefined, done: true });
        await settle();
        assert.deepEqual([states.slice(-2), open], [[at, "closed"], 0]);
    }
});

test("the work for many messages at once grows with their bytes only", async t => {
    const body = Buffer.concat(Array.from({ length: 2000 }, (_, index) => render({ tag: index + 1, text: "small" })));
    let served = false, decoded = 0;
    fakeFetch(t, () => served ? undefined : (served = true, new Response(body)));
    t.mock.method(TextDecoder.prototype, "decode", function (bytes) {
        decoded += bytes.length;
        return Buffer.from(bytes).toString("latin1");
    });
    let seen = 0;
    const subscription = subscribe("a", { ...quiet, transports: ["longpolling"], onMessage: () => seen++ });
    await settle();
    subscription.close();
    assert.equal(seen, 2000);
    assert.ok(decoded < 10 * body.length, `${decoded} of ${body.length} bytes`);
});

test("a hidden page has no connection if it asked for that", async t => {
    const document = Object.assign(new EventTarget(), { hidden: false });
    const show = hidden => { document.hidden = hidden; document.dispatchEvent(new Event("visibilitychange")); };
    setGlobals(t, { document });
    let connections = 0;
    fakeFetch(t, (url, signal) => {
        connections++;
        signal.addEventListener("abort", () => connections--);
        return new Response(openBody([], signal));
    });
    const states = [];
    const subscription = subscribe("a", { ...quiet, transports: ["stream"], pauseWhenHidden: true, onStateChange: state => states.push(state) });
    await settle();
    show(true);
    await settle();
    assert.equal(connections, 0);
    show(false);
    await settle();
    assert.equal(connections, 1);
    subscription.close();
    show(true);
    await settle();
    assert.equal(connections, 0);
    assert.deepEqual(states, ["connecting", "open", "paused", "connecting", "open", "closed"]);
});

test("a network that comes back is used at once", async t => {
    const target = new EventTarget();
    setGlobals(t, { addEventListener: target.addEventListener.bind(target), removeEventListener: target.removeEventListener.bind(target) });
    let online = false;
    fakeFetch(t, (url, signal) => {
        if (!online) throw new TypeError("offline");
        return new Response(openBody([], signal));
    });
    const subscription = subscribe("a", { ...quiet, transports: ["stream"], retryMin: 60000, retryMax: 60000, random: () => 1 });
    await settle();
    assert.equal(subscription.state, "waiting");
    online = true;
    target.dispatchEvent(new Event("online"));
    await settle();
    assert.equal(subscription.state, "open");
    subscription.close();
});

test("a silent stream is given up after idleTimeout, a dead attempt after connectTimeout", async t => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let answers = true;
    fakeFetch(t, (url, signal) => answers ? new Response(openBody([], signal)) : undefined);
    const errors = [];
    const subscription = subscribe("a", { ...quiet, transports: ["stream"], random: () => 0, onError: error => errors.push(error.message) });
    await settle();
    t.mock.timers.tick(59_999);
    await settle();
    assert.equal(subscription.state, "open");
    answers = false;
    t.mock.timers.tick(1);
    await settle();
    t.mock.timers.tick(1);
    await settle();
    assert.equal(subscription.state, "connecting");
    t.mock.timers.tick(10_000);
    await settle();
    assert.equal(subscription.state, "waiting");
    assert.deepEqual(errors, ["stream: silent for 60000 ms", "stream: no connection for 10000 ms"]);
    subscription.close();
});

test("nothing keeps a closed subscription's process alive", () => {
    const code = `
        import { subscribe } from ${JSON.stringify(new URL("../push-stream.mjs", import.meta.url).href)};
        for (const transports of [["stream"], ["longpolling"]]) {
            const options = { baseUrl: "http://127.0.0.1:9/", transports, onError() {}, retryMin: 600000, retryMax: 600000 };
            const subscription = subscribe("a", { ...options, since: 0 });
            setTimeout(() => subscription.close(), 300);
            subscribe("a", { ...options, signal: AbortSignal.timeout(300) });
        }`;
    const start = Date.now();
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { timeout: 20_000, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.ok(Date.now() - start < 15_000);
});

// A server of two channels that breaks connections anywhere, also within the stored messages.
for (const transport of ["stream", "longpolling"]) {
    test(`exactly once and in order, whatever breaks: ${transport}`, async t => {
        for (let seed = 1; seed <= 30; seed++) {
            const random = randomFrom(seed), count = 120, log = [], published = { a: 0, b: 0 };
            let second = 1, tag = 0, calm = false;
            const publish = () => {
                if (random() < 0.2) [second, tag] = [second + 1, 0];
                const channel = random() < 0.7 ? "a" : "b";
                log.push({ channel, id: ++published[channel], time: second, tag: ++tag, text: "x".repeat(random() * 9) });
            };
            const after = ({ searchParams }) => log.filter(({ time, tag }) =>
                (time - Date.parse(searchParams.get("time")) / 1000 || tag - searchParams.get("tag")) > 0);
            const breaks = chance => !calm && random() < chance;
            fakeFetch(t, async (url, signal) => {
                if (url.pathname.endsWith("/now")) return breaks(0.2) ? Promise.reject(new TypeError("broken")) : new Response(`${second}.5`);
                if (breaks(0.2)) throw new TypeError("broken");
                if (transport === "longpolling") {
                    let due = after(url);
                    while (!due.length && !signal.aborted) {
                        await new Promise(done => setImmediate(done));
                        due = after(url).slice(0, 1);
                    }
                    if (breaks(0.2)) throw new TypeError("broken");
                    const last = due.at(-1);
                    return new Response(Buffer.concat(due.map(render)), {
                        headers: { "Last-Modified": new Date(last.time * 1000).toUTCString(), Etag: `W/${last.tag}` },
                    });
                }
                const queue = after(url);
                let joined = log.length;
                return new Response(new ReadableStream({
                    async pull(controller) {
                        while (!queue.length && log.length === joined && !signal.aborted) await new Promise(done => setImmediate(done));
                        if (signal.aborted || breaks(0.1)) return controller.error(new TypeError("broken"));
                        if (!queue.length) queue.push(log[joined++]);
                        const bytes = render(queue.shift());
                        if (breaks(0.05)) return controller.enqueue(bytes.subarray(0, 20)), controller.close();
                        controller.enqueue(bytes);
                    },
                }, { highWaterMark: 0 }));
            });
            const seen = [], place = ({ channel, id }) => `${channel}${id}`;
            const subscription = subscribe(["a", "b"], { ...quiet, transports: [transport], retryMin: 0,
                onMessage: message => seen.push(place(message)) });
            for (let number = 0; number < count; number++) {
                publish();
                if (random() < 0.5) await new Promise(done => setImmediate(done));
            }
            calm = true;
            for (let turns = 0; turns < 3000 && seen.length < count; turns++) {
                await new Promise(done => setTimeout(done, 1));
            }
            await settle();
            subscription.close();
            assert.deepEqual(seen, log.map(place), `seed ${seed}`);
        }
    });
}
