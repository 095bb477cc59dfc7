// What is on the screen. Everything that people have written is set as text, never as HTML.

const find = id => document.getElementById(id);

function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
}

export function showState(text, good) {
    const state = find("state");
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle("good", good);
}

export function showProblem(text = "") {
    const problem = find("problem");
    problem.textContent = text;
    problem.hidden = text === "";
}

export function showUnread(count) {
    document.title = count > 0 ? `(${count}) Web IM` : "Web IM";
}

/**
 * The list of the room and the people; `people` are {name, online, seen, unread}, `choose` takes a name. Buttons
 * stay what they are while the list changes: nobody's click or focus is lost.
 */
export function showContacts(people, current, choose) {
    const list = find("contacts");
    const had = new Map([...list.children].map(item => [item.firstChild.dataset.name, item]));
    people.forEach((person, place) => {
        const item = had.get(person.name) ?? newContact(person.name, choose);
        had.delete(person.name);
        fillContact(item.firstChild, person, person.name === current);
        if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
    });
    had.forEach(item => item.remove());
}

function newContact(name, choose) {
    const button = element("button", { type: "button", onclick: () => choose(name) });
    button.dataset.name = name;
    return element("li", {}, button);
}

function fillContact(button, { name, online, seen, unread }, isCurrent) {
    const parts = [element("span", { className: "name", textContent: name })];
    if (online !== undefined) {
        button.dataset.online = online;
        const when = seen ? `last seen ${new Date(seen * 1000).toLocaleString()}` : "offline";
        parts.push(" ", element("span", { className: "presence", textContent: online ? "online" : when }));
    }
    if (unread > 0) {
        parts.push(" ", element("span", { className: "unread", textContent: unread },
            element("span", { className: "unseen", textContent: " unread" })));
    }
    button.replaceChildren(...parts);
    button.ariaCurrent = isCurrent ? "true" : null;
}

/** A conversation from its beginning. */
export function showConversation({ name, entries }, me) {
    find("title").textContent = name;
    const log = find("log");
    // Only what comes from now on is to be read out.
    log.setAttribute("aria-live", "off");
    log.replaceChildren(...entries.map(entry => line(entry, me)));
    log.scrollTop = log.scrollHeight;
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
}

/** One more entry of the conversation on the screen. */
export function showEntry(entry, me) {
    const log = find("log");
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(line(entry, me));
    // Who reads further up is left there.
    if (atEnd || entry.from === me) log.scrollTop = log.scrollHeight;
}

function line(entry, me) {
    if (entry.gap) {
        return element("li", { className: "gap", textContent: "Messages may be missing here: they are no longer stored." });
    }
    const time = element("time", {
        dateTime: entry.time.toISOString(),
        textContent: entry.time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
    });
    return element("li", { className: entry.from === me ? "mine" : "" },
        element("span", { className: "from", textContent: entry.from }), " ", time,
        element("p", { textContent: entry.text }));
}
