// Client of nginx push stream: subscribes to channels over WebSocket, a fetch stream, EventSource or
// long-polling, and goes on exactly where it was. Options are described in push-stream.d.ts, the
// nginx configuration in README.md.

const PATHS = { websocket: "ws/", stream: "sub/", eventsource: "ev/", longpolling: "lp/", now: "now" };

// What push_stream_message_template writes before the text. The text itself is taken by its size, or to
// the end, so that it may be anything.
const HEAD = /^\s*\{"id":(-?\d+),"channel":"(.*?)","time":"([^"]*)","tag":(\d+),"eventId":"(.*?)","eventType":"(.*?)","size":(\d+),"text":"/s;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const bytewise = new TextDecoder("latin1");

const message = ([, id, channel, time, tag, eventId, eventType], text) =>
    ({ channel, id: +id, text, time: new Date(time), tag: +tag, eventId, eventType });

const mismatch = () =>
    new Error("the answer does not have the push_stream_message_template of client/README.md");

// An EventSource renders each line of a text by itself; a WebSocket message is one line.
function parseText(data, separator) {
    const parts = data.split(separator).map(line => [HEAD.exec(line), line]);
    if (!parts.every(([head]) => head)) throw mismatch();
    return message(parts[0][0], parts.map(([head, line]) => line.slice(head[0].length, -2)).join("\n"));
}

// Messages back to back; answers how many bytes they took.
function parseBytes(bytes, each) {
    for (let at = 0; ;) {
        let size = 512, start, head;
        do {
            start = bytewise.decode(bytes.subarray(at, at + size));
            head = HEAD.exec(start);
        } while (!head && start.length === size && (size *= 8) < 1e6);
        if (!head) {
            const begun = start.trimStart().slice(0, 6);
            if (size > 1e6 || !'{"id":'.startsWith(begun)) throw mismatch();
            return begun ? at : bytes.length;
        }
        const text = at + head[0].length, end = text + +head[7];
        if (bytes.length < end + 2) return at;
        each(message(HEAD.exec(utf8.decode(bytes.subarray(at, text))), utf8.decode(bytes.subarray(text, end))));
        at = end + 2;
    }
}

async function get(url, { init, signal }) {
    const response = await fetch(url, { cache: "no-store", ...init, signal });
    if (response.ok || response.status === 304) return response;
    throw Object.assign(new Error(`${url}: ${response.status} ${response.statusText}`), {
        status: response.status,
        explain: response.headers.get("X-Nginx-PushStream-Explain") ?? "",
    });
}

// Each runs one connection until it ends; `c` is what connect() makes.
const TRANSPORTS = {
    websocket: c => new Promise((resolve, reject) => {
        const socket = new WebSocket(c.url().replace(/^http/, "ws"));
        const end = error => {
            socket.close();
            error ? reject(error) : resolve();
        };
        socket.binaryType = "arraybuffer";
        socket.onopen = () => c.open();
        socket.onmessage = ({ data }) => {
            try {
                if (typeof data === "string") c.take(parseText(data));
                else parseBytes(new Uint8Array(data), c.take);
            } catch (error) { end(error); }
        };
        // 1008: refused, and why.
        socket.onclose = ({ code, reason }) => end(code === 1008 && Object.assign(new Error(reason), {
            status: +/\d+/.exec(reason),
            explain: /"explain":"(.*)"/.exec(reason)?.[1],
        }));
        c.signal.addEventListener("abort", () => end());
    }),

    eventsource: c => new Promise((resolve, reject) => {
        const source = new EventSource(c.url(), { withCredentials: c.init?.credentials === "include" });
        const end = error => {
            source.close();
            error ? reject(error) : resolve();
        };
        source.onopen = () => c.open();
        // By itself the browser would come again with the old cursor of the URL.
        source.onerror = () => end();
        for (const type of ["message", "gap", ...c.eventTypes]) {
            source.addEventListener(type, ({ data }) => {
                try { c.take(parseText(data, "\n")); } catch (error) { end(error); }
            });
        }
        c.signal.addEventListener("abort", () => end());
    }),

    async stream(c) {
        const response = await get(c.url(), c);
        c.open(response);
        const reader = response.body.getReader();
        let rest = new Uint8Array();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            c.heard();
            const bytes = new Uint8Array(rest.length + value.length);
            bytes.set(rest);
            bytes.set(value, rest.length);
            rest = bytes.subarray(parseBytes(bytes, c.take));
        }
    },

    async longpolling(c) {
        // A poll that waits says nothing: after a second it counts as connected.
        const quiet = setTimeout(() => c.open(), 1000);
        c.signal.addEventListener("abort", () => clearTimeout(quiet));
        for (;;) {
            c.heard();
            const start = Date.now();
            const response = await get(c.url(), c);
            const bytes = new Uint8Array(await response.arrayBuffer());
            clearTimeout(quiet);
            c.open(response);
            if (parseBytes(bytes, c.take) < bytes.length) throw mismatch();
            const [time, tag] = ["Last-Modified", "Etag"].map(name => response.headers.get(name));
            if (time) c.settle({ time: new Date(time), tag: +/\d*$/.exec(tag) });
            // The server is leaving, or does not wait: the next one after a pause.
            if (response.status === 304 && Date.now() - start < 1000) return;
        }
    },
};

