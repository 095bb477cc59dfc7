// The pictures of the README: both pages with messages coming in, light and dark.

import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { root, startChromium, startNginx, until } from "../t/browser/harness.mjs";

const WIDE = { viewport: { width: 1440, height: 900 } };
const LARGEST = 200_000;

const pages = fs.readdirSync(`${root}/html`).map(name => [name, fs.readFileSync(`${root}/html/${name}`, "utf8")]);
const nginx = await startNginx({ file: "nginx-conf/quickstart.conf", workers: 2, files: Object.fromEntries(pages) });
const browser = await startChromium();

const publish = (channel, text) =>
    fetch(`${nginx.url}/pub?id=${channel}`, { method: "POST", body: text }).then(answer => answer.text());

async function take(name, path, options, act) {
    const page = await browser.newPage({ ...options, reducedMotion: "reduce" });
    await page.goto(nginx.url + path);
    await act(page);
    const file = `${root}/docs/images/${name}.png`;
    await page.screenshot({ path: file });
    await page.close();
    const { size } = fs.statSync(file);
    if (size > LARGEST) throw new Error(`${file} has ${size} bytes, more than ${LARGEST}`);
}

/** Two messages, then a kill, three that are missed, and all caught up. */
async function play(page) {
    const live = page.locator(".status[data-state=live]");
    await until(async () => await live.count() >= 5, 10_000, "the panels are live");
    for (const text of ["Kick-off", "Goal! 1:0"]) {
        await page.fill("#publish [name=text]", text);
        await page.click("#publish [type=submit]");
    }
    await until(async () => await page.textContent("#polling [data-part=received]") === "2", 10_000, "two messages");
    await page.click("#demo");
    await until(async () => await page.textContent("#polling [data-part=caught]") === "3", 20_000, "three caught up");
    await page.evaluate(() => document.activeElement.blur());
}

/** Some subscribers of each mode, and messages that come in waves. */
async function traffic(signal) {
    const listen = path => fetch(nginx.url + path, { signal }).then(answer => answer.text()).catch(() => {});
    for (const name of ["news", "sport", "sport-live", "user-17", "user-18", "user-23"]) {
        await publish(name, "first");
        ["/sub/", "/ev/", ...name === "news" ? ["/sub/", "/ev/", "/ev/"] : []].forEach(path => listen(path + name));
    }
    (async () => {
        while (!signal.aborted) await listen("/lp/user-17");
    })();
    for (let tick = 0; !signal.aborted; tick++) {
        const many = 6 + 5 * Math.sin(tick / 9) + 3 * Math.sin(tick / 2);
        for (let index = 0; index < many; index++) await publish(index % 3 ? "news" : "sport-live", "news");
        await sleep(200);
    }
}

/** The charts show half a minute at first. */
async function chartsAreFull(page) {
    const line = page.locator("#in-spark polyline");
    await until(async () => await line.count() === 1 &&
        (await line.getAttribute("points")).split(" ").length >= 30, 90_000, "half a minute of figures");
}

for (const colorScheme of ["light", "dark"]) {
    await take(`playground-${colorScheme}`, `/?channels=match-${colorScheme}`, { ...WIDE, colorScheme }, play);
}
const stop = new AbortController();
const running = traffic(stop.signal);
for (const colorScheme of ["light", "dark"]) {
    await take(`dashboard-${colorScheme}`, "/dashboard.html", { ...WIDE, colorScheme }, chartsAreFull);
}
stop.abort();
await running.catch(() => {});
await browser.close();
await nginx.stop();
