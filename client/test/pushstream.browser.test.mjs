// pushstream.js in Chromium against nginx with nginx-conf/pushstream-js.conf: every mode.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { source, startSite, until } from "./site.mjs";

const MODES = (process.env.MODES ?? "websocket eventsource stream longpolling").split(" ");
const TYPES = { websocket: "WebSocket", eventsource: "EventSource", stream: "Stream", longpolling: "LongPolling" };

// Polls time out sooner, so that a test sees it.
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "pushstream-js-"));
after(() => fs.rmSync(directory, { recursive: true }));
const file = path.join(directory, "nginx.conf");
const conf = fs.readFileSync(new URL("../../nginx-conf/pushstream-js.conf", import.meta.url), "utf8");
fs.writeFileSync(file, conf.replace(/(longpolling_connection_ttl) 30s/, "$1 2s"));
const options = { file };

async function openPage({ nginx, browser }, at = nginx.url) {
    const page = await browser.newPage();
    // Nothing is there, but a page of the right origin.
    await page.goto(`${at}/nothing`);
    await page.addScriptTag({ content: source("pushstream.js") });
    await page.evaluate(port => {
        window.create = settings => {
            const told = window.told = { states: [], messages: [], errors: [], deleted: [] };
            return window.push = new PushStream({
                port, timeout: 5000, reconnectOnTimeoutInterval: 100, reconnectOnChannelUnavailableInterval: 200, ...settings,
                onstatuschange: state => told.states.push(state),
                onmessage: (...args) => told.messages.push(args),
                onerror: ({ type }) => told.errors.push(type),
                onchanneldeleted: channel => told.deleted.push(channel),
            });
        };
    }, nginx.port);
    return page;
}

const connect = (page, settings, channels) => page.evaluate(([settings, channels]) => {
    create(settings);
    for (const [name, options] of Object.entries(channels)) push.addChannel(name, options);
    push.connect();
}, [settings, channels]);
const told = page => page.evaluate(() => window.told);
const isOpen = page => until(() => page.evaluate(() => push.readyState === PushStream.OPEN), 10_000, "open");
const count = (page, number) => until(async () => (await told(page)).messages.length >= number, 10_000, `${number} messages`);
const subscribers = (site, name, number) =>
    until(async () => (await site.about(name)).subscribers === number, 10_000, `${number} subscribers`);

for (const modes of MODES) {
    test(`${modes}: subscribe, publish, a channel more, disconnect`, async t => {
        const site = await startSite(t, options), page = await openPage(site);
        await site.publish("ch1", "old");
        await site.publish("ch1", "stored", { "Event-Id": "e1" });
        await connect(page, { modes }, { ch1: { backtrack: 1 } });
        await count(page, 1);
        await isOpen(page);
        await subscribers(site, "ch1", 1);
        assert.equal(await page.evaluate(() => push.wrapper.type), TYPES[modes]);
        // By the page: through the socket, or by POST.
        const text = "say \"5 %\" of 100 €\r\nand more";
        await page.evaluate(text => new Promise((done, failed) => push.sendMessage(text, done, failed)), text);
        await count(page, 2);
        await page.evaluate(() => push.addChannel("ch2"));
        await isOpen(page);
        await subscribers(site, "ch2", 1);
        await site.publish("ch2", "two");
        await until(async () => (await told(page)).messages.some(([, , channel]) => channel === "ch2"), 10_000, "of ch2");
        const { messages, states, errors } = await told(page);
        assert.deepEqual(messages[0].slice(0, 5), ["stored", 2, "ch1", "e1", true]);
        assert.deepEqual(messages[1].slice(0, 5), [text, 3, "ch1", "", true]);
        assert.deepEqual(messages.at(-1).slice(0, 5), ["two", 1, "ch2", "", true]);
        assert.ok(Math.abs(Date.now() - Date.parse(messages[0][5])) < 60_000, messages[0][5]);
        assert.deepEqual([states, errors], [[1, 2, 0, 1, 2], []]);
        await page.evaluate(() => push.disconnect());
        await subscribers(site, "ch1", 0);
        await subscribers(site, "ch2", 0);
        assert.deepEqual((await told(page)).states, [1, 2, 0, 1, 2, 0]);
    });

    test(`${modes}: comes again after a reload, and goes on where it was`, async t => {
        const site = await startSite(t, options), page = await openPage(site);
        // An EventSource comes again by itself, and by event ids.
        await connect(page, { modes, messagesControlByArgument: modes !== "eventsource", messagesPublishedAfter: -1 }, { ch1: undefined });
        await isOpen(page);
        await subscribers(site, "ch1", 1);
        for (let number = 1; number <= 3; number++) {
            await site.publish("ch1", `before ${number}`, { "Event-Id": `b${number}` });
            await count(page, number);
            await site.nginx.reload();
            await site.publish("ch1", `after ${number}`, { "Event-Id": `a${number}` });
        }
        await count(page, 6).catch(() => {});
        assert.deepEqual((await told(page)).messages.map(([text]) => text),
            [1, 2, 3].flatMap(number => [`before ${number}`, `after ${number}`]));
    });

    test(`${modes}: a channel is deleted`, async t => {
        const site = await startSite(t, options), page = await openPage(site);
        await connect(page, { modes }, { ch1: undefined, ch2: undefined });
        await isOpen(page);
        await subscribers(site, "ch2", 1);
        await site.remove("ch1");
        await until(async () => (await told(page)).deleted.length === 1, 10_000, "told");
        await subscribers(site, "ch2", 1);
        await site.publish("ch2", "still there");
        await count(page, 1);
        assert.deepEqual((await told(page)).deleted, ["ch1"]);
        assert.deepEqual((await told(page)).states, [1, 2]);
    });
}