const NEEDS = { websocket: "WebSocket", eventsource: "EventSource", stream: "fetch", longpolling: "fetch" };

/** Subscribes to a channel, or to several. Options and what it returns: push-stream.d.ts. */
export function subscribe(channels, options = {}) {
    const {
        baseUrl = "/push/", urls = {}, transports = ["websocket", "stream", "longpolling"], eventTypes = [],
        since, backtrack, signal, params, request: init, pauseWhenHidden = false,
        onMessage, onGap, onDelete, onStateChange, onError = error => console.warn("push-stream:", error.message),
        retryMin = 1000, retryMax = 30000, connectTimeout = 10000, idleTimeout = 60000, random = Math.random,
    } = options;
    channels = [...new Set([channels].flat())];
    if (!channels.length || !channels.every(name => name && typeof name === "string" && !name.includes("/"))) {
        throw new TypeError("channels: give one or more names, without \"/\"");
    }
    const unknown = transports.find(name => !Object.hasOwn(TRANSPORTS, name));
    if (unknown) throw new TypeError(`transports: there is no "${unknown}"`);
    const usable = transports.filter(name => globalThis[NEEDS[name]]);
    if (!usable.length) throw new TypeError("transports: none of them exists here");

    // Behind what has been handed out; without `since` it begins with the server's time.
    let cursor = since == null ? undefined : { time: new Date(since.time ?? since), tag: since.tag ?? 0 };
    if (cursor && isNaN(cursor.time)) throw new TypeError("since: not a time");
    let state, transport, told, fresh = true, closed = false, turn = new AbortController();
    const queue = [], readers = [], end = { value: undefined, done: true };

    const call = (handler, ...args) => {
        try { handler?.(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
    };
    const become = next => {
        if (next !== state || transport !== told) call(onStateChange, state = next, told = transport);
    };
    const sleep = msec => new Promise(resolve => {
        if (turn.signal.aborted) return resolve();
        const timer = msec < Infinity && setTimeout(resolve, msec);
        turn.signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
    });
    const base = new URL(baseUrl.replace(/\/?$/, "/"), globalThis.location?.href);
    const locate = name => new URL(urls[name] ?? PATHS[name], base);
    // The server's time in whole seconds, as messages have it.
    const now = async signal => {
        const url = locate("now").href;
        const msec = 1000 * Math.floor(await (await get(url, { init, signal })).text());
        if (!msec) throw new Error(`${url}: not the value of $msec`);
        return new Date(msec);
    };

    // Runs one connection; answers whether it opened, and whether it was good for anything.
    async function connect() {
        const { signal } = turn, begun = Date.now();
        let opened = false, last, gapTold = false, timer;
        const limit = (msec, what) => {
            clearTimeout(timer);
            timer = setTimeout(() => {
                call(onError, new Error(`${transport}: ${what} for ${msec} ms`), transport);
                turn.abort();
            }, msec);
        };
        // By header and by message: once for each answer.
        const gap = () => {
            if (!gapTold) call(onGap);
            gapTold = true;
        };
        const c = {
            signal, init, eventTypes,
            url() {
                gapTold = false;
                const url = locate(transport), suffix = fresh && backtrack ? `.b${backtrack}` : "";
                url.pathname += channels.map(name => encodeURIComponent(name) + suffix).join("/");
                const args = { ...(typeof params === "function" ? params() : params),
                    time: cursor.time.toUTCString(), tag: cursor.tag };
                // %20, not +, as URLSearchParams has it: nginx takes a + as it is.
                url.search += (url.search && "&") + Object.entries(args)
                    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
                return url.href;
            },
            open(response) {
                if (signal.aborted) return;
                if (response?.headers.has("X-Nginx-PushStream-Gap")) gap();
                if (opened) return;
                opened = true;
                if (transport === "stream" || transport === "longpolling") c.heard();
                else clearTimeout(timer);
                become("open");
            },
            heard: () => opened ? limit(idleTimeout, "silent") : limit(connectTimeout, "no connection"),
            take(message) {
                const { id, channel, time, tag, text } = message;
                if (signal.aborted) return;
                if (id === -4) gap();
                if (id === -2) call(onDelete, channel, text);
                if (id <= 0) return;
                // Then the cursor would pass over messages.
                if (last && (time - last.time || tag - last.tag) <= 0) {
                    throw new Error("messages are out of order: the location needs push_stream_auto_event_id on");
                }
                last = message;
                c.settle({ time, tag });
                if (onMessage) call(onMessage, message);
                else if (readers.length) readers.shift()({ value: message, done: false });
                else queue.push(message);
            },
            settle(to) {
                if (signal.aborted) return;
                fresh = false;
                cursor = to;
            },
        };
        try {
            limit(connectTimeout, "no connection");
            cursor ??= { time: await now(signal), tag: 0 };
            signal.throwIfAborted();
            await TRANSPORTS[transport](c);
        } catch (error) {
            if (!signal.aborted) call(onError, error, transport);
        }
        clearTimeout(timer);
        if (opened) fresh = false;
        // Also a fetch whose answer could not be read.
        turn.abort();
        return { opened, good: last || (opened && Date.now() - begun > connectTimeout) };
    }

    async function run() {
        let index = 0, strikes = 0, failures = 0, worked = false;
        while (!closed) {
            turn = new AbortController();
            if (pauseWhenHidden && globalThis.document?.hidden) {
                become("paused");
                await sleep(Infinity);
                continue;
            }
            transport = usable[index];
            become("connecting");
            const { opened, good } = await connect();
            if (closed || turn.signal.reason === kick) continue;
            worked ||= opened;
            if (good) strikes = failures = 0;
            // Without a cursor it has not come to the transport.
            else if (cursor) strikes++;
            // A transport that has worked may fail twice: the server may be starting.
            if (strikes >= (worked ? 3 : 1)) {
                index = (index + 1) % usable.length;
                strikes = 0;
                worked = false;
                if (index) continue;
            }
            turn = new AbortController();
            become("waiting");
            await sleep(random() * Math.min(retryMax, retryMin * 2 ** failures++));
        }
    }

    // Whatever it is doing: begin anew, at once.
    const kick = () => turn.abort(kick);
    const listen = verb => {
        globalThis[verb]?.("online", kick);
        if (pauseWhenHidden) globalThis.document?.[verb]("visibilitychange", kick);
    };
    const close = () => {
        if (closed) return;
        closed = true;
        signal?.removeEventListener("abort", close);
        listen("removeEventListener");
        turn.abort();
        become("closed");
        readers.splice(0).forEach(resolve => resolve(end));
    };
    signal?.addEventListener("abort", close);
    listen("addEventListener");
    if (signal?.aborted) close();
    queueMicrotask(run);

    return {
        get state() { return state; },
        get transport() { return transport; },
        get cursor() { return cursor && { ...cursor }; },
        close,
        next: async () => queue.length ? { value: queue.shift(), done: false }
            : closed ? end : new Promise(resolve => readers.push(resolve)),
        async return() {
            close();
            queue.length = 0;
            return end;
        },
        [Symbol.asyncIterator]() { return this; },
    };
}
