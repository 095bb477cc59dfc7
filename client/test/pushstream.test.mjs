// pushstream.js without a browser: options, URLs, requests, callbacks, states, reconnecting. What it calls of a browser is
// faked, its clock too.

import assert from "node:assert/strict";
import fs from "node:fs";
import { mock, test } from "node:test";
import vm from "node:vm";

const source = fs.readFileSync(new URL("../pushstream.js", import.meta.url), "utf8");
const NOW = 1700000000000;

mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOW });
// Timers set meanwhile count from its end.
const tick = msec => mock.timers.tick(msec);

/** A window with the script in it. `sockets`, `sources`, `requests`, `elements` are what it made. */
function load(extra = {}) {
    const made = { sockets: [], sources: [], requests: [], elements: [], logged: [] };

    class Socket {
        constructor(url) { this.url = url; this.sent = []; made.sockets.push(this); }
        send(text) { this.sent.push(text); }
        close() { this.closed = true; }
    }
    class Source {
        constructor(url) { this.url = url; this.readyState = 0; made.sources.push(this); }
        close() { this.closed = true; this.readyState = 2; }
    }
    class Request {
        constructor() { this.headers = {}; made.requests.push(this); }
        open(method, url) { Object.assign(this, { method, url }); }
        setRequestHeader(name, value) { this.headers[name] = value; }
        send(body) { this.body = body; }
        abort() { this.aborted = true; }
        getResponseHeader(name) { return this.answer.headers?.[name] ?? null; }
        respond(status, responseText = "", headers) {
            Object.assign(this, { readyState: 4, status, responseText, answer: { headers } });
            this.onreadystatechange?.();
        }
    }
    const parent = { appendChild(child) { child.parentNode = this; }, removeChild(child) { child.parentNode = null; child.removed = true; } };
    const document = {
        body: parent,
        head: parent,
        getElementById: id => made.output?.id === id ? made.output : null,
        createElement(tag) {
            if (tag === "a") {
                let url;
                return { set href(to) { url = new URL(to, "http://page.test/"); }, get href() { return url.href; },
                    get protocol() { return url.protocol; }, get hostname() { return url.hostname; }, get port() { return url.port; } };
            }
            const element = { tag, style: {}, contentWindow: { location: {} } };
            made.elements.push(element);
            return element;
        },
    };
    const window = {
        document, WebSocket: Socket, EventSource: Source, XMLHttpRequest: Request, JSON, setTimeout, clearTimeout, Date,
        location: new URL("http://page.test/index.html"), console: { log: line => made.logged.push(line) }, ...extra,
    };
    window.window = window;
    vm.runInNewContext(source, window);
    return { window, made, PushStream: window.PushStream };
}

/** An instance with channel ch1, what it told, and the making of it. */
function create(options = {}, extra = {}) {
    const { window, made, PushStream } = load(extra);
    const told = [];
    const push = new PushStream({
        host: "page.test",
        onstatuschange: state => told.push(["CLOSED", "CONNECTING", "OPEN"][state]),
        onmessage: (...args) => told.push(args),
        onerror: ({ type }) => told.push(`error ${type}`),
        onchanneldeleted: (...args) => told.push(["deleted", ...args]),
        ...options,
    });
    push.addChannel("ch1");
    return { window, made, push, told, PushStream };
}

const message = (fields = {}) => JSON.stringify({ id: 1, channel: "ch1", text: "Hello%20you", ...fields });
// Objects of the script's context have other prototypes.
const plain = value => JSON.parse(JSON.stringify(value));

