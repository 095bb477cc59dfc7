// A panel of the playground: one subscriber in one mode, with its messages, cursor and counts.
//
// It connects until it is killed. A kill keeps the cursor; resuming goes on with it.

import { DELETED, compareCursors } from "./message.js";
import { sentAt } from "./publisher.js";
import { Sequence } from "./sequence.js";
import { subscribe } from "./subscriber.js";
import { listenTo } from "./transports.js";

const ROWS = 200;
const KILLED = new Error("killed");

const STATES = {
    off: "Off", connecting: "Connecting", live: "Live", waiting: "Waiting", killed: "Killed",
    retry: "Reconnecting", refused: "Refused",
};

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const clock = date => new Date(date).toLocaleTimeString("en-GB");

/** The time of an HTTP date, with day and month if asked for. */
const shortTime = (time, day) => `${day ? `${time.slice(5, 11)} ` : ""}${time.slice(-12, -4)}`;

export class Panel {
    #transport; #parts; #announce; #controller; #sequence;
    #state = "off"; #channels = []; #cursor; #missed = 0; #resumed;
    #counts = { received: 0, caught: 0, missing: 0, repeated: 0 };

    /** `element` is a copy of the template; `announce` is what a screen reader says: `say(text)`, `arrived(title)`. */
    constructor(transport, element, announce) {
        this.#transport = transport;
        this.#announce = announce;
        this.#parts = Object.fromEntries([...element.querySelectorAll("[data-part]")]
            .map(part => [part.dataset.part, part]));
        const { title, about, toggle, clear, messages, copy, command } = this.#parts;
        const panel = element.querySelector(".panel");
        panel.id = transport.name;
        panel.setAttribute("aria-label", transport.title);
        title.textContent = transport.title;
        about.textContent = transport.about;
        clear.setAttribute("aria-label", `Clear ${transport.title}`);
        messages.setAttribute("aria-label", `${transport.title}: messages, newest first`);
        command.setAttribute("aria-label", `${transport.title} with curl`);
        toggle.addEventListener("click", () => this.running ? this.kill() : this.resume());
        clear.addEventListener("click", () => this.#clear());
        copy.addEventListener("click", async () => {
            await navigator.clipboard.writeText(command.textContent);
            this.#announce.say("Copied");
        });
        this.#show("off", "");
    }

    get running() {
        return this.#controller !== undefined;
    }

    /** Begins anew: with these channels, behind this cursor and these messages. */
    start(channels, cursor, newest) {
        this.#controller?.abort(KILLED);
        this.#channels = channels;
        this.#cursor = cursor;
        this.#sequence = new Sequence(newest);
        this.#resumed = undefined;
        this.#clear();
        this.#connect();
    }

    /** Drops the connection; the cursor stays. */
    kill() {
        if (!this.running) return;
        this.#controller.abort(KILLED);
        this.#controller = undefined;
        this.#missed = 0;
        this.#mark(`killed ${clock(Date.now())}`);
        this.#show("killed", "The connection is gone, the cursor is kept. Publish something, then resume.");
    }

    /** Connects again, behind the last message that came. */
    resume() {
        if (this.running || this.#channels.length === 0) return;
        if (this.#state === "killed") this.#goOn();
        this.#connect();
    }

    /** What was published before now is caught up with. */
    #goOn() {
        this.#resumed = { at: Date.now(), caught: 0, before: { ...this.#counts } };
        this.#mark(`resumed ${clock(Date.now())}`);
    }

    /** The page has published: shows what a killed panel misses. */
    published(channels) {
        if (this.#state !== "killed") return;
        this.#missed += channels.filter(name => this.#channels.includes(name)).length;
        this.#show("killed", `${plural(this.#missed, "message")} published since. Resume to catch up.`);
    }

    #connect() {
        const controller = new AbortController();
        this.#controller = controller;
        subscribe(this.#transport, {
            channels: this.#channels, cursor: () => this.#cursor, signal: controller.signal, on: {
                state: (state, words) => {
                    if (state === "refused") this.#controller = undefined;
                    if (state === "connecting" && this.#state === "retry") this.#goOn();
                    this.#show(state, words);
                },
                open: () => this.#opened(),
                message: message => this.#received(message),
                cursor: cursor => this.#moveTo(cursor),
                gap: () => this.#gap(),
                sign: () => this.#sign(),
            },
        });
    }

