// What has been said, by conversation: with a person, or in the room, whose name begins with #. Up to where
// each of them was read is remembered in this browser.

export class Conversations {
    #all = new Map();
    #seen = new Set();
    #memory;
    #read;

    constructor(me) {
        this.me = me;
        this.#memory = `read by ${me}`;
        this.#read = JSON.parse(localStorage.getItem(this.#memory) ?? "{}");
    }

    /** The conversation of a name, a new one if need be. */
    get(name) {
        if (!this.#all.has(name)) {
            this.#all.set(name, { name, entries: [], unread: 0, last: 0, draft: "", failed: undefined });
        }
        return this.#all.get(name);
    }

    names() {
        return [...this.#all.keys()];
    }

    unread() {
        return [...this.#all.values()].reduce((sum, conversation) => sum + conversation.unread, 0);
    }

    /** Adds a message to the conversation it belongs to; returns both, or nothing if it is here already. */
    add({ from, to, text, nonce }, time, tag) {
        // Sent twice, because its sender had no answer the first time.
        const key = `${from} ${nonce}`;
        if (this.#seen.has(key)) return undefined;
        this.#seen.add(key);
        const conversation = this.get(to.startsWith("#") || from === this.me ? to : from);
        const entry = { from, text, time: new Date(time) };
        conversation.entries.push(entry);
        // Time and tag order all messages; a second has room for a million of them here.
        conversation.last = entry.time.getTime() * 1000 + tag;
        if (from !== this.me && conversation.last > (this.#read[conversation.name] ?? 0)) conversation.unread++;
        return { conversation, entry };
    }

    /** All of a conversation has been read. */
    markRead(conversation) {
        conversation.unread = 0;
        this.#read[conversation.name] = conversation.last;
        localStorage.setItem(this.#memory, JSON.stringify(this.#read));
    }

    /** Says in every conversation that something may be missing here; once, until there is something new. */
    addGap() {
        for (const { entries } of this.#all.values()) {
            if (!entries.at(-1)?.gap) entries.push({ gap: true });
        }
    }
}