test("globals: constructor, constants, manager; a second copy does nothing", () => {
    const { window, PushStream } = load();
    assert.deepEqual([PushStream.CLOSED, PushStream.CONNECTING, PushStream.OPEN, PushStream.LOG_LEVEL, PushStream.LOG_OUTPUT_ELEMENT_ID],
        [0, 1, 2, "error", "Log4jsLogOutput"]);
    assert.equal(window.Utils, undefined);
    const first = new PushStream(), second = new PushStream();
    assert.deepEqual([first.id, second.id], [0, 1]);
    assert.equal(window.PushStreamManager[1], second);
    vm.runInNewContext(source, window);
    assert.equal(window.PushStream, PushStream);
    assert.equal(window.PushStreamManager.length, 2);
});

test("options become properties; their defaults", () => {
    const { PushStream } = load();
    const push = new PushStream();
    const { id, wrappers, extraParams, ...properties } = push;
    const expected = {
        useSSL: false, host: "page.test", port: 80, timeout: 30000, pingtimeout: 30000, reconnectOnTimeoutInterval: 3000,
        reconnectOnChannelUnavailableInterval: 60000, autoReconnect: true, lastEventId: null, messagesControlByArgument: false,
        tagArgument: "tag", timeArgument: "time", eventIdArgument: "eventid", useJSONP: false, urlPrefixPublisher: "/pub",
        urlPrefixStream: "/sub", urlPrefixEventsource: "/ev", urlPrefixLongpolling: "/lp", urlPrefixWebsocket: "/ws",
        jsonIdKey: "id", jsonChannelKey: "channel", jsonTextKey: "text", jsonTagKey: "tag", jsonTimeKey: "time",
        jsonEventIdKey: "eventid", modes: ["eventsource", "websocket", "stream", "longpolling"], channelsByArgument: false,
        channelsArgument: "channels", onmessage: null, onerror: null, onstatuschange: null, onchanneldeleted: null,
        readyState: 0, channels: {}, channelsCount: 0, wrapper: null,
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map(name => [name, plain(properties[name])])), expected);
    assert.equal(push.messagesPublishedAfter, undefined);
    assert.deepEqual(plain(extraParams()), {});
    assert.equal(new PushStream({ useSSL: true }).port, 443);
    assert.equal(new PushStream({ port: "8080" }).port, 8080);
    assert.equal(new PushStream({ autoReconnect: 0 }).autoReconnect, true);
    assert.equal(new PushStream({ autoReconnect: false }).autoReconnect, false);
    assert.equal(new PushStream({ useJSONP: true }).messagesControlByArgument, true);
    const own = { timeout: 1, host: "h", modes: "stream", jsonTextKey: "t", channelsArgument: "c", urlPrefixWebsocket: "/w" };
    const set = new PushStream(own);
    assert.deepEqual(Object.keys(own).map(name => String(set[name])), ["1", "h", "stream", "t", "c", "/w"]);
});

test("option names of releases up to 0.3.5", () => {
    const { PushStream } = load();
    const older = {
        jsonDataKey: ["jsonTextKey", "t"], longPollingUseJSONP: ["useJSONP", true], longPollingTagArgument: ["tagArgument", "t"],
        longPollingTimeArgument: ["timeArgument", "t"], reconnecttimeout: ["reconnectOnTimeoutInterval", 5],
        checkChannelAvailabilityInterval: ["reconnectOnChannelUnavailableInterval", 5],
        secondsAgo: ["messagesPublishedAfter", 5], longPollingTimeout: ["timeout", 5],
    };
    for (const [name, [now, value]] of Object.entries(older)) {
        assert.equal(new PushStream({ [name]: value })[now], value, name);
        assert.equal(new PushStream({ [name]: value, [now]: 7 })[now], now === "useJSONP" ? true : 7, name);
    }
    assert.equal(new PushStream({ longPollingByHeaders: false }).messagesControlByArgument, true);
    assert.equal(new PushStream({ longPollingByHeaders: true }).messagesControlByArgument, false);
});

