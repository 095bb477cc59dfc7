// The five ways to subscribe. Each `run` returns when the server has ended the response, and throws
// when the connection is lost, refused or aborted by `signal`. subscriber.js connects again, with
// the cursor of that moment.
//
// `on` is told what happens: `open()`, `message(message)`, `cursor({ time, tag })` when an answer
// hands one out, `gap()`, and `sign()` at every other sign of life.

import { cursorHeaders, curl, subscriberUrl } from "./address.js";
import { GAP, MessageReader, PING, eventMessage, frameMessage } from "./message.js";

/** How often the polling mode asks. */
export const POLL_MSEC = 2000;

/** The server has answered, and will not do it. */
export class Refusal extends Error {
    constructor(status, explain) {
        const reasons = { 403: "forbidden", 404: "there is no such location", 500: "no memory left" };
        super(`The server refused: ${explain || reasons[status] || "no reason given"} (${status})`);
        this.status = status;
    }
}

const SUB = "/page/sub/";
const EV = "/page/ev/";
const WS = "/page/ws/";

async function ask(mode, channels, cursor, signal) {
    const headers = cursorHeaders(cursor);
    if (mode) headers["X-Nginx-PushStream-Mode"] = mode;
    const answer = await fetch(subscriberUrl(SUB, channels), { headers, signal, cache: "no-store" });
    if (answer.status >= 400) throw refusal(answer);
    return answer;
}

const refusal = answer => new Refusal(answer.status, answer.headers.get("X-Nginx-PushStream-Explain"));
const hasGap = answer => answer.headers.has("X-Nginx-PushStream-Gap");
const readAll = bytes => new MessageReader().push(bytes).filter(message => message.id !== GAP);

/** The position behind all that is stored, and the newest message of each channel. */
export async function newestOf(channels, signal) {
    // A backtrack of one: the answer's cursor is that of the newest message.
    const path = channels.map(name => `${name}.b1`);
    const answer = await ask("polling", path, undefined, signal);
    const messages = readAll(new Uint8Array(await answer.arrayBuffer()));
    return { cursor: cursorOf(answer), messages };
}

function cursorOf(answer) {
    const time = answer.headers.get("Last-Modified");
    const tag = /\d+/.exec(answer.headers.get("Etag") ?? "");
    return time && { time, tag: tag ? Number(tag[0]) : 0 };
}

async function streaming({ channels, cursor, signal, on }) {
    const answer = await ask("", channels, cursor(), signal);
    on.open();
    if (hasGap(answer)) on.gap();
    const body = answer.body.getReader();
    const reader = new MessageReader();
    for (;;) {
        const { done, value } = await body.read();
        if (done) return;
        for (const message of reader.push(value)) {
            if (message.id === PING) on.sign();
            else if (message.id !== GAP) on.message(message);
        }
    }
}

/** One request after the other, each with the cursor that the last answer handed out. */
async function poll(mode, pause, { channels, cursor, signal, on }) {
    for (;;) {
        // A long poll that waits says nothing: it is taken for open when it is sent.
        if (mode === "long-polling") on.open();
        const answer = await ask(mode, channels, cursor(), signal);
        const body = new Uint8Array(await answer.arrayBuffer());
        on.open();
        if (hasGap(answer)) on.gap();
        readAll(body).forEach(on.message);
        const next = cursorOf(answer);
        if (next) on.cursor(next);
        on.sign();
        await sleep(pause);
        signal.throwIfAborted();
    }
}

const sleep = msec => new Promise(done => setTimeout(done, msec));

// An EventSource hands out only the types of event that somebody listens to.
const types = new Set(["message", "gap"]);
const listeners = new Set();

/** Has every EventSource listen to this type of event, too. */
export function listenTo(type) {
    if (types.has(type)) return;
    types.add(type);
    listeners.forEach(listen => listen(type));
}

