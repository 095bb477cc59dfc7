// The web IM of examples/web-im in real browsers: people who chat, lose the network, or have no right to listen.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root, startChromium, until } from "./harness.mjs";

/** All that is stored. */
const BEGINNING = `?time=${encodeURIComponent("Thu, 01 Jan 1970 00:00:00 GMT")}&tag=0`;
const PASSWORD = "try-web-im";
const TRANSPORTS = ["eventsource", "long-polling"];

let im;
let browser;

before(async () => {
    im = await startWebIm();
    browser = await startChromium();
});
after(async () => {
    await browser?.close();
    await im?.stop();
});

/** `make web-im` with a folder and a port of its own. */
async function startWebIm() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "web-im-"));
    const port = await freePort();
    const MODULE = path.resolve(root, process.env.MODULE || "target/release/libngx_http_push_stream_module.so");
    const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", "tools/web-im.sh"],
        { cwd: root, env: { ...process.env, MODULE, PORT: port, WEB_IM_DIR: dir } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", data => { output += data; });
    const exited = once(child, "exit");
    const url = `http://127.0.0.1:${port}`;
    const serves = () => fetch(`${url}/sign-in`).then(answer => answer.ok, () => false);
    try {
        // The first time it installs PHP.
        await until(() => {
            if (child.exitCode !== null) throw new Error("web-im.sh has ended");
            return serves();
        }, 300_000, "the web IM starts");
    } catch (error) {
        child.kill();
        throw new Error(`${error.message}\n${output}`);
    }
    return {
        url,
        /** What PHP alone may do: a request to the module's own socket. */
        async module(method, target) {
            const request = http.request({ socketPath: `${dir}/module.sock`, path: target, method }).end();
            const [response] = await once(request, "response");
            response.resume();
            return response.statusCode;
        },
        async stop() {
            child.kill("SIGTERM");
            const [code] = await exited;
            fs.rmSync(dir, { recursive: true, force: true });
            const bad = /\[(warn|error|alert|crit|emerg)\]|panicked|PHP (?!\d)|ModuleError|WARNING|ERROR/;
            // Chromium leaves in the middle of answers, which is no fault of nginx.
            assert.deepEqual(output.split("\n").filter(line => bad.test(line)), []);
            assert.equal(code, 0);
            assert.ok(!await serves(), "nothing serves any more");
        },
    };
}

async function freePort() {
    for (let tries = 0; tries < 100; tries++) {
        const port = 23_000 + Math.floor(Math.random() * 1000);
        const probe = net.createServer();
        const free = await new Promise(done =>
            probe.once("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)));
        if (!free) continue;
        await new Promise(done => probe.close(done));
        return port;
    }
    throw new Error("no free port");
}

/**
 * The network between one browser and nginx. Chromium's own "offline" leaves open connections alone, so
 * they are cut here: either both ends notice, or nobody does and what is under way is lost.
 */
async function startNetwork(t) {
    const target = Number(new URL(im.url).port);
    const pairs = new Set();
    let up = true;
    const cut = () => pairs.forEach(pair => pair.forEach(socket => socket.destroy()));
    const server = net.createServer(near => {
        if (!up) return near.destroy();
        const far = net.connect(target, "127.0.0.1");
        const pair = [near, far];
        pairs.add(pair);
        for (const [from, to] of [[near, far], [far, near]]) {
            from.on("data", data => up && to.write(data));
            from.on("error", () => {});
            from.on("close", () => { if (up) to.destroy(); pairs.delete(pair); });
        }
    });
    server.listen(await freePort(), "127.0.0.1");
    await once(server, "listening");
    t.after(() => { up = false; cut(); server.close(); });
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        cut() { up = false; cut(); },
        lose() { up = false; },
        restore() { cut(); up = true; },
    };
}

/** The next user's name: each test has people of its own. */
const newName = (count => base => `${base}${++count}`)(0);

/** Somebody new in a browser of their own, signed up; closed after the test. */
async function visit(t, name, transport = "eventsource", baseURL = im.url) {
    const context = await browser.newContext({ baseURL });
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const errors = [];
    page.on("pageerror", error => errors.push(error));
    t.after(() => assert.deepEqual(errors, []));
    await page.goto("/sign-up");
    await enter(page, newName(name), "Sign up");
    await page.getByLabel("Transport").selectOption(transport);
    return new Person(context, page).connected();
}

/** Fills in the form of the door. */
async function enter(page, name, button, password = PASSWORD) {
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: button }).click();
}