test("modes that the browser lacks are skipped, unknown ones are null", () => {
    const types = (options, extra) =>
        Array.from(new (load(extra).PushStream)(options).wrappers, wrapper => wrapper && wrapper.type);
    assert.deepEqual(types(), ["EventSource", "WebSocket", "Stream", "LongPolling"]);
    assert.deepEqual(types({}, { WebSocket: undefined }), ["EventSource", "Stream", "LongPolling"]);
    assert.deepEqual(types({}, { WebSocket: undefined, MozWebSocket: class {} }), ["EventSource", "WebSocket", "Stream", "LongPolling"]);
    assert.deepEqual(types({}, { EventSource: undefined }), ["WebSocket", "Stream", "LongPolling"]);
    assert.deepEqual(types({ modes: "longpolling|pigeon|websocket" }), ["LongPolling", null, "WebSocket"]);
});

test("channels: names, options, counting", () => {
    const { push } = create();
    const options = { backtrack: 2 };
    push.addChannel("ch2", options);
    assert.equal(push.channels.ch2, options);
    assert.equal(push.channelsCount, 2);
    assert.throws(() => push.addChannel("a b"), thrown => thrown === "Invalid channel name! Channel has to be a set of [a-zA-Z0-9]");
    assert.throws(() => push.addChannel("ch2"), thrown => thrown === "Cannot add channel ch2: already subscribed");
    push.removeChannel("unknown");
    push.removeChannel("ch1");
    assert.deepEqual([Object.keys(push.channels), push.channelsCount], [["ch2"], 1]);
    push.removeAllChannels();
    assert.deepEqual([Object.keys(push.channels), push.channelsCount], [[], 0]);
});

test("connect says what is missing", () => {
    const { PushStream } = load();
    const thrown = options => {
        const push = new PushStream(options);
        if (options.channel) push.addChannel("ch1");
        try { push.connect(); } catch (error) { return error; }
    };
    assert.equal(thrown({ host: "" }), "PushStream host not specified");
    assert.equal(thrown({ port: "x" }), "PushStream port not specified");
    assert.equal(thrown({}), "No channels specified");
    assert.equal(thrown({ modes: "pigeon", channel: true }), "No available support for this browser");
});

test("URLs of every mode", () => {
    const url = (modes, options, channels = { ch1: undefined }, extra) => {
        const { push, made } = create({ modes, ...options }, extra);
        push.removeAllChannels();
        for (const [name, value] of Object.entries(channels)) push.addChannel(name, value);
        push.connect();
        tick(100);
        const [made1] = [...made.sockets, ...made.sources, ...made.requests, ...made.elements.map(({ src }) => ({ url: src }))];
        push.disconnect();
        return made1.url.replace(/(_onmessage_)\d+/, "$1N").replace(/_=\d+/, "_=N");
    };
    assert.equal(url("websocket", { port: 9080 }), "ws://page.test:9080/ws/ch1?_=N&tag=&time=&eventid=");
    assert.equal(url("websocket", { useSSL: true }), "wss://page.test/ws/ch1?_=N&tag=&time=&eventid=");
    assert.equal(url("websocket", { useSSL: true, port: 80 }), "wss://page.test:80/ws/ch1?_=N&tag=&time=&eventid=");
    assert.equal(url("eventsource", {}, { ch2: { backtrack: 3 }, ch1: {} }), "http://page.test/ev/ch2.b3/ch1?_=N&tag=&time=&eventid=");
    assert.equal(url("eventsource", { useSSL: true }), "https://page.test/ev/ch1?_=N&tag=&time=&eventid=");
    assert.equal(url("stream", { extraParams: () => ({ a: "x y", zero: 0, none: null }) }),
        "http://page.test/sub/ch1?a=x%20y&zero=&none=&_=N&streamid=0&tag=&time=&eventid=");
    assert.equal(url("longpolling", {}), "http://page.test/lp/ch1?&tag=&time=&eventid=&_=N");
    assert.equal(url("longpolling", { extraParams: () => ({ a: 1 }), urlPrefixLongpolling: "/poll" }),
        "http://page.test/poll/ch1?&a=1&tag=&time=&eventid=&_=N");
    const byArgument = { channelsByArgument: true };
    const two = { ch1: { backtrack: 2 }, ch2: {} };
    assert.equal(url("websocket", byArgument, two), "ws://page.test/ws?_=N&tag=&time=&eventid=&channels=ch1.b2%2Fch2");
    assert.equal(url("stream", { ...byArgument, channelsArgument: "c" }, two), "http://page.test/sub?_=N&streamid=0&tag=&time=&eventid=&c=ch1.b2%2Fch2");
    assert.equal(url("longpolling", byArgument, two), "http://page.test/lp?channels=ch1.b2%2Fch2&tag=&time=&eventid=&_=N");
    assert.equal(url("longpolling", { useJSONP: true }),
        "http://page.test/lp/ch1?&tag=&time=&eventid=&callback=PushStreamManager_0_onmessage_N&_=N");
    // Another host: script tags by themselves.
    assert.match(url("longpolling", { host: "other.test" }), /^http:\/\/other\.test\/lp\/ch1\?.*callback=/);
});

