// The chat: asks PHP for the channel, listens to it, sends through PHP.

import { backoff, transports } from "./transports.js";
import { Conversations } from "./conversations.js";
import { showContacts, showConversation, showEntry, showProblem, showState, showUnread } from "./view.js";

const picker = document.getElementById("transport");
const composer = document.getElementById("composer");
const text = document.getElementById("text");

let session;            // what /api/session gave: name, channel, room, token
let conversations;
let current;            // the conversation on the screen
let contacts = [];
let stopListening = () => {};
let refusals = 0;       // in a row

// All that is stored, to begin with; then behind the last message.
const cursor = { time: "Thu, 01 Jan 1970 00:00:00 GMT", tag: "0" };

/** PHP's answer to a request; throws an error whose message is for the user. */
async function api(path, options) {
    const response = await fetch(path, options).catch(() => { throw new Error("there is no connection."); });
    if (response.status === 401) {
        location.assign("/sign-in");
        return new Promise(() => {}); // this page is over
    }
    if (response.status === 429) throw new Error("that was too fast. Wait a moment.");
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error ?? "the server does not work just now.");
    return answer;
}

const wait = msec => new Promise(done => setTimeout(done, msec));

// ---- listening ----

/** Gets the channel and listens to it, again and again until it works. */
async function begin() {
    stopListening();
    let givenUp = false;
    stopListening = () => { givenUp = true; };
    for (let failures = 0; ; failures++) {
        try {
            session = await api("/api/session");
            break;
        } catch {
            showBroken();
            await wait(backoff(failures));
            if (givenUp) return;
        }
    }
    if (givenUp) return;
    if (!conversations) {
        conversations = new Conversations(session.name);
        current = conversations.get(session.room);
        showConversation(current, session.name);
    }
    listen();
}

/** Listens with the transport that was chosen, from the cursor. */
function listen() {
    stopListening();
    const connect = transports[picker.value];
    const again = async () => {
        showBroken();
        const stop = stopListening;
        await wait(backoff(refusals++));
        if (stop === stopListening) begin();
    };
    // Presence first: what changes while the contact list is on its way is then heard of.
    const stopPresence = connect("/presence", "", {}, {
        connected: contactsChanged,
        waiting: () => {},
        refused: again,
        item: contactsChanged,
        gap: contactsChanged,
    });
    const stopMessages = connect("/sub", `/${session.channel}`, cursor, {
        connected: () => { refusals = 0; showState("Connected", true); },
        waiting: showBroken,
        // The channel has gone, or the session: PHP opens the one, or says so.
        refused: again,
        item: receive,
        gap: () => {
            conversations.addGap();
            showConversation(current, session.name);
        },
    });
    stopListening = () => {
        stopPresence();
        stopMessages();
    };
}

function showBroken() {
    showState(navigator.onLine ? "Reconnecting…" : "Offline", false);
}

/** What came from a channel. */
function receive({ id, time, tag, message }) {
    if (id === -2) return void begin(); // the channel was deleted
    if (message?.kind !== "message") return;
    const added = conversations.add(message, time, tag);
    if (!added) return;
    const { conversation, entry } = added;
    if (conversation === current) {
        showEntry(entry, session.name);
        if (!document.hidden) conversations.markRead(current);
    }
    drawContacts();
    // Somebody who signed up a moment ago.
    if (!isListed(conversation.name)) contactsChanged();
}

document.addEventListener("visibilitychange", () => {
    if (document.hidden || !current) return;
    conversations.markRead(current);
    drawContacts();
});

// ---- contacts ----

let asking = false;
let askAgain = false;
let recheck;

/** Asks for the contact list: soon, once for many changes, and not all pages in the same moment. */
async function contactsChanged() {
    askAgain = true;
    if (asking) return;
    asking = true;
    while (askAgain) {
        await wait(300 + Math.random() * 500);
        askAgain = false;
        clearTimeout(recheck);
        try {
            const answer = await api("/api/contacts");
            contacts = answer.contacts;
            drawContacts();
            if (answer.recheck) recheck = setTimeout(contactsChanged, answer.recheck * 1000);
        } catch {
            recheck = setTimeout(contactsChanged, 5000);
        }
    }
    asking = false;
}

function drawContacts() {
    const others = conversations.names().filter(name => !isListed(name)).map(name => ({ name }));
    const people = [{ name: session.room }, ...contacts, ...others].map(person =>
        ({ ...person, unread: conversations.get(person.name).unread }));
    showContacts(people, current.name, choose);
    showUnread(conversations.unread());
}

const isListed = name => name === session.room || contacts.some(person => person.name === name);

function choose(name) {
    current.draft = text.value;
    current = conversations.get(name);
    conversations.markRead(current);
    text.value = current.draft;
    showConversation(current, session.name);
    showProblem();
    drawContacts();
    text.focus();
}

// ---- sending ----

async function send(event) {
    event.preventDefault();
    const conversation = current;
    const { name: to, failed } = conversation;
    const message = { to, text: text.value, nonce: newNonce() };
    if (!message.text.trim()) return;
    // The same text again, after there was no answer: should it have arrived all the same, it shows once.
    if (failed?.text === message.text) message.nonce = failed.nonce;
    conversation.failed = undefined;
    text.value = "";
    showProblem();
    try {
        await api("/api/send", {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-Token": session.token },
            body: JSON.stringify(message),
        });
    } catch (error) {
        conversation.failed = message;
        if (conversation !== current) conversation.draft ||= message.text;
        else text.value ||= message.text;
        showProblem(`Not sent to ${to}: ${error.message}`);
    }
}

function newNonce() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
}

composer.addEventListener("submit", send);
text.addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
});

// ---- transport and network ----

picker.value = localStorage.getItem("transport") ?? "eventsource";
picker.addEventListener("change", () => {
    localStorage.setItem("transport", picker.value);
    if (session) listen();
});
addEventListener("offline", showBroken);
// What was open may be dead without knowing it.
addEventListener("online", begin);
begin();