    #opened() {
        this.#show("live", this.#resumed ? this.#summary() : `Connected ${clock(Date.now())}, waits for messages.`);
        this.#sign();
    }

    #received(message) {
        this.#sign();
        if (message.id === DELETED) {
            this.#mark(`channel ${message.channel} deleted`, "gap");
            this.#sequence.forget(message.channel);
            return;
        }
        const { missing, repeated } = this.#sequence.check(message);
        const counts = this.#counts;
        counts.received++;
        counts.missing += missing;
        counts.repeated += repeated;
        // An EventSource is told of types that the other panels have seen.
        if (message.eventType) listenTo(message.eventType);
        if (missing > 0) this.#mark(`${plural(missing, "message")} missing${this.#transport.unseen ?? ""}`, "gap");
        if (!repeated) this.#moveTo(message);
        const sent = sentAt(message);
        const caught = this.#resumed !== undefined && (sent ?? Date.parse(message.time)) < this.#resumed.at;
        if (caught) {
            counts.caught++;
            this.#resumed.caught++;
        }
        this.#row(message, caught ? "caught up" : sent ? latency(sent) : "");
        this.#facts();
        if (caught) this.#show("live", this.#summary());
        this.#announce.arrived(this.#transport.title);
    }

    #gap() {
        this.#mark("gap: messages are no longer stored", "gap");
        if (!this.#resumed) return;
        this.#resumed.gap = true;
        this.#show("live", this.#summary());
    }

    #summary() {
        const { caught, before, gap } = this.#resumed;
        if (caught === 0 && !gap) return "Resumed. Nothing was missed so far.";
        // Ids tell how many, unless the channel was deleted and has begun anew.
        const missing = this.#counts.missing - before.missing || (gap ? "an unknown number" : "none");
        const repeated = this.#counts.repeated - before.repeated || "none";
        return `Resumed${gap ? " after a gap" : ""}: caught up ${plural(caught, "message")}, ` +
            `${missing} missing, ${repeated} repeated.`;
    }

    #moveTo(cursor) {
        if (this.#cursor && compareCursors(cursor, this.#cursor) <= 0) return;
        this.#cursor = { time: cursor.time, tag: cursor.tag };
        this.#facts();
    }

    // ---- what is seen ----

    #show(state, notice) {
        const { status, notice: words, toggle } = this.#parts;
        this.#state = state;
        status.textContent = STATES[state];
        status.dataset.state = state;
        words.textContent = notice;
        toggle.textContent = this.running ? "Kill" : state === "refused" ? "Try again" : "Resume";
        toggle.setAttribute("aria-label", `${toggle.textContent} ${this.#transport.title}`);
        toggle.disabled = this.#channels.length === 0;
        this.#facts();
    }

    #facts() {
        const { cursor, received, caught, missing, repeated, command } = this.#parts;
        const none = !this.#cursor || Date.parse(this.#cursor.time) === 0;
        cursor.textContent = none ? "the beginning" : `${shortTime(this.#cursor.time, true)} tag ${this.#cursor.tag}`;
        cursor.title = none ? "" : `${this.#cursor.time}, tag ${this.#cursor.tag}`;
        const counts = { received, caught, missing, repeated };
        for (const [name, part] of Object.entries(counts)) part.textContent = this.#counts[name];
        missing.classList.toggle("bad", this.#counts.missing > 0);
        repeated.classList.toggle("bad", this.#counts.repeated > 0);
        const channels = this.#channels.length > 0 ? this.#channels : ["news"];
        command.textContent = this.#transport.command(channels, this.#cursor);
    }

    #sign() {
        const { status } = this.#parts;
        status.title = `Last sign of life: ${clock(Date.now())}`;
    }

    #clear() {
        Object.keys(this.#counts).forEach(name => this.#counts[name] = 0);
        this.#parts.messages.replaceChildren();
        this.#facts();
    }

    #mark(text, kind = "") {
        const row = document.createElement("p");
        row.className = `mark ${kind}`;
        row.textContent = text;
        this.#add(row);
    }

    #row(message, note) {
        const row = document.createElement("article");
        row.className = note === "caught up" ? "message caught" : "message";
        const add = (parent, kind, text) => {
            const part = document.createElement("span");
            part.className = kind;
            part.textContent = text;
            parent.append(part);
            return part;
        };
        const head = add(row, "head", "");
        add(head, "id", `#${message.id}`);
        add(head, "channel", message.channel);
        add(head, "note", note);
        add(row, "text", message.text);
        const foot = add(row, "foot", "");
        add(foot, "position", `${shortTime(message.time)} tag ${message.tag}`).title = `${message.time}, tag ${message.tag}`;
        if (message.eventType) add(foot, "type", message.eventType).title = "event type";
        if (message.eventId) add(foot, "event-id", message.eventId).title = "event id";
        this.#add(row);
    }

    /** Newest first. */
    #add(row) {
        const { messages } = this.#parts;
        messages.prepend(row);
        while (messages.childElementCount > ROWS) messages.lastElementChild.remove();
    }
}

function latency(sent) {
    const msec = Math.max(0, performance.timeOrigin + performance.now() - sent);
    return msec < 10 ? `${msec.toFixed(1)} ms` : msec < 1000 ? `${msec.toFixed(0)} ms` : `${(msec / 1000).toFixed(1)} s`;
}