function eventSource({ channels, cursor, signal, on }) {
    return new Promise((done, failed) => {
        const url = subscriberUrl(EV, channels, cursor());
        const source = new EventSource(url);
        let opened = false;
        const close = () => {
            source.close();
            listeners.delete(listen);
        };
        const listen = type => source.addEventListener(type, event => {
            if (event.data === undefined) return; // not from the server: its own "error" or "open"
            try {
                const message = eventMessage(event);
                if (message.id === GAP) on.gap();
                else on.message(message);
            } catch (error) {
                close();
                failed(error);
            }
        });
        types.forEach(listen);
        listeners.add(listen);
        source.onopen = () => {
            opened = true;
            on.open();
        };
        // Left alone the browser would ask for the same address again, with the cursor of then.
        source.onerror = event => {
            if (event.data !== undefined) return; // a message of the type "error"
            close();
            if (opened) done();
            else whyRefused(url).then(failed, failed);
        };
        signal.addEventListener("abort", () => {
            close();
            failed(signal.reason);
        }, { once: true });
    });
}

/** A browser does not tell why an EventSource or a WebSocket failed. */
async function whyRefused(url) {
    const stop = new AbortController();
    const answer = await fetch(url, { signal: stop.signal, cache: "no-store" });
    stop.abort();
    return answer.ok ? new Error("The connection was lost") : refusal(answer);
}

function webSocket({ channels, cursor, signal, on }) {
    return new Promise((done, failed) => {
        const path = subscriberUrl(WS, channels, cursor());
        const socket = new WebSocket(Object.assign(new URL(path, location), {
            protocol: location.protocol === "https:" ? "wss:" : "ws:",
        }));
        let opened = false;
        socket.onopen = () => {
            opened = true;
            on.open();
        };
        socket.onmessage = ({ data }) => {
            try {
                const message = frameMessage(data);
                if (message.id === GAP) on.gap();
                else if (message.id !== PING) on.message(message);
            } catch (error) {
                socket.close();
                failed(error);
            }
        };
        socket.onclose = ({ code, reason }) => {
            // Refused after the handshake: the reason is JSON.
            if (code === 1008) failed(closeRefusal(reason));
            else if (opened) done();
            else whyNoSocket(path).then(failed, failed);
        };
        signal.addEventListener("abort", () => {
            socket.close();
            failed(signal.reason);
        }, { once: true });
    });
}

function closeRefusal(reason) {
    try {
        const { http_status: status, explain } = JSON.parse(reason);
        return new Refusal(status, explain);
    } catch {
        return new Error(`The server closed the connection: ${reason}`);
    }
}

async function whyNoSocket(path) {
    const why = await whyRefused(path);
    return why.status === 404 ? new Refusal(404, "WebSocket is not set up here") : why;
}

/** All of them, as the panels show them. `counted`: it holds one of the browser's connections. */
export const TRANSPORTS = [
    {
        name: "streaming", title: "Streaming", counted: true, run: streaming,
        about: "fetch(), one response without end",
        command: (channels, cursor) => curl("-sN", cursorHeaders(cursor), subscriberUrl("/sub/", channels)),
    },
    {
        name: "eventsource", title: "EventSource", counted: true, run: eventSource,
        about: "new EventSource()", unseen: ", or of an event type that nobody listens to",
        command: (channels, cursor) => curl("-sN", cursorHeaders(cursor), subscriberUrl("/ev/", channels)),
    },
    {
        name: "websocket", title: "WebSocket", counted: false, run: webSocket,
        about: "new WebSocket()",
        command: (channels, cursor) => curl("-sN --http1.1", {
            Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": 13,
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }, subscriberUrl("/ws/", channels, cursor)),
    },
    {
        name: "long-polling", title: "Long-polling", counted: true,
        run: options => poll("long-polling", 0, options),
        about: "fetch(), waits for a message",
        command: (channels, cursor) => curl("-si", cursorHeaders(cursor), subscriberUrl("/lp/", channels)),
    },
    {
        name: "polling", title: "Polling", counted: false,
        run: options => poll("polling", POLL_MSEC, options),
        about: `fetch() every ${POLL_MSEC / 1000} seconds`,
        command: (channels, cursor) => curl("-si", cursorHeaders(cursor), subscriberUrl("/poll/", channels)),
    },
];