class Person {
    constructor(context, page) {
        Object.assign(this, { context, page });
    }

    async connected() {
        await this.state("Connected");
        this.name = await this.page.locator("header button b").textContent();
        return this;
    }

    /** The page says so. */
    state(text) {
        return this.page.locator("#state", { hasText: text }).waitFor();
    }

    /** What PHP tells the page: the channel, the token. */
    async session() {
        return (await this.context.request.get("/api/session")).json();
    }

    contact({ name }) {
        return this.page.locator(`#contacts button[data-name="${name}"]`);
    }

    unread(other) {
        return this.contact(other).locator(".unread");
    }

    sees(other, online) {
        return until(async () => await this.contact(other).getAttribute("data-online") === String(online),
            20_000, `${this.name} sees ${other.name} ${online ? "online" : "offline"}`);
    }

    open(other) {
        return this.contact(other).click();
    }

    async say(text) {
        await this.page.getByLabel("Your message").fill(text);
        const sent = this.page.waitForResponse("**/api/send");
        await this.page.getByLabel("Your message").press("Enter");
        assert.equal((await sent).status(), 200);
    }

    /** The texts of the conversation on the screen. */
    texts() {
        return this.page.locator("#log li p").allTextContents();
    }

    /** The conversation on the screen comes to be these texts and stays so for a moment. */
    async reads(texts) {
        await until(async () => (await this.texts()).length >= texts.length, 20_000,
            `${this.name} reads ${texts}`);
        // What comes twice comes soon.
        await sleep(200);
        assert.deepEqual(await this.texts(), texts);
    }
}

const room = { name: "#everyone" };

/** How the network is lost, and whether the browser is told. */
const LOSSES = [
    { how: "its connections are cut", loss: "cut", told: true },
    { how: "what is sent to it vanishes", loss: "lose", told: true },
    { how: "nginx cannot be reached", loss: "cut", told: false },
];

for (const [transport, { how, loss, told }] of TRANSPORTS.flatMap(transport => LOSSES.map(loss => [transport, loss]))) {
    test(`two people chat, one loses the network and misses nothing: ${transport}, ${how}`, async t => {
        const network = await startNetwork(t);
        const alice = await visit(t, "alice", transport);
        const bob = await visit(t, "bob", transport, network.url);
        await alice.sees(bob, true);
        await bob.sees(alice, true);

        await alice.open(bob);
        await alice.say("hello");
        await bob.unread(alice).getByText("1").waitFor();
        await bob.open(alice);
        await bob.reads(["hello"]);
        assert.equal(await bob.unread(alice).count(), 0);
        await bob.say("hello yourself");
        await alice.reads(["hello", "hello yourself"]);

        network[loss]();
        if (told) await bob.context.setOffline(true);
        await bob.state(told ? "Offline" : "Reconnecting");
        // nginx cannot know yet of a connection over which nothing comes.
        if (loss === "cut") await alice.sees(bob, false);
        for (const text of ["one", "two", "three"]) {
            await alice.say(text);
            await alice.open(room);
            await alice.say(`${text} for all`);
            await alice.open(bob);
        }
        const all = ["hello", "hello yourself", "one", "two", "three"];
        await alice.reads(all);
        assert.equal((await bob.texts()).length, 2);

        await bob.page.getByLabel("Your message").fill("half a thought");
        const again = transport === "eventsource" && !told && bob.page.waitForResponse("**/sub/**");
        network.restore();
        if (told) await bob.context.setOffline(false);
        await bob.reads(all);
        assert.equal(await bob.page.getByLabel("Your message").inputValue(), "half a thought");
        // The browser did this by itself, with the id of its last event.
        if (again) assert.match((await (await again).request().allHeaders())["last-event-id"], /^[0-9a-f]{16}$/);
        await bob.open(room);
        await bob.reads(["one for all", "two for all", "three for all"]);
        await alice.sees(bob, true);
        assert.equal(await bob.page.locator("#log .gap").count(), 0);
    });
}

