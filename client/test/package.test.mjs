// The package as users get it: packed, installed elsewhere, imported; small, and typed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (cwd, command, ...args) =>
    execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 120_000 });

test("packed, installed and imported", t => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "push-stream-package-"));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    const [{ filename, files }] = JSON.parse(run(root, "npm", "pack", "--json", "--silent", "--pack-destination", directory));
    assert.deepEqual(files.map(file => file.path).sort(), ["LICENSE", "README.md", "package.json", "push-stream.d.ts",
        "push-stream.min.mjs", "push-stream.mjs", "pushstream.js"]);
    fs.writeFileSync(`${directory}/package.json`, "{}");
    run(directory, "npm", "install", "--offline", "--no-audit", "--no-fund", "--silent", filename);
    const installed = `${directory}/node_modules/nginx-push-stream`;

    const code = `
        import { subscribe } from "nginx-push-stream";
        import { subscribe as small } from "nginx-push-stream/min";
        import fs from "node:fs";
        import { createRequire } from "node:module";
        const url = import.meta.resolve("nginx-push-stream/pushstream.js");
        if (!fs.readFileSync(new URL(url), "utf8").includes("PushStreamManager")) throw new Error(url);
        for (const make of [subscribe, small]) {
            const subscription = make("a", { baseUrl: "http://127.0.0.1:9/", since: 0, onError() {} });
            subscription.close();
            console.log(subscription.state, (await subscription.next()).done);
        }`;
    assert.equal(run(directory, process.execPath, "--input-type=module", "-e", code), "closed true\nclosed true\n");

    const size = gzipSync(fs.readFileSync(`${installed}/push-stream.min.mjs`), { level: 9 }).length;
    assert.ok(size < 4096, `${size} bytes`);

    for (const name of ["usage.ts", "tsconfig.json"]) fs.copyFileSync(`${root}/test/${name}`, `${directory}/${name}`);
    fs.writeFileSync(`${directory}/package.json`, "{ \"type\": \"module\" }");
    run(directory, process.execPath, `${root}/node_modules/typescript/bin/tsc`, "-p", ".");
});

test("the template of README.md is that of nginx-conf/javascript-client.conf", () => {
    const template = text => /push_stream_message_template .*;/.exec(text)?.[0];
    const conf = template(fs.readFileSync(`${root}/../nginx-conf/javascript-client.conf`, "utf8"));
    assert.match(conf, /~size~/);
    assert.equal(template(fs.readFileSync(`${root}/README.md`, "utf8")), conf);
});
