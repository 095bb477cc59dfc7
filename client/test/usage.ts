// What a program in TypeScript writes; only its types are checked, and that wrong ones are found.

import { subscribe, type ConnectionError, type Message, type Options, type Subscription } from "nginx-push-stream";

export async function iterate(controller: AbortController): Promise<string[]> {
    const texts: string[] = [];
    for await (const message of subscribe(["news", "sport"], { signal: controller.signal, since: new Date() })) {
        const { channel, id, text, time, tag, eventId, eventType }: Message = message;
        texts.push(`${channel} ${id.toFixed()} ${time.toISOString()} ${tag.toFixed()} ${eventId} ${eventType}`, text.trim());
    }
    return texts;
}

const options: Options = {
    baseUrl: "https://push.example.com/push/",
    urls: { websocket: "wss/", now: "time" },
    transports: ["eventsource", "websocket", "stream", "longpolling"],
    eventTypes: ["goal"],
    params: () => ({ token: "t" }),
    request: { credentials: "include", headers: { "X-Token": "t" } },
    onMessage(message) { console.log(message.text); },
    onGap: () => location.reload(),
    onDelete: (channel, text) => console.log(channel, text),
    onStateChange: (state, transport) => console.log(state === "paused", transport),
    onError: (error: ConnectionError) => console.log(error.status, error.explain, error.message),
    retryMin: 100, retryMax: 1000, connectTimeout: 5000, idleTimeout: 45000, random: () => 0.5,
    pauseWhenHidden: true, backtrack: 5,
};
const first: Subscription = subscribe("news", options);
const cursor = first.cursor;
first.close();
if (cursor) subscribe("news", { since: cursor });
export const pending: Promise<IteratorResult<Message>> = first.next();

// @ts-expect-error: no such transport
subscribe("news", { transports: ["pigeon"] });
// @ts-expect-error: a channel is a string
subscribe(5);
// @ts-expect-error: an unknown option
subscribe("news", { onMesage() {} });
