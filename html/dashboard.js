// The dashboard: reads the statistics every second, and at once when the events channel says
// that something has happened. What only /metrics knows is "not available" where there is none.

import { BEGINNING } from "./message.js";
import { parseMetrics, quantile, sum, sumsBy } from "./metrics.js";
import { sparkline } from "./sparkline.js";
import { subscribe } from "./subscriber.js";
import { TRANSPORTS, listenTo } from "./transports.js";

const EVERY_MSEC = 1000;
/** A chart begins with half a minute, and grows to two. */
const SAMPLES = { least: 30, most: 120 };
const ROWS = 100;
const EVENTS = 50;
/** An nginx without metrics is not asked for them every time. */
const METRICS_AGAIN_MSEC = 60_000;

const find = id => document.getElementById(id);
const clock = date => new Date(date).toLocaleTimeString("en-GB");

const number = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const perSecond = value => `${value < 10 ? value.toFixed(1) : short.format(value)}/s`;
const bytes = value => value < 1024 ** 2 ? `${(value / 1024).toFixed(0)} KB` : `${(value / 1024 ** 2).toFixed(1)} MB`;
const duration = seconds => [[86400, "d"], [3600, "h"], [60, "min"]]
    .filter(([unit]) => seconds >= unit).slice(0, 1)
    .map(([unit, name]) => `${Math.floor(seconds / unit)} ${name}`)[0] ?? `${seconds} s`;

// ---- reading ----

async function readJson(path) {
    const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
    return { data: await answer.json(), headers: answer.headers };
}

let metricsAfter = 0;

async function readMetrics() {
    if (performance.now() < metricsAfter) return undefined;
    const answer = await fetch("/metrics", { cache: "no-store" });
    if (answer.ok) return parseMetrics(await answer.text());
    metricsAfter = performance.now() + METRICS_AGAIN_MSEC;
    return undefined;
}

// ---- tiles ----

const history = new Map();

/** Shows a number, and adds it to its chart if the chart's next step is due. */
function tile(name, value, format, detail, step) {
    const shown = find(name);
    shown.classList.toggle("none", value === undefined);
    shown.textContent = value === undefined ? "not available" : format(value);
    find(`${name}-detail`).textContent = value === undefined ? "" : detail;
    if (!step || value === undefined) return;
    const values = history.get(name) ?? [];
    values.push(Number.isFinite(value) ? value : 0);
    history.set(name, values.slice(-SAMPLES.most));
    sparkline(find(`${name}-spark`), history.get(name), SAMPLES.least);
}

/** The increase per second between two readings; a counter that began anew counts as none. */
function rate(now, before, seconds) {
    return now === undefined || before === undefined ? undefined : Math.max(0, now - before) / seconds;
}

function showTiles(now, before, step) {
    const { server, metrics } = now;
    const wild = server.wildcard_channels;
    tile("channels", server.channels + wild, number.format, wild ? `${wild} of them wildcards` : "living now", step);
    tile("subscribers", server.subscribers, number.format, "connected now", step);
    tile("stored", server.stored_messages, number.format, "in the zone", step);

    const size = sum(metrics, "push_stream_zone_size_bytes");
    const free = sum(metrics, "push_stream_zone_bytes", { use: "free" });
    const used = size === undefined || free === undefined ? undefined : size - free;
    tile("zone", used, value => `${(100 * value / size).toFixed(value < size / 10 ? 1 : 0)} %`,
        `${bytes(used)} of ${bytes(size)}`, step);
    const ended = sumsBy(metrics, "push_stream_subscribers_ended_total", "reason");
    const slow = ended && (ended.slow ?? 0) + (ended.send_timeout ?? 0);
    tile("slow", slow, number.format, `${ended?.slow ?? 0} over the buffer, ${ended?.send_timeout ?? 0} timed out`, step);

    // Rates need two readings, a step apart.
    if (!step || !before) return;
    const seconds = (now.at - before.at) / 1000;
    const published = server.published_messages;
    tile("in", rate(published, before.server.published_messages, seconds), perSecond,
        `${number.format(published)} published`, true);
    const sent = sum(metrics, "push_stream_deliveries_total");
    tile("out", rate(sent, before.sent, seconds), perSecond, `${number.format(sent ?? 0)} sent`, true);
    const latency = "push_stream_delivery_latency_seconds";
    const half = quantile(before.metrics, metrics ?? new Map(), latency, 0.5);
    const most = quantile(before.metrics, metrics ?? new Map(), latency, 0.99);
    if (!metrics) tile("latency", undefined);
    else tile("latency", half ?? 0, value => value ? `≤ ${msec(value)}` : "–",
        half ? `median; 99 %: ≤ ${msec(most)}` : "nothing was sent just now", true);
}

const msec = seconds => seconds === Infinity ? "more than 1 s" : `${Number((seconds * 1000).toPrecision(3))} ms`;

// ---- bars ----

function bars(list, rows) {
    const top = Math.max(1, ...rows.map(row => row.value));
    while (list.childElementCount > rows.length || list.querySelector(".none")) list.lastElementChild.remove();
    rows.forEach(({ name, value }, index) => {
        const item = list.children[index] ?? list.appendChild(bar());
        const [label, track, count] = item.children;
        label.textContent = name;
        track.firstElementChild.style.width = `${100 * value / top}%`;
        count.textContent = number.format(value);
    });
}