test("what is said while a page switches between the transports arrives once", async t => {
    const alice = await visit(t, "alice");
    const bob = await visit(t, "bob");
    await alice.sees(bob, true);
    await alice.open(bob);
    await bob.sees(alice, true);
    await bob.open(alice);
    const said = [];
    for (let round = 0; round < 6; round++) {
        const switched = bob.page.getByLabel("Transport").selectOption(TRANSPORTS[(round + 1) % 2]);
        said.push(`round ${round}`, `round ${round} again`);
        await alice.say(said.at(-2));
        await alice.say(said.at(-1));
        await switched;
    }
    await bob.reads(said);
});

test("a page that is loaded again shows what is stored, and counts nothing as new that was read", async t => {
    const alice = await visit(t, "alice");
    const bob = await visit(t, "bob");
    await alice.sees(bob, true);
    await alice.open(bob);
    await alice.say("do you remember?");
    await bob.unread(alice).waitFor();
    await bob.open(alice);
    await bob.reads(["do you remember?"]);
    await bob.page.reload();
    await bob.state("Connected");
    await bob.open(alice);
    await bob.reads(["do you remember?"]);
    await bob.page.reload();
    await bob.state("Connected");
    await alice.say("and this?");
    await bob.unread(alice).getByText("1").waitFor();
});

test("what people write is shown as text", async t => {
    const alice = await visit(t, "alice");
    const bob = await visit(t, "bob");
    const texts = [
        `<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>`,
        `"},"message":null}`,
        "~id~ ~text~ ~event-id~",
        "two\nlines &amp; \u{1F980} \u2028 end",
    ];
    for (const text of texts) await alice.say(text);
    await bob.reads(texts);
    for (const { page } of [alice, bob]) {
        assert.equal(await page.evaluate(() => window.hacked), undefined);
        assert.equal(await page.locator("#log img, #log script").count(), 0);
    }
});

test("an outsider can neither listen nor publish", async t => {
    const bob = await visit(t, "bob");
    const carol = await visit(t, "carol");
    const { channel, token } = await bob.session();
    const own = (await carol.session()).channel;
    assert.match(channel, /^[0-9a-f]{32}$/);
    const outsider = async (path, options) => (await fetch(im.url + path, options)).status;
    const member = async (path, options) => (await carol.context.request.fetch(path, options)).status();

    for (const transport of TRANSPORTS) {
        for (const id of [channel, "0".repeat(32)]) {
            assert.equal(await outsider(`/sub/${transport}/${id}${BEGINNING}`), 403, id);
            assert.equal(await member(`/sub/${transport}/${id}${BEGINNING}`), 403, id);
        }
        assert.equal(await outsider(`/presence/${transport}`), 403);
    }
    assert.equal(await member(`/sub/long-polling/${own}${BEGINNING}`), 200);
    // Nothing but one id: no backtrack, no second channel, no events channel, no wildcard.
    for (const path of [`${channel}.b5`, `${own}.b5`, `${own}/${channel}`, `${own}%2F${channel}`, `${own}/events`, "events", "ALL"]) {
        assert.equal(await member(`/sub/long-polling/${path}${BEGINNING}`), 404, path);
    }

    for (const path of [`/pub?id=${channel}`, "/statistics", "/events", "/may-subscribe", "/php/lib/app.php"]) {
        assert.equal(await member(path), 404, path);
    }
    assert.equal(await outsider(`/pub?id=${channel}`, { method: "POST", body: "x" }), 404);
    const message = { to: "bob", text: "psst", nonce: "0123456789abcdef" };
    assert.equal(await outsider("/api/send", { method: "POST", body: JSON.stringify(message) }), 401);
    assert.equal(await outsider("/api/session"), 401);
    assert.equal(await outsider("/api/contacts"), 401);
    // Signed in, but not from our page: the token is missing, or that of somebody else.
    assert.equal(await member("/api/send", { method: "POST", data: message }), 403);
    assert.equal(await member("/api/send", { method: "POST", data: message, headers: { "X-Token": token } }), 403);
    assert.deepEqual(await bob.texts(), []);
});

