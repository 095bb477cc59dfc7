// A real nginx with the module and pages of a real browser, for the tests of both clients.

import fs from "node:fs";
import http from "node:http";
import { after } from "node:test";
import { startChromium, startNginx, until } from "../../t/browser/harness.mjs";

export { until };

/** A source file of the package. */
export const source = name => fs.readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

/** One request on a connection of its own: { status, body }; throws if there is no answer. */
export function request(url, { method = "GET", body = "", headers } = {}) {
    return new Promise((resolve, reject) => {
        const length = { "Content-Length": Buffer.byteLength(body) };
        const sent = http.request(url, { method, headers: { ...length, ...headers }, agent: false, timeout: 10_000 }, answer => {
            const pieces = [];
            answer.on("data", piece => pieces.push(piece)).on("error", reject)
                .on("end", () => resolve({ status: answer.statusCode, body: Buffer.concat(pieces).toString() }));
        });
        sent.on("error", reject).on("timeout", () => sent.destroy(new Error(`no answer: ${url}`))).end(body);
    });
}

let started;
after(async () => (await started)?.close());

/** An nginx of its own for one test, and pages of the file's browser. */
export async function startSite(t, options) {
    const nginx = await startNginx(options);
    t.after(() => nginx.stop());
    const browser = await (await (started ??= startChromium())).newContext();
    t.after(() => browser.close());
    const publisher = id => `${nginx.url}/pub?id=${id}`;
    return {
        nginx,
        browser,
        async publish(id, body, headers) {
            const { status } = await request(publisher(id), { method: "POST", body, headers });
            if (status !== 200) throw new Error(`publish to ${id}: ${status}`);
        },
        remove: (id, body) => request(publisher(id), { method: "DELETE", body }),
        /** { published_messages, stored_messages, subscribers }, all 0 for a channel that is not there. */
        async about(id) {
            const { status, body } = await request(publisher(id));
            return status === 200 ? JSON.parse(body) : { published_messages: 0, stored_messages: 0, subscribers: 0 };
        },
    };
}