test("the cursor in arguments: the first one, and after messages", () => {
    const first = (options, channel) => {
        const { push, made } = create({ modes: "websocket", messagesControlByArgument: true, ...options });
        push.removeAllChannels();
        push.addChannel("ch1", channel);
        push.connect();
        return { push, made, socket: made.sockets[0], search: made.sockets[0].url.replace(/.*\/ws\//, "").replace(/_=\d+&/, "") };
    };
    const date = "Fri%2C%2009%20Nov%202012%2015%3A00%3A00%20GMT";
    const after = new Date("2012-11-09T15:00:00Z");
    assert.equal(first({ messagesPublishedAfter: after }).search, `ch1?tag=&time=${date}&eventid=`);
    assert.equal(first({ messagesPublishedAfter: after, messagesControlByArgument: false }, { backtrack: 2 }).search, "ch1.b2?tag=&time=&eventid=");
    assert.equal(first({ messagesPublishedAfter: after }, { backtrack: 2 }).search, `ch1?tag=&time=${date}&eventid=`);
    assert.equal(first({ messagesPublishedAfter: -5 }).search, "ch1?tag=&time=Thu%2C%2001%20Jan%201970%2000%3A00%3A00%20GMT&eventid=");
    assert.equal(first({ messagesPublishedAfter: 60 }).search,
        `ch1?tag=&time=${encodeURIComponent(new Date(Date.now() - 60_000).toUTCString())}&eventid=`);
    assert.equal(first({ lastEventId: "some id" }).search, "ch1?tag=&time=&eventid=some%20id");
    assert.equal(first({ lastEventId: "some id", messagesPublishedAfter: after }).search, `ch1?tag=&time=${date}&eventid=`);

    const { push, made, socket } = first({ messagesPublishedAfter: 60 }, { backtrack: 2 });
    socket.onopen();
    socket.onmessage({ data: message({ time: after.toUTCString(), tag: "7", eventid: "e1" }) });
    // The server's own messages carry the epoch.
    socket.onmessage({ data: message({ id: -2, time: "Thu, 01 Jan 1970 00:00:00 GMT", tag: "0" }) });
    push.disconnect();
    push.connect();
    assert.equal(made.sockets[1].url.replace(/.*\/ws\/|_=\d+&/g, ""), `ch1?tag=7&time=${date}&eventid=`);
});

test("messages: arguments, decoding, ids of the server", () => {
    const { push, made, told } = create({ modes: "websocket" });
    push.connect();
    const [socket] = made.sockets;
    socket.onopen();
    told.length = 0;
    for (const data of [
        message(), message({ id: 2, eventid: "e", time: "T", tag: "1" }), message({ id: 3, text: { an: "object" } }),
        message({ id: 4, text: "100%" }), message({ id: "5" }), message({ id: -1 }), message({ id: -3 }), message({ id: -2 }), "not JSON",
    ]) socket.onmessage({ data });
    assert.deepEqual(plain(told), plain([
        ["Hello you", 1, "ch1", "", true, undefined], ["Hello you", 2, "ch1", "e", true, "T"],
        [{ an: "object" }, 3, "ch1", "", true, undefined], ["100%", 4, "ch1", "", true, undefined],
        ["Hello you", "5", "ch1", "", true, undefined], ["deleted", "ch1"],
    ]));
    assert.equal(push.readyState, 2);
    const keys = { jsonIdKey: "i", jsonChannelKey: "c", jsonTextKey: "t", jsonEventIdKey: "e" };
    const other = create({ modes: "eventsource", ...keys });
    other.push.connect();
    other.made.sources[0].onmessage({ data: JSON.stringify({ i: 1, c: "x", t: "y", e: "z" }) });
    assert.deepEqual(plain(other.told.at(-1)), ["y", 1, "x", "z", true, null]);
});

test("states: connect, a channel more, the server's end", () => {
    const { push, made, told } = create({ modes: "websocket", autoReconnect: false });
    push.connect();
    made.sockets[0].onopen();
    push.addChannel("ch2");
    assert.match(made.sockets[1].url, /\/ws\/ch1\/ch2\?/);
    assert.ok(made.sockets[0].closed);
    made.sockets[1].onopen();
    made.sockets[1].onclose({ code: 1000 });
    tick(100_000);
    assert.deepEqual(told, ["CONNECTING", "OPEN", "CLOSED", "CONNECTING", "OPEN", "CLOSED", "error timeout"]);
    assert.equal(made.sockets.length, 2);
});

test("websocket: errors, and when it comes again", () => {
    for (const [event, opened, type, msec] of [
        ["onclose", true, "timeout", 3000], ["onclose", false, "load", 60000], ["onerror", false, "load", 60000],
        ["onerror", true, "timeout", 3000],
    ]) {
        const { push, made, told } = create({ modes: "websocket" });
        push.connect();
        if (opened) made.sockets[0].onopen();
        made.sockets[0][event]({ code: 1000 });
        assert.deepEqual(told.slice(-2), ["CLOSED", `error ${type}`]);
        tick(msec - 1);
        assert.equal(made.sockets.length, 1);
        tick(1);
        assert.equal(made.sockets.length, 2);
        push.disconnect();
    }
    const { push, made, told } = create({ modes: "websocket" });
    push.connect();
    made.sockets[0].onopen();
    made.sockets[0].onclose({ code: 1006 });
    assert.equal(told.at(-1), "error load");
    push.disconnect();
    tick(100_000);
    assert.equal(made.sockets.length, 1);
});

test("modes take turns until one opens, which is kept", () => {
    const { push, made } = create({ modes: "websocket|pigeon|eventsource" });
    push.connect();
    made.sockets[0].onerror({});
    tick(60_000);
    assert.equal(push.wrapper.type, "EventSource");
    made.sources[0].onerror({});
    tick(60_000);
    assert.equal(push.wrapper.type, "WebSocket");
    made.sockets[1].onerror({});
    tick(60_000);
    made.sources[1].onopen();
    made.sources[1].readyState = 2;
    made.sources[1].onerror({});
    tick(3000);
    assert.equal(push.wrapper.type, "EventSource");
    push.connect();
    assert.equal(push.wrapper.type, "WebSocket");
    assert.equal(push.wrapper.connection, made.sockets.at(-1));
    push.disconnect();
    assert.equal(push.wrapper.connection, null);
});

test("eventsource: the browser's own reconnect is left alone", () => {
    const { push, made, told } = create({ modes: "eventsource" });
    push.connect();
    made.sources[0].onopen();
    made.sources[0].readyState = 0;
    made.sources[0].onerror({});
    assert.equal(push.readyState, 2);
    made.sources[0].readyState = 2;
    made.sources[0].onerror({});
    assert.deepEqual(told, ["CONNECTING", "OPEN", "CLOSED", "error timeout"]);
    push.disconnect();
});

test("long-polling: headers, answers, batches", () => {
    const { push, made, told } = create({ modes: "longpolling" });
    push.removeAllChannels();
    push.addChannel("ch1", { backtrack: 2 });
    push.connect();
    assert.equal(made.requests.length, 0);
    tick(100);
    assert.match(made.requests[0].url, /\/lp\/ch1\.b2\?/);
    assert.deepEqual(made.requests[0].headers, { "If-None-Match": "0", "If-Modified-Since": "null" });
    assert.deepEqual(told, ["CONNECTING"]);
    tick(50);
    assert.deepEqual(told, ["CONNECTING", "OPEN"]);
    const date = "Fri, 09 Nov 2012 15:00:00 GMT";
    made.requests[0].respond(200, `${message()}${message({ id: 2 })}\r\n\r\n${message({ id: 3 })}`, { Etag: "W/5", "Last-Modified": date });
    assert.deepEqual(told.slice(2).map(args => [args[1], args[4]]), [[1, false], [2, false], [3, true]]);
    tick(100);
    assert.deepEqual(made.requests[1].headers, { "If-None-Match": "W/5", "If-Modified-Since": date });
    // With a backtrack it would get the same again.
    assert.match(made.requests[1].url, /\/lp\/ch1\?/);
    made.requests[1].respond(304, "", { Etag: "W/6", "Last-Modified": date });
    tick(100);
    assert.equal(made.requests[2].headers["If-None-Match"], "W/6");
    // No answer: once more, and nobody is told.
    tick(32_000);
    tick(100);
    assert.ok(made.requests[2].aborted);
    assert.equal(made.requests.length, 4);
    assert.equal(push.readyState, 2);
    push.disconnect();
    assert.ok(made.requests[3].aborted);
    tick(100_000);
    assert.equal(made.requests.length, 4);
});

test("long-polling: errors", () => {
    for (const [status, wait, type, msec] of [[403, 0, "load", 60_000], [403, 100, "load", 60_000], [500, 0, "load", 60_000],
        [500, 100, "timeout", 3000], [0, 100, "timeout", 3000]]) {
        const { push, made, told } = create({ modes: "longpolling" });
        push.connect();
        tick(100);
        tick(wait);
        made.requests[0].respond(status);
        assert.deepEqual(told.slice(-2), ["CLOSED", `error ${type}`]);
        tick(msec);
        tick(100);
        assert.equal(made.requests.length, 2);
        push.disconnect();
    }
});

test("long-polling with the cursor in arguments", () => {
    const { push, made } = create({ modes: "longpolling", messagesControlByArgument: true });
    push.connect();
    tick(100);
    assert.deepEqual(made.requests[0].headers, {});
    made.requests[0].respond(200, message({ tag: "3", time: "T 1" }), { Etag: "W/5", "Last-Modified": "T 2" });
    tick(100);
    assert.match(made.requests[1].url, /&tag=3&time=T%201&eventid=&/);
    // Without a time an answer does not move it.
    made.requests[1].respond(200, message({ id: 2, tag: "4" }));
    tick(100);
    assert.match(made.requests[2].url, /&tag=3&time=T%201&/);
    push.disconnect();
});

test("JSONP: the callback, and what a script tells without a status", () => {
    const { push, made, told, window } = create({ modes: "longpolling", useJSONP: true });
    push.connect();
    tick(100);
    const name = /callback=([^&]+)/.exec(made.elements[0].src)[1];
    assert.match(name, /^PushStreamManager_0_onmessage_\d+$/);
    window[name]([JSON.parse(message({ tag: 1, time: "T" })), JSON.parse(message({ id: 2, tag: 2, time: "T" }))]);
    assert.deepEqual(told.slice(2).map(args => [args[1], args[4]]), [[1, false], [2, true]]);
    assert.ok(made.elements[0].removed);
    tick(100);
    assert.match(made.elements[1].src, /tag=2&time=T&/);
    tick(15_001);
    made.elements[1].onerror();
    assert.equal(push.readyState, 2);
    tick(100);
    tick(15_000);
    made.elements[2].onload();
    assert.deepEqual(told.slice(-2), ["CLOSED", "error load"]);
    push.disconnect();
    tick(30_000);
    assert.deepEqual(Object.keys(window).filter(name => /_onmessage_/.test(name)), []);
});

test("stream: the frame, registering, pings, the end", () => {
    const { push, made, told, PushStream, window } = create({ modes: "stream", host: "a.example.test", timeout: 5000 });
    const register = frame => {
        frame.contentWindow.location.href = frame.src;
        PushStream.register(frame.contentWindow);
        return frame.contentWindow.p;
    };
    push.connect();
    const [frame] = made.elements;
    assert.deepEqual([frame.tag, frame.id, frame.width, frame.height, window.document.domain],
        ["iframe", "PushStreamManager_0", 1, 1, "example.test"]);
    const p = register(frame);
    p(1, "ch1", "Hello%20you", "e", "T", "3");
    p(-1, "", " ", "", "Thu, 01 Jan 1970 00:00:00 GMT", "0");
    p(2, "ch1", "short form");
    p(-2, "ch1", "bye");
    assert.deepEqual(plain(told), plain(["CONNECTING", "OPEN", ["Hello you", 1, "ch1", "e", true, "T"],
        ["short form", 2, "ch1", "", true, undefined], ["deleted", "ch1"]]));
    assert.deepEqual([push._etag, push._lastModified], ["3", "T"]);
    // Each message gives it another 30 seconds.
    tick(29_000);
    p(-1, "", " ");
    tick(29_000);
    assert.equal(push.readyState, 2);
    tick(1000);
    assert.deepEqual(told.slice(-2), ["CLOSED", "error timeout"]);
    assert.ok(frame.removed);
    tick(3000);
    const second = made.elements[1];
    register(second);
    second.onload();
    assert.deepEqual(told.slice(-4), ["CONNECTING", "OPEN", "CLOSED", "error timeout"]);
    tick(3000);
    tick(5000);
    assert.deepEqual(told.slice(-3), ["CONNECTING", "CLOSED", "error timeout"]);
    p(3, "ch1", "from a frame that is gone");
    assert.equal(told.at(-1), "error timeout");
    push.disconnect();
});

test("sendMessage: through the socket, or by POST", () => {
    const { push, made, PushStream } = create({ modes: "websocket|longpolling", port: 9080 });
    push.addChannel("ch2");
    const answers = [];
    const send = () => push.sendMessage("a&b ü", text => answers.push(["success", text]), status => answers.push(["error", status]));
    send();
    push.connect();
    made.sockets[0].onopen();
    send();
    assert.deepEqual(made.sockets[0].sent, ["a%26b%20%C3%BC"]);
    const [post] = made.requests;
    assert.deepEqual([post.method, post.url.replace(/\d+$/, "N"), post.body, post.headers],
        ["POST", "http://page.test:9080/pub?id=/ch1/ch2&_=N", "a%26b%20%C3%BC",
            { Accept: "application/json", "Content-type": "application/x-www-form-urlencoded" }]);
    post.respond(200, "{}");
    PushStream.sendMessage("/elsewhere", "x", null, status => answers.push(["error", status]));
    made.requests[1].respond(403);
    assert.deepEqual([made.requests[1].url, answers], ["/elsewhere", [["success", undefined], ["success", "{}"], ["error", 403]]]);
    push.disconnect();
});

test("a callback that throws or disconnects disturbs nothing", () => {
    const seen = [], thrown = [];
    const { push, made } = create({ modes: "longpolling" }, {
        setTimeout: (fn, msec) => setTimeout(() => {
            try { fn(); } catch (error) { thrown.push(error.message); }
        }, msec),
    });
    push.onmessage = text => {
        seen.push(text);
        push.disconnect();
    };
    push.connect();
    tick(100);
    made.requests[0].respond(200, message());
    tick(1000);
    assert.deepEqual([seen, made.requests.length, push.readyState], [["Hello you"], 1, 0]);
    push.onmessage = () => { throw new Error("page"); };
    push.connect();
    tick(100);
    made.requests[1].respond(200, message());
    tick(100);
    assert.deepEqual(thrown, ["page"]);
    assert.equal(made.requests.length, 3);
    push.disconnect();
});

test("log lines: by level, to the console and to the element", () => {
    const { push, made, PushStream } = create({ modes: "websocket" });
    push.connect();
    push.disconnect();
    assert.deepEqual(made.logged, []);
    PushStream.LOG_LEVEL = "debug";
    made.output = { id: PushStream.LOG_OUTPUT_ELEMENT_ID, innerHTML: "" };
    for (let round = 0; round < 70; round++) {
        push.connect();
        push.disconnect();
    }
    assert.ok(made.logged.length >= 140);
    assert.equal(made.output.innerHTML.split("<br>").length, 100);
});

test("Utils, for the tests of pages", () => {
    const { Utils } = load({ jasmine: {} }).window;
    assert.equal(Utils.dateToUTCString(new Date("2012-11-09T15:00:00Z")), "Fri, 09 Nov 2012 15:00:00 GMT");
    assert.equal(Utils.dateToUTCString(new Date("2012-01-01T05:06:07Z")), "Sun, 01 Jan 2012 05:06:07 GMT");
    for (const host of ["201.10.32.52", "domain.com", "localhost"]) assert.equal(Utils.extract_xss_domain(host), host);
    assert.equal(Utils.extract_xss_domain("example.domain.com"), "domain.com");
    assert.equal(Utils.extract_xss_domain("another.example.domain.com"), "example.domain.com");
    assert.equal(Utils.isCrossDomainUrl("/here"), false);
    assert.equal(Utils.isCrossDomainUrl("http://page.test:80/x"), false);
    for (const url of ["http://page.test:8080/", "https://page.test/", "http://other.test/"]) assert.equal(Utils.isCrossDomainUrl(url), true);
    const keys = { jsonIdKey: "id", jsonChannelKey: "channel", jsonTextKey: "text", jsonTagKey: "tag", jsonTimeKey: "time", jsonEventIdKey: "eventid" };
    assert.deepEqual(plain(Utils.parseMessage(message({ tag: "1", time: "T" }), keys)),
        { id: 1, channel: "ch1", text: "Hello you", tag: "1", time: "T", eventid: "" });
});

test("parseJSON, with the browser's own and without", () => {
    for (const native of [JSON, undefined]) {
        const { Utils } = load({ jasmine: {}, JSON: native }).window;
        for (const nothing of [null, undefined, 5, {}]) assert.equal(Utils.parseJSON(nothing), null);
        for (const value of [{}, [], { a: [1, -2.5e3, true, false, null, "x \"q\" \\ \u00e9 \n /"], b: { c: [{}] } }, "t", 0]) {
            for (const text of [JSON.stringify(value), ` \n${JSON.stringify(value, null, 2)}\t`]) {
                assert.deepEqual(plain(Utils.parseJSON(text)), value);
            }
        }
        assert.equal(Utils.parseJSON("\"\\u0041\\/\\t\""), "A/\t");
        for (const wrong of ["", "{", "{\"a\"}", "[1,]", "{\"a\":1}}", "alert(1)", "{a:1}", "01", "\"open", "[1 2]", "\"tab\t\""]) {
            assert.throws(() => Utils.parseJSON(wrong), thrown => thrown === `Invalid JSON: ${wrong}`, wrong);
        }
    }
});