test("the contact list and its events tell nobody's channel", async t => {
    const bob = await visit(t, "bob");
    const carol = await visit(t, "carol");
    await carol.sees(bob, true);
    const { channel } = await bob.session();
    const contacts = await (await carol.context.request.get("/api/contacts")).text();
    assert.ok(contacts.includes(bob.name));
    assert.ok(!contacts.includes(channel));
    // All events there have been.
    const events = await carol.context.request.get(`/presence/long-polling${BEGINNING}`);
    assert.match(await events.text(), /^(\{"id":-?\d+\}\n)+$/);
});

for (const transport of TRANSPORTS) {
    test(`a channel that has gone is opened again: ${transport}`, async t => {
        const alice = await visit(t, "alice", transport);
        const bob = await visit(t, "bob", transport);
        const { channel } = await bob.session();
        const opened = bob.page.waitForResponse("**/api/session");
        assert.equal(await im.module("DELETE", `/pub?id=${channel}`), 200);
        await opened;
        await bob.state("Connected");
        await alice.say("still there?");
        await bob.reads(["still there?"]);
    });
}

test("signing up, in and out", async t => {
    const alice = await visit(t, "alice");
    const context = await browser.newContext({ baseURL: im.url });
    t.after(() => context.close());
    const page = await context.newPage();
    const cookie = async () => (await context.cookies()).find(({ name }) => name === "web-im");
    const problem = text => page.getByRole("alert").getByText(text).waitFor();

    await page.goto("/");
    await page.waitForURL("**/sign-in");
    await enter(page, "alice", "Sign in", "not her password");
    await problem("do not fit");
    await enter(page, "nobody", "Sign in");
    await problem("do not fit");
    await page.getByRole("link", { name: "Sign up" }).click();
    await enter(page, alice.name.toUpperCase(), "Sign up");
    await problem("taken");
    await enter(page, "<b>dave", "Sign up");
    await problem("letters");
    assert.equal(await page.getByLabel("Name").inputValue(), "<b>dave");

    // One of those who are there from the beginning.
    await page.goto("/sign-in");
    const early = await cookie();
    assert.ok(early.httpOnly);
    assert.equal(early.sameSite, "Lax");
    await enter(page, "carol", "Sign in");
    const carol = await new Person(context, page).connected();
    const session = await cookie();
    assert.notEqual(session.value, early.value, "a new session id");
    await alice.sees(carol, true);
    await alice.open(carol);
    await alice.say("heck, what a day");
    await carol.unread(alice).waitFor();
    await carol.open(alice);
    await carol.reads(["****, what a day"]);

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    await alice.sees(carol, false);
    const stolen = await fetch(`${im.url}/api/session`, { headers: { Cookie: `web-im=${session.value}` } });
    assert.equal(stolen.status, 401, "the session has ended");
    // What was sent meanwhile is there when she comes back, in another browser.
    await alice.say("good night");
    await enter(page, "carol", "Sign in");
    await carol.connected();
    await carol.open(alice);
    await carol.reads(["****, what a day", "good night"]);
});

test("what cannot be sent stays in the box, and why is said", async t => {
    const alice = await visit(t, "alice");
    const bob = await visit(t, "bob");
    const { token } = await alice.session();
    const nonce = "0123456789abcdef";
    const send = async data => {
        const answer = await alice.context.request.post("/api/send", { data, headers: { "X-Token": token } });
        return answer.status();
    };
    assert.equal(await send({ to: bob.name, text: "x".repeat(1001), nonce }), 422);
    assert.equal(await send({ to: bob.name, text: " \n\u0007", nonce }), 422);
    assert.equal(await send({ to: "nobody", text: "x", nonce }), 404);
    assert.equal(await send({ to: bob.name, text: "x", nonce: "<script>" }), 422);
    assert.equal(await send({ to: bob.name, text: ["x"], nonce }), 400);
    assert.equal(await send("no JSON"), 400);

    const box = alice.page.getByLabel("Your message");
    // The message arrives, the answer does not.
    await alice.page.route("**/api/send", async route => {
        await route.fetch();
        await route.abort();
    });
    await box.fill("once");
    await box.press("Enter");
    await alice.page.getByRole("alert").getByText("Not sent to #everyone").waitFor();
    assert.equal(await box.inputValue(), "once");
    await alice.page.unroute("**/api/send");
    await alice.say("once");
    await alice.say("twice");
    await bob.reads(["once", "twice"]);
    assert.ok(await alice.page.getByRole("alert").isHidden());
});
