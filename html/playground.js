// The playground: a form that publishes, and a panel for each way to subscribe.

import { channelsOf, channelsProblem, publishCurl } from "./address.js";
import { BEGINNING } from "./message.js";
import { Panel } from "./panel.js";
import { eventHeaders, madeEventId, publish, remove } from "./publisher.js";
import { TRANSPORTS, listenTo, newestOf } from "./transports.js";

const find = id => document.getElementById(id);
const publishForm = find("publish");
const subscribeForm = find("subscribe");
const sleep = msec => new Promise(done => setTimeout(done, msec));

// What a screen reader says: arrivals once for all panels.
const arrivals = [];
const announce = {
    say(text) {
        find("announce").textContent = text;
    },
    arrived(panel) {
        if (arrivals.push(panel) > 1) return;
        setTimeout(() => {
            this.say(`${arrivals.length} arrived: ${[...new Set(arrivals)].join(", ")}`);
            arrivals.length = 0;
        }, 1000);
    },
};

const panels = TRANSPORTS.map(transport => {
    const element = find("panel").content.cloneNode(true);
    const panel = new Panel(transport, element, announce);
    find("panels").append(element);
    return panel;
});

/** The channels of a form, or nothing after a word to the user. */
function channelsIn(form) {
    const field = form.elements.channels;
    const channels = channelsOf(field.value);
    field.setCustomValidity(channelsProblem(channels));
    return field.reportValidity() ? channels : undefined;
}

// ---- subscribe ----

async function subscribe() {
    const channels = channelsIn(subscribeForm);
    if (!channels) return;
    const say = text => find("subscribed").textContent = text;
    try {
        const all = subscribeForm.elements.from.value === "all";
        const { cursor, messages } = all ? { messages: [] } : await newestOf(channels);
        panels.forEach(panel => panel.start(channels, cursor ?? BEGINNING, messages));
        say(`Subscribed to ${channels.join(", ")}.`);
    } catch (error) {
        say(error.message);
    }
}

subscribeForm.addEventListener("submit", event => {
    event.preventDefault();
    subscribe();
});
find("kill").addEventListener("click", () => panels.forEach(panel => panel.kill()));
find("resume").addEventListener("click", () => panels.forEach(panel => panel.resume()));
find("demo").addEventListener("click", async event => {
    const button = event.currentTarget;
    const channels = channelsIn(subscribeForm);
    if (!channels) return;
    button.disabled = true;
    panels.forEach(panel => panel.kill());
    await sleep(1000);
    for (let index = 1; index <= 3; index++) {
        await send(`missed ${index} of 3`, channels, eventHeaders(madeEventId(), ""));
        await sleep(500);
    }
    await sleep(1000);
    panels.forEach(panel => panel.resume());
    button.disabled = false;
    button.focus();
});

// ---- publish ----

/** Publishes one message and says so. */
async function send(text, channels, headers) {
    const say = words => find("published").textContent = words;
    try {
        const { subscribers, msec } = await publish(text, channels, headers);
        panels.forEach(panel => panel.published(channels));
        say(`Published to ${channels.join(", ")}: ${subscribers} listening, ${msec.toFixed(1)} ms.`);
        return true;
    } catch (error) {
        say(error.message);
        return false;
    }
}

publishForm.addEventListener("submit", async event => {
    event.preventDefault();
    const channels = channelsIn(publishForm);
    if (!channels) return;
    const { text, eventId, eventType, count } = publishForm.elements;
    if (eventType.value) listenTo(eventType.value);
    const many = Number(count.value);
    for (let index = 1; index <= many; index++) {
        const numbered = many > 1 ? `${text.value} ${index}/${many}` : text.value;
        const headers = eventHeaders(eventId.value || madeEventId(), eventType.value);
        if (!await send(numbered, channels, headers)) break;
    }
});

find("delete").addEventListener("click", async () => {
    const channels = channelsIn(publishForm);
    if (channels) find("published").textContent = await remove(channels);
});

publishForm.elements.text.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) publishForm.requestSubmit();
});

function showCommand() {
    const { text, channels, eventId, eventType } = publishForm.elements;
    const headers = eventHeaders(eventId.value, eventType.value);
    if (!eventId.value) delete headers["Event-Id"];
    find("publish-command").textContent = publishCurl(text.value, channelsOf(channels.value), headers);
}

for (const form of [publishForm, subscribeForm]) {
    form.addEventListener("input", () => form.elements.channels.setCustomValidity(""));
}
publishForm.addEventListener("input", showCommand);
document.querySelectorAll("#types option").forEach(option => listenTo(option.value));

// Another tab or a bookmark may name the channels: /?channels=news,sport
const asked = new URLSearchParams(location.search).get("channels");
if (asked) [publishForm, subscribeForm].forEach(form => form.elements.channels.value = asked);
showCommand();
subscribe();
