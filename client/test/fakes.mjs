// What the tests without a server share: rendered messages, a fake fetch, waiting.

/** What push_stream_message_template of nginx-conf/javascript-client.conf makes of a message. */
export function render({ id = 1, channel = "a", time = 1, tag = 1, eventId = "", eventType = "", text = "" }) {
    const bytes = Buffer.from(text);
    return Buffer.concat([
        Buffer.from(`{"id":${id},"channel":"${channel}","time":"${new Date(time * 1000).toUTCString()}","tag":${tag},` +
            `"eventId":"${eventId}","eventType":"${eventType}","size":${bytes.length},"text":"`),
        bytes,
        Buffer.from("\"}"),
    ]);
}

const originals = new WeakMap();

/** Sets globals for one test; also several times. */
export function setGlobals(t, values) {
    if (!originals.has(t)) originals.set(t, new Map());
    const known = originals.get(t);
    for (const [name, value] of Object.entries(values)) {
        if (!known.has(name)) {
            const before = Object.getOwnPropertyDescriptor(globalThis, name);
            known.set(name, before);
            t.after(() => before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]);
        }
        Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
}

/** A body that begins with these pieces and stays open until the request is aborted. */
export function openBody(pieces, signal) {
    return new ReadableStream({
        start(controller) {
            pieces.forEach(piece => controller.enqueue(new Uint8Array(piece)));
            signal.addEventListener("abort", () => controller.error(signal.reason));
        },
    });
}

/** Never answers, but to an abort. */
export const never = signal => new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason)));

/** Small numbers from a seed, so that a failure can be run again. */
export function randomFrom(seed) {
    let state = seed;
    return () => {
        state = (state * 1664525 + 1013904223) % 2 ** 32;
        return state / 2 ** 32;
    };
}

/** Lets all that is ready run. */
export const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise(done => setImmediate(done));
};