function bar() {
    const item = document.createElement("li");
    const [label, track, count, fill] = ["name", "track", "number", "fill"].map(kind => {
        const part = document.createElement("span");
        part.className = kind;
        return part;
    });
    track.append(fill);
    item.append(label, track, count);
    return item;
}

function showBars({ server, metrics }) {
    bars(find("workers"), server.by_worker.map(({ pid, subscribers }) =>
        ({ name: `pid ${pid}`, value: Number(subscribers) })));
    const modes = sumsBy(metrics, "push_stream_subscribers", "mode");
    if (modes) {
        bars(find("modes"), Object.entries(modes).map(([name, value]) => ({ name, value })));
    } else if (!find("modes").querySelector(".none")) {
        const item = document.createElement("li");
        item.className = "none";
        item.textContent = "not available: there is no /metrics here";
        find("modes").replaceChildren(item);
    }
}

// ---- channels ----

const search = find("search").elements;

async function showChannels() {
    const prefix = search.prefix.value.trim();
    const { data } = await readJson(`/channels-stats?id=${prefix ? `${encodeURIComponent(prefix)}*` : "ALL"}`);
    // Another search may have been typed meanwhile.
    if (prefix !== search.prefix.value.trim()) return;
    const order = search.order.value;
    const channels = data.infos.sort((a, b) =>
        (order !== "channel" && b[order] - a[order]) || a.channel.localeCompare(b.channel));
    const shown = channels.slice(0, ROWS);
    find("list-count").textContent = channels.length > ROWS
        ? `${number.format(channels.length)} found, the first ${ROWS} shown` : `${channels.length} found`;
    find("list").replaceChildren(...shown.length > 0 ? shown.map(channelRow) : [emptyRow(prefix)]);
}

function cell(row, text) {
    const part = row.insertCell();
    part.textContent = text;
    return part;
}

function channelRow(info) {
    const row = document.createElement("tr");
    const link = document.createElement("a");
    link.href = `/?channels=${encodeURIComponent(info.channel)}`;
    link.textContent = info.channel;
    cell(row, "").append(link);
    for (const name of ["subscribers", "published_messages", "stored_messages"]) cell(row, number.format(info[name]));
    return row;
}

function emptyRow(prefix) {
    const row = document.createElement("tr");
    const only = cell(row, prefix ? `No channel begins with ${prefix}.` : "There is no channel.");
    only.colSpan = 4;
    only.className = "none";
    return row;
}

// ---- events ----

const WORDS = {
    channel_created: "created", channel_destroyed: "gone",
    client_subscribed: "subscribed", client_unsubscribed: "left",
};

function showEvent(message) {
    const { type, channel } = JSON.parse(message.text);
    const row = document.createElement("div");
    row.className = "event";
    row.dataset.type = type;
    const time = document.createElement("time");
    time.dateTime = new Date(message.time).toISOString();
    time.textContent = clock(message.time);
    const [what, where] = [WORDS[type] ?? type, channel].map(text => {
        const part = document.createElement("span");
        part.textContent = text;
        return part;
    });
    what.className = "what";
    where.className = "channel";
    row.append(time, what, where);
    find("events").prepend(row);
    while (find("events").childElementCount > EVENTS) find("events").lastElementChild.remove();
}

function followEvents() {
    Object.keys(WORDS).forEach(listenTo);
    let cursor = BEGINNING;
    const say = text => find("events-state").textContent = text;
    subscribe(TRANSPORTS.find(transport => transport.name === "eventsource"), {
        channels: ["events"], cursor: () => cursor, signal: new AbortController().signal, on: {
            state: (state, words) => say(words || state),
            open: () => say("live"),
            message: message => {
                cursor = message;
                showEvent(message);
                refreshSoon();
            },
            gap: () => say("live; some events were missed"),
            cursor: () => {}, sign: () => {},
        },
    });
}

// ---- the clock ----

let before;
let soon;
let reading = false;
/** A long list takes a while: the next reading comes after four times as long. */
let restUntil = 0;

/** `step`: a step of the charts; otherwise only the numbers are brought up to date. */
async function refresh(step) {
    const at = performance.now();
    if (reading || document.hidden || at < restUntil) return;
    reading = true;
    try {
        const [{ data: server, headers }, metrics] = await Promise.all([readJson("/channels-stats"), readMetrics()]);
        const now = { at, server, metrics, sent: sum(metrics, "push_stream_deliveries_total") };
        showTiles(now, before, step);
        showBars(now);
        if (step) before = now;
        await showChannels();
        say("Live", "good");
        const version = headers.get("X-Nginx-PushStream-Tag");
        find("server").textContent = `${server.hostname} · ${server.by_worker.length} workers · ` +
            `up ${duration(server.uptime)}${version ? ` · module ${version}` : ""}`;
    } catch (error) {
        say(`The server does not answer (${error.message}). Figures as they were last.`, "bad");
    } finally {
        reading = false;
        restUntil = performance.now() + 4 * (performance.now() - at);
    }
}

function say(text, kind) {
    const state = find("state");
    if (state.textContent !== text) state.textContent = text;
    state.className = kind;
}

function refreshSoon() {
    soon ??= setTimeout(() => {
        soon = undefined;
        refresh(false);
    }, 250);
}

find("search").addEventListener("submit", event => event.preventDefault());
find("search").addEventListener("input", () => {
    restUntil = 0;
    refreshSoon();
});
document.addEventListener("visibilitychange", () => refresh(false));
refresh(true);
setInterval(() => refresh(true), EVERY_MSEC);
followEvents();
