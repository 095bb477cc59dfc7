// The pages of the quick start, in Chromium: what a person sees and does there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { root, startChromium, startNginx, until } from "./harness.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MODES = ["streaming", "eventsource", "websocket", "long-polling", "polling"];
const WIDE = { viewport: { width: 1440, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let nginx;
let browser;

before(async () => {
    const pages = fs.readdirSync(`${root}/html`).map(name => [name, fs.readFileSync(`${root}/html/${name}`, "utf8")]);
    nginx = await startNginx({ file: "nginx-conf/quickstart.conf", workers: 2, files: Object.fromEntries(pages) });
    browser = await startChromium();
});

after(async () => {
    await browser?.close();
    await nginx?.stop();
});

/** A page in a browser profile of its own; it fails the test on an error of its scripts. */
async function open(t, path, options = WIDE, context) {
    const own = context ?? await browser.newContext(options);
    const page = await own.newPage();
    const errors = [];
    page.on("pageerror", error => errors.push(error.stack));
    t.after(async () => {
        await (context ? page : own).close();
        assert.deepEqual(errors, []);
    });
    await page.goto(nginx.url + path);
    return page;
}

/** The playground, with every panel connected to a channel of the test's own. */
async function playground(t, channel, options, context) {
    const page = await open(t, `/?channels=${channel}`, options, context);
    await allLive(page);
    return page;
}

const state = (page, mode) => page.locator(`#${mode} .status`).textContent();
const count = async (page, mode, name) => Number(await page.locator(`#${mode} [data-part=${name}]`).textContent());

async function allLive(page) {
    for (const mode of MODES) {
        await until(async () => await state(page, mode) === "Live", 10_000, `${mode} is live`);
    }
}

/** The ids and texts a panel shows, oldest first. */
const shown = (page, mode) => page.locator(`#${mode} .message`).evaluateAll(rows => rows.reverse()
    .map(row => [row.querySelector(".id").textContent, row.querySelector(".text").textContent]));

/** Each on a connection of its own: a kept one may lead to a worker that has been killed. */
async function publish(channel, text) {
    const request = http.request(`${nginx.url}/pub?id=${channel}`, { method: "POST", agent: false });
    request.end(text);
    const [answer] = await once(request, "response");
    answer.resume();
    assert.equal(answer.statusCode, 200);
}

const numbered = texts => texts.map((text, index) => [`#${index + 1}`, text]);

async function shows(page, mode, expected) {
    await until(async () => (await shown(page, mode)).length >= expected.length, 10_000, `${mode} shows all`);
    assert.deepEqual(await shown(page, mode), expected, mode);
    assert.equal(await count(page, mode, "missing"), 0, `${mode}: missing`);
    assert.equal(await count(page, mode, "repeated"), 0, `${mode}: repeated`);
}

test("each mode shows a message that the page publishes", async t => {
    const page = await playground(t, "every");
    const texts = ["Hello", "two\nlines, \"quoted\" 'twice' \\ and <b>é 😀</b>", "-4 7 1\tlike\ta head", "~id~ {}"];
    for (const text of texts) {
        await page.fill("#publish [name=text]", text);
        await page.fill("#publish [name=eventId]", "e1");
        await page.fill("#publish [name=eventType]", "free kick");
        await page.click("#publish [type=submit]");
        await until(async () => /Published to every: [3-5] listening/.test(await page.textContent("#published")));
    }
    for (const mode of MODES) {
        await shows(page, mode, numbered(texts));
        const row = page.locator(`#${mode} .message`).first();
        assert.match(await row.locator(".note").textContent(), /^[\d.]+ m?s$/, `${mode}: latency`);
        assert.match(await row.locator(".position").textContent(), /^\d\d:\d\d:\d\d tag \d+$/);
        assert.equal(await row.locator(".type").textContent(), "free kick");
        assert.equal(await row.locator(".event-id").textContent(), "e1");
    }
});

test("what the server refuses is said in words", async t => {
    const page = await open(t, `/?channels=${"x".repeat(129)}`);
    await until(async () => /Channel id is too large/.test(await page.textContent("#subscribed")));
    await page.fill("#subscribe [name=channels]", "refused");
    await page.click("#subscribe [type=submit]");
    await allLive(page);
    await page.fill("#publish [name=channels]", "events");
    await page.click("#publish [type=submit]");
    await until(async () => /Only internal routines can change events channel/.test(await page.textContent("#published")));
    await page.click("#kill");
    await page.route("**/page/**", route => route.fulfill({ status: 404 }));
    await page.routeWebSocket("**/page/ws/**", socket => socket.close({
        code: 1008, reason: '{"http_status": 403, "explain":"Subscriber could not create channels."}',
    }));
    await page.click("#resume");
    for (const mode of MODES) await until(async () => await state(page, mode) === "Refused", 10_000, mode);
    assert.match(await page.textContent("#streaming .notice"), /there is no such location \(404\)/);
    assert.match(await page.textContent("#websocket .notice"), /Subscriber could not create channels. \(403\)/);
    assert.equal(await page.textContent("#websocket [data-part=toggle]"), "Try again");
});

test("killed and resumed: nothing is lost or repeated", async t => {
    const page = await playground(t, "resume");
    const texts = Array.from({ length: 30 }, (_, index) => `m${index}`);
    // The first kill comes before the first message.
    for (let begin = 0; begin < texts.length; begin += 10) {
        await page.click("#kill");
        for (const mode of MODES) assert.equal(await state(page, mode), "Killed");
        for (const text of texts.slice(begin, begin + 6)) await publish("resume", text);
        await page.click("#resume");
        for (const text of texts.slice(begin + 6, begin + 10)) await publish("resume", text);
        for (const mode of MODES) await shows(page, mode, numbered(texts.slice(0, begin + 10)));
    }
    for (const mode of MODES) {
        assert.ok(await count(page, mode, "caught") >= 18, `${mode}: caught up`);
        assert.match(await page.textContent(`#${mode} .notice`), /caught up \d+ messages, none missing, none repeated/);
    }
});

test("the demonstration kills, publishes and resumes by itself", async t => {
    const page = await playground(t, "demo");
    await page.click("#demo");
    const texts = ["missed 1 of 3", "missed 2 of 3", "missed 3 of 3"];
    for (const mode of MODES) {
        await shows(page, mode, numbered(texts));
        assert.equal(await count(page, mode, "caught"), 3);
    }
});

test("what is no longer stored is shown as a gap", async t => {
    const page = await playground(t, "gap");
    await publish("gap", "first");
    for (const mode of MODES) await shows(page, mode, numbered(["first"]));
    await page.click("#kill");
    for (let index = 0; index < 120; index++) await publish("gap", `m${index}`);
    await page.click("#resume");
    for (const mode of MODES) {
        await until(async () => await count(page, mode, "received") === 101, 10_000, `${mode}: the stored ones`);
        // A hundred of 120 are stored.
        assert.equal(await count(page, mode, "missing"), 20, mode);
        assert.equal(await count(page, mode, "repeated"), 0, mode);
        assert.match(await page.textContent(`#${mode} .notice`), /after a gap: caught up 100 messages, 20 missing, none/);
        const marks = await page.locator(`#${mode} .mark.gap`).allTextContents();
        assert.ok(marks.includes("gap: messages are no longer stored"), `${mode}: ${marks}`);
    }
});

test("over a reload and the death of a worker every panel goes on by itself", async t => {
    const page = await playground(t, "workers");
    const texts = [];
    for (const harm of [() => nginx.reload(), () => nginx.killWorker(0), () => nginx.killWorker(1)]) {
        await publish("workers", texts[texts.push(`before ${texts.length}`) - 1]);
        await harm();
        await publish("workers", texts[texts.push(`after ${texts.length}`) - 1]);
        for (const mode of MODES) await shows(page, mode, numbered(texts));
    }
    await allLive(page);
});

test("a deleted channel is told, and begins anew", async t => {
    const page = await playground(t, "deleted");
    await publish("deleted", "old");
    for (const mode of MODES) await shows(page, mode, numbered(["old"]));
    await page.click("#delete");
    await until(async () => await page.textContent("#published") === "Deleted: deleted.");
    await until(async () => (await page.textContent("#streaming .messages")).includes("channel deleted deleted"));
    await allLive(page);
    await publish("deleted", "new");
    for (const mode of MODES) await until(async () => (await shown(page, mode)).at(-1)?.[1] === "new", 10_000, mode);
    assert.equal(await count(page, "streaming", "missing"), 0);
});

test("the commands do in a terminal what the page does", async t => {
    const page = await playground(t, "terminal");
    await page.fill("#publish [name=text]", "it's @home");
    await page.fill("#publish [name=eventType]", "goal");
    const sh = (command, seconds) => {
        try {
            return execFileSync("timeout", [String(seconds), "sh", "-c", command], { encoding: "utf8" });
        } catch (error) {
            return error.stdout; // a stream ends by the timeout
        }
    };
    sh(await page.textContent("#publish-command"), 10);
    for (const mode of MODES) await shows(page, mode, numbered(["it's @home"]));
    await page.click("#kill");
    await publish("terminal", "next");
    for (const mode of MODES) {
        const seen = sh(await page.textContent(`#${mode} [data-part=command]`), 1);
        assert.ok(seen.includes("next") && !seen.includes("it's @home"), `${mode}: ${seen}`);
    }
});

test("several tabs leave connections to publish with", async t => {
    const context = await browser.newContext(WIDE);
    t.after(() => context.close());
    const first = await playground(t, "tabs", WIDE, context);
    await open(t, "/dashboard.html", WIDE, context);
    const second = await open(t, "/?channels=tabs", WIDE, context);
    await until(async () => /four/.test(await second.textContent("#long-polling .notice")));
    await second.click("#publish [type=submit]");
    await shows(first, "streaming", numbered(["Hello"]));
    await shows(second, "polling", numbered(["Hello"]));
    await first.click("#kill");
    await until(async () => await state(second, "streaming") === "Live", 5000, "the second takes its turn");
    await shows(second, "streaming", numbered(["Hello"]));
});

test("the dashboard follows what happens", async t => {
    const page = await open(t, "/dashboard.html");
    const value = async id => Number((await page.textContent(`#${id}`)).replaceAll(",", ""));
    await until(async () => await page.textContent("#state") === "Live");
    // Nobody but the dashboard itself: those of other tests have gone.
    await until(async () => await page.textContent("#events-state") === "live");
    await until(async () => await value("subscribers") === 1, 5000, "the dashboard subscribes");
    const subscribers = 1;
    const [channels, stored] = await Promise.all(["channels", "stored"].map(value));
    const stop = new AbortController();
    t.after(() => stop.abort());
    for (const name of ["dash-a", "dash-b"]) await fetch(`${nginx.url}/sub/${name}`, { signal: stop.signal });
    for (let index = 0; index < 5; index++) await publish("dash-a", "x");
    await until(async () => await value("channels") === channels + 2, 5000, "two channels more");
    await until(async () => await value("subscribers") === subscribers + 2, 5000, "two subscribers more");
    await until(async () => await value("stored") === stored + 5, 5000, "five messages more");
    const workers = await page.locator("#workers .number").allTextContents();
    assert.equal(workers.length, 2);
    assert.equal(workers.reduce((sum, text) => sum + Number(text), 0), subscribers + 2);
    const events = await page.locator(".event").allTextContents();
    assert.ok(events.some(text => text.includes("subscribed") && text.includes("dash-b")), events.join());

    await page.fill("#search [name=prefix]", "dash-");
    await until(async () => await page.textContent("#list-count") === "2 found");
    const rows = () => page.locator("#list tr").evaluateAll(all => all.map(row => [...row.cells].map(cell => cell.textContent)));
    await until(async () => (await rows()).length === 2);
    assert.deepEqual((await rows())[0], ["dash-a", "1", "5", "5"]);
    await page.fill("#search [name=prefix]", "no such");
    await until(async () => /No channel begins/.test((await rows())[0][0]));

    stop.abort();
    await until(async () => await value("subscribers") === subscribers, 5000, "they have left");
});

test("the dashboard's figures from /metrics", async t => {
    const page = await (await browser.newContext(WIDE)).newPage();
    t.after(() => page.context().close());
    // Two readings; what the page makes of them is worked out by hand.
    let readings = 0;
    await page.route("**/metrics", route => {
        readings++;
        const sent = readings * 1000;
        route.fulfill({
            contentType: "text/plain", body: [
                "# TYPE push_stream_zone_size_bytes gauge", "push_stream_zone_size_bytes 4194304",
                'push_stream_zone_bytes{use="messages"} 1048576', 'push_stream_zone_bytes{use="free"} 3145728',
                'push_stream_subscribers{worker="0",mode="streaming"} 3', 'push_stream_subscribers{worker="1",mode="streaming"} 4',
                'push_stream_subscribers{worker="0",mode="eventsource"} 1',
                'push_stream_subscribers_ended_total{reason="slow"} 2', 'push_stream_subscribers_ended_total{reason="send_timeout"} 1',
                'push_stream_subscribers_ended_total{reason="client"} 9',
                `push_stream_deliveries_total{mode="streaming"} ${sent}`,
                `push_stream_delivery_latency_seconds_bucket{le="0.0001"} ${readings * 6}`,
                `push_stream_delivery_latency_seconds_bucket{le="0.001"} ${readings * 10}`,
                `push_stream_delivery_latency_seconds_bucket{le="+Inf"} ${readings * 10}`,
                `push_stream_delivery_latency_seconds_count ${readings * 10}`,
            ].join("\n"),
        });
    });
    await page.goto(`${nginx.url}/dashboard.html`);
    await until(async () => /^[\d.]+K?\/s$/.test(await page.textContent("#out")), 5000, "messages out");
    assert.notEqual(await page.textContent("#out"), "0.0/s");
    assert.equal(await page.textContent("#zone"), "25 %");
    assert.equal(await page.textContent("#zone-detail"), "1.0 MB of 4.0 MB");
    assert.equal(await page.textContent("#slow"), "3");
    assert.equal(await page.textContent("#latency"), "≤ 0.1 ms");
    assert.match(await page.textContent("#latency-detail"), /99 %: ≤ 1 ms/);
    assert.deepEqual(await page.locator("#modes li").allTextContents(), ["streaming7", "eventsource1"]);
});

test("the dashboard without /metrics, and without a server", async t => {
    const page = await (await browser.newContext(WIDE)).newPage();
    t.after(() => page.context().close());
    await page.route("**/metrics", route => route.fulfill({ status: 404 }));
    await page.goto(`${nginx.url}/dashboard.html`);
    for (const id of ["zone", "slow"]) {
        await until(async () => await page.textContent(`#${id}`) === "not available", 5000, id);
    }
    assert.match(await page.textContent("#modes"), /not available/);
    await page.route("**/channels-stats*", route => route.abort());
    await until(async () => /The server does not answer/.test(await page.textContent("#state")));
    await page.unroute("**/channels-stats*");
    await until(async () => await page.textContent("#state") === "Live");
});

for (const path of ["/", "/dashboard.html"]) {
    for (const colorScheme of ["light", "dark"]) {
        test(`${path} is accessible, ${colorScheme}`, async t => {
            for (const size of [WIDE, PHONE]) {
                const page = await open(t, path, { ...size, colorScheme, bypassCSP: true, reducedMotion: "reduce" });
                if (path === "/") {
                    await allLive(page);
                    await page.fill("#publish [name=eventType]", "goal");
                    await page.click("#publish [type=submit]");
                    await until(async () => await count(page, "websocket", "received") >= 1);
                    await page.click("#kill");
                    await publish("news", "missed");
                    await page.click("#resume");
                    await until(async () => await count(page, "websocket", "caught") >= 1);
                    await page.click("#websocket [data-part=toggle]");
                    await page.locator("summary").first().click();
                } else {
                    await until(async () => await page.textContent("#state") === "Live");
                    await publish("news", "x");
                    await until(async () => await page.locator(".event").count() > 0);
                }
                await page.evaluate(axe);
                const { violations, passes } = await page.evaluate(() => window.axe.run());
                assert.ok(passes.length > 20, "axe has looked");
                assert.deepEqual(violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(node => node.html)]), []);
            }
        });
    }

    test(`${path} stays where it is, and asks nobody else`, async t => {
        for (const size of [WIDE, PHONE]) {
            const context = await browser.newContext(size);
            t.after(() => context.close());
            await context.addInitScript(() => {
                window.shifts = [];
                new PerformanceObserver(list => list.getEntries().forEach(({ value, sources }) =>
                    window.shifts.push([value, sources.map(({ node }) => node?.id || node?.className)])))
                    .observe({ type: "layout-shift", buffered: true });
            });
            const page = await context.newPage();
            const hosts = new Set();
            page.on("request", request => hosts.add(new URL(request.url()).host));
            await page.goto(nginx.url + path);
            if (path === "/") {
                await allLive(page);
                await page.keyboard.press("Tab");
                await publish("news", "x");
                await until(async () => await count(page, "streaming", "received") >= 1);
            } else {
                await until(async () => await page.textContent("#state") === "Live");
                await until(async () => await page.locator("#in-spark polyline").count() === 1);
            }
            // A number that gets a digit more moves nothing but itself; what browsers call good is 0.1.
            const shifts = await page.evaluate(() => window.shifts);
            assert.ok(shifts.reduce((sum, [value]) => sum + value, 0) < 0.005, JSON.stringify(shifts));
            assert.deepEqual([...hosts], [new URL(nginx.url).host]);
            const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(over <= 0, `${over} pixels too wide for ${size.viewport.width}`);
        }
    });
}

test("all of the playground works from the keyboard", async t => {
    const page = await playground(t, "keys");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.focus("#publish [name=text]");
    await page.keyboard.press("Control+Enter");
    await shows(page, "streaming", numbered(["Hello"]));
    await page.focus("#streaming [data-part=toggle]");
    await page.keyboard.press("Enter");
    assert.equal(await state(page, "streaming"), "Killed");
    assert.equal(await page.getByRole("button", { name: "Resume Streaming" }).count(), 1);
    await page.keyboard.press("Enter");
    await until(async () => await state(page, "streaming") === "Live");
    await until(async () => /arrived/.test(await page.textContent("#announce")) , 5000, "announced");
});
