// Python's websockets as a client: the scenarios of python_client.py.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";
import { root, startNginx } from "./harness.mjs";
import { locations } from "./resuming.mjs";

const python = `${root}/target/python/bin/python`;
const script = `${root}/t/browser/python_client.py`;

async function start(t) {
    const nginx = await startNginx({
        workers: 2,
        config: locations,
        httpConfig: "push_stream_shared_memory_size 64m;",
    });
    t.after(() => nginx.stop());
    return { nginx, url: nginx.url.replace("http", "ws") };
}

const scenarios = {
    pings: "pings are answered with their payload",
    deflate: "compressed and plain clients on one channel, 4 MiB, fragments",
    close: "a close is answered with its code",
    many: "1,000 sockets on one channel, every other one with compression",
};
for (const [scenario, name] of Object.entries(scenarios)) {
    test(`websockets: ${name}`, async t => {
        const { url } = await start(t);
        await promisify(execFile)(python, [script, scenario, url]); // has its own deadline
    });
}

test("websockets: close code 1001 at a reload", { timeout: 60_000 }, async t => {
    const { nginx, url } = await start(t);
    const client = spawn(python, [script, "ended", url], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => client.kill());
    const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "open");
    await nginx.reload();
    assert.equal((await lines.next()).value, "1001");
    await once(client, "exit");
});
