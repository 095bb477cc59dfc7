// Messages as the locations /page/… of quickstart.conf write them, and cursors.
//
// A message of /page/sub and /page/ws is four lines and the text, whose length in bytes is known
// before it begins: any text gets through as it is, and nothing in it needs escaping.
//
//     id tag size time          7 1 5 Thu, 26 Nov 2026 07:39:51 GMT
//     channel                   news
//     event id                  e1
//     event type                goal
//     text                      Hello
//
// A message of /page/ev is a line of fields for each line of the text, with tabs between them.

/** A cursor before everything: "all that is stored". It never counts as a gap. */
export const BEGINNING = { time: "Thu, 01 Jan 1970 00:00:00 GMT", tag: 0 };

/** Ids of messages that the server makes itself. */
export const PING = -1;
export const DELETED = -2;
export const GAP = -4;

/** Below zero if `a` is before `b`, zero if they are the same position. */
export function compareCursors(a, b) {
    return Date.parse(a.time) - Date.parse(b.time) || a.tag - b.tag;
}

const HEAD = /^(-?\d+) (\d+) (\d+) (.+)$/;

function message(first, channel, eventId, eventType, text) {
    const [, id, tag, , time] = HEAD.exec(first) ?? unreadable(first);
    return { id: Number(id), tag: Number(tag), time, channel, eventId, eventType, text };
}

function unreadable(text) {
    throw new Error(`this is no message of a location /page/…: ${JSON.stringify(text.slice(0, 40))}`);
}

/** Takes a response apart, in pieces of any size. */
export class MessageReader {
    #rest = new Uint8Array();
    #decoder = new TextDecoder();

    /** The messages that are complete with these bytes. */
    push(bytes) {
        const data = new Uint8Array(this.#rest.length + bytes.length);
        data.set(this.#rest);
        data.set(bytes, this.#rest.length);
        const messages = [];
        let start = 0;
        for (;;) {
            const head = this.#head(data, start);
            if (!head) break;
            const size = Number((HEAD.exec(head.lines[0]) ?? unreadable(head.lines[0]))[3]);
            if (head.end + size > data.length) break;
            const text = this.#decoder.decode(data.subarray(head.end, head.end + size));
            messages.push(message(...head.lines, text));
            start = head.end + size;
        }
        this.#rest = data.subarray(start);
        return messages;
    }

    /** The four lines at `start` and where they end, or nothing if they are not complete. */
    #head(data, start) {
        const lines = [];
        while (lines.length < 4) {
            const end = data.indexOf(10, start);
            if (end < 0) return undefined;
            lines.push(this.#decoder.decode(data.subarray(start, end)));
            start = end + 1;
        }
        return { lines, end: start };
    }
}

/** The message of a WebSocket frame. */
export function frameMessage(data) {
    const lines = data.split("\n", 4);
    if (lines.length < 4) unreadable(data);
    return message(...lines, data.slice(lines.join("\n").length + 1));
}

/** The message of an event of an EventSource. */
export function eventMessage(event) {
    const lines = event.data.split("\n").map(line => line.split("\t"));
    const [first, channel, eventId] = lines[0];
    const text = lines.map(fields => fields.slice(3).join("\t")).join("\n");
    const eventType = event.type === "message" ? "" : event.type;
    return message(first, channel, eventId, eventType, text);
}