test("two pages", async t => {
    const site = await startSite(t, options), pages = await Promise.all([openPage(site), openPage(site)]);
    for (const page of pages) await connect(page, { modes: "longpolling" }, { ch1: undefined });
    await subscribers(site, "ch1", 2);
    for (let number = 1; number <= 20; number++) await site.publish("ch1", `m${number}`);
    for (const page of pages) {
        await count(page, 20);
        assert.deepEqual((await told(page)).messages.map(([, id]) => id), Array.from({ length: 20 }, (_, index) => index + 1));
    }
});

test("long-polling by headers", async t => {
    const site = await startSite(t, options), page = await openPage(site);
    await connect(page, { modes: "longpolling" }, { ch1: undefined });
    await subscribers(site, "ch1", 1);
    for (let number = 1; number <= 20; number++) await site.publish("ch1", `m${number}`);
    await count(page, 20);
    const { messages } = await told(page);
    assert.deepEqual(messages.map(([text]) => text), Array.from({ length: 20 }, (_, index) => `m${index + 1}`));
    // A batch tells which of its messages is the last one.
    assert.equal(messages.at(-1)[4], true);
});

test("JSONP: asked for, and by itself from another host", async t => {
    const site = await startSite(t, options);
    for (const [at, settings] of [[site.nginx.url, { useJSONP: true }], [`http://localhost:${site.nginx.port}`, { host: "127.0.0.1" }]]) {
        const name = settings.host ? "other" : "same", page = await openPage(site, at);
        await connect(page, { modes: "longpolling", ...settings }, { [name]: undefined });
        await subscribers(site, name, 1);
        const ids = Array.from({ length: 10 }, (_, index) => index + 1);
        for (const id of ids) await site.publish(name, encodeURIComponent(`m"${id}"`));
        await count(page, 10);
        // A poll that times out says so in a body; then it goes on.
        await page.waitForTimeout(2500);
        await site.publish(name, "late");
        await count(page, 11);
        const { messages, errors } = await told(page);
        assert.deepEqual(messages.map(([text]) => text), [...ids.map(id => `m"${id}"`), "late"]);
        assert.deepEqual(errors, []);
        await page.close();
    }
});

test("modes that do not get through give way to the next", async t => {
    const site = await startSite(t, options), page = await openPage(site);
    await connect(page, { modes: "websocket|eventsource|stream|longpolling", urlPrefixWebsocket: "/no", urlPrefixEventsource: "/no", urlPrefixStream: "/no" },
        { ch1: undefined });
    await until(() => page.evaluate(() => push.wrapper.type === "LongPolling" && push.readyState === 2), 15_000, "long-polling");
    await site.publish("ch1", "Hello");
    await count(page, 1);
    const { errors, states } = await told(page);
    assert.deepEqual(errors, ["load", "load", "load"]);
    assert.deepEqual(states, [1, 0, 1, 0, 1, 0, 1, 2]);
});

test("messages of the last minute, of an event id", async t => {
    const site = await startSite(t, options), page = await openPage(site);
    for (const name of ["one", "two"]) await site.publish("ch1", name, { "Event-Id": name });
    for (const [settings, expected] of [[{ messagesPublishedAfter: 60 }, ["one", "two"]], [{ messagesPublishedAfter: -1 }, ["one", "two"]],
        [{ lastEventId: "one" }, ["two"]]]) {
        for (const modes of MODES) {
            await connect(page, { modes, messagesControlByArgument: true, ...settings }, { ch1: undefined });
            await count(page, expected.length);
            assert.deepEqual((await told(page)).messages.map(([text]) => text), expected);
            await page.evaluate(() => push.disconnect());
        }
    }
});
