// Proof that nothing is lost or repeated: ids count 1, 2, 3 … in each channel, and time and tag
// order all messages.

import { compareCursors } from "./message.js";

export class Sequence {
    #last = new Map();

    /** What is known to have been there before: the newest message of each channel. */
    constructor(messages = []) {
        messages.forEach(message => this.#last.set(message.channel, message));
    }

    /** The channel is gone: its ids begin anew. */
    forget(channel) {
        this.#last.delete(channel);
    }

    /** How many ids are missing before this message, and whether it was here before. */
    check(message) {
        const last = this.#last.get(message.channel);
        if (last && compareCursors(message, last) <= 0) return { missing: 0, repeated: true };
        this.#last.set(message.channel, message);
        // A newer message with a lower id: the channel was deleted, and made anew.
        const renewed = last && message.id <= last.id;
        const expected = last && !renewed ? last.id + 1 : 1;
        return { missing: last ? message.id - expected : 0, repeated: false };
    }
}
