// Publishes, and knows when: the latency of a message is reckoned from its event id.

import { idUrl } from "./address.js";

// Event ids that the page makes say when, in milliseconds, for the other tabs of this machine.
const STAMP = /^t(\d{13})$/;
const sent = new Map();
let lastStamp = 0;

const now = () => performance.timeOrigin + performance.now();

/** An event id for a message that has none: the time, never the same twice in a page. */
export function madeEventId() {
    lastStamp = Math.max(lastStamp + 1, Math.floor(now()));
    return `t${lastStamp}`;
}

/** When this message was sent, if a page did it and said so; to compare with `Date.now()`. */
export function sentAt({ eventId }) {
    const stamp = STAMP.exec(eventId);
    return sent.get(eventId) ?? (stamp ? Number(stamp[1]) : undefined);
}

/** The request headers of a message. */
export function eventHeaders(eventId, eventType) {
    return { "Event-Id": eventId, ...eventType && { "Event-Type": eventType } };
}

/** Publishes a text to channels; returns how many subscribers they have and how long it took. */
export async function publish(text, channels, headers) {
    const begun = now();
    sent.set(headers["Event-Id"], begun);
    if (sent.size > 2000) sent.delete(sent.keys().next().value);
    const answer = await fetch(idUrl("/pub", channels), { method: "POST", body: text, headers });
    const words = await answer.text();
    if (!answer.ok) throw new Error(refused(answer));
    const { infos = [JSON.parse(words)] } = JSON.parse(words);
    return { msec: now() - begun, subscribers: infos.reduce((sum, info) => sum + info.subscribers, 0) };
}

/** Deletes channels; says what came of it. */
export async function remove(channels) {
    const answer = await fetch(idUrl("/pub", channels), { method: "DELETE" });
    if (answer.status === 404) return "There is no such channel.";
    return answer.ok ? `Deleted: ${channels.join(", ")}.` : refused(answer);
}

function refused(answer) {
    const why = answer.headers.get("X-Nginx-PushStream-Explain") || answer.statusText;
    return `The server refused: ${why} (${answer.status})`;
}
