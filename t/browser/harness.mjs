// What the tests with real clients share: one nginx with the module, headless Chromium, waiting.
//
//   const nginx = await startNginx({ config: `location /ev/ { … }` });
//   t.after(() => nginx.stop());                 // fails the test on bad lines of the error log
//   const browser = await startChromium();
//   t.after(() => browser.close());
//   const page = await browser.newPage();
//   await page.goto(nginx.url);                  // an empty page, or files["index.html"]
//   await until(() => page.evaluate(() => window.seen.length === 3), 5000, "three events");
//
// Environment: MODULE, the module (default: the release build); NGINX, the nginx binary (default:
// the one in PATH or /usr/sbin); CHROMIUM, the browser (default /usr/bin/chromium); KEEP=1 keeps
// nginx's directory. Everything listens on 127.0.0.1.

import { execFileSync, spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** The root of the repository. */
export const root = path.resolve(fileURLToPath(import.meta.url), "../../..");

const module = path.resolve(root,
    process.env.MODULE || "target/release/libngx_http_push_stream_module.so");

/** Asks `fn` until it gives something true, and returns that; throws after `msec`. */
export async function until(fn, msec = 5000, what = fn.toString()) {
    const deadline = Date.now() + msec;
    for (;;) {
        const value = await fn();
        if (value) return value;
        if (Date.now() > deadline) throw new Error(`not within ${msec} ms: ${what}`);
        await sleep(10);
    }
}

/** Headless Chromium, a playwright `Browser`: `newPage()`, `close()`. It takes any certificate. */
export function startChromium({ args = [] } = {}) {
    return chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        chromiumSandbox: false,
        args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update",
            "--ignore-certificate-errors", ...args],
    });
}

/**
 * Starts nginx with the module in a directory of its own and waits until it serves.
 *
 * - `config`, `httpConfig`, `mainConfig`: directives of the server, http and main level. `server`
 *   has `root html` already, and a zone of 16m is set unless `httpConfig` sets one.
 * - `file`: a whole configuration instead, such as "nginx-conf/quickstart.conf" (from the root of
 *   the repository); its 127.0.0.1:9080 becomes the port.
 * - `workers`: how many, default 1.
 * - `tls`: "ssl" or "ssl http2": listens on a second port in this way, with a certificate of its own.
 * - `files`: what is in `html`, by name.
 */
export async function startNginx(options = {}) {
    const prefix = fs.mkdtempSync(path.join(os.tmpdir(), "nginx-browser-"));
    fs.chmodSync(prefix, 0o755); // root's workers are another user
    fs.mkdirSync(`${prefix}/html`);
    const files = { "index.html": "<!doctype html><title>test</title>\n", ...options.files };
    Object.entries(files).forEach(([name, text]) => fs.writeFileSync(`${prefix}/html/${name}`, text));
    if (options.tls) {
        execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        { cwd: prefix, stdio: "ignore" });
    }
    const nginx = new Nginx(prefix, await takePort(), options.tls ? await takePort() : undefined);
    nginx.configure(options);
    await nginx.start();
    return nginx;
}

/** A port nobody listens on. The UDP port of the same number is held as the sign that it is taken. */
async function takePort() {
    for (let tries = 0; tries < 100; tries++) {
        // Below the range of outgoing connections.
        const port = 21_000 + Math.floor(Math.random() * 1000);
        const sign = dgram.createSocket("udp4").unref();
        try {
            await once(sign.bind({ port, address: "127.0.0.1", exclusive: true }), "listening");
            const probe = net.createServer().listen(port, "127.0.0.1");
            await once(probe, "listening");
            await new Promise(done => probe.close(done));
            return { port, free: () => sign.close() };
        } catch {
            sign.close();
        }
    }
    throw new Error("no free port");
}

class Nginx {
    #ports; #child; #count; #killed = [];

    constructor(prefix, plain, tls) {
        this.prefix = prefix;
        this.port = plain.port;
        this.url = `http://127.0.0.1:${plain.port}`;
        this.tlsUrl = tls && `https://127.0.0.1:${tls.port}`;
        this.#ports = { plain, tls };
    }

    /** Writes the configuration for the start, or for the next `reload()`. Options: startNginx. */
    configure({ config = "", httpConfig = "", mainConfig = "", file, workers = 1, tls }) {
        this.#count = workers;
        const paths = "access_log access.log; " + ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(kind => `${kind}_temp_path ${kind};`).join(" ");
        const zone = /shared_memory_size/.test(httpConfig) ? "" : "push_stream_shared_memory_size 16m;";
        // Each worker has a socket of its own: the kernel spreads the connections over all of them.
        const shared = workers > 1 ? "reuseport" : "";
        const secure = tls ? `listen 127.0.0.1:${this.#ports.tls.port} ${tls} ${shared};
            ssl_certificate cert.pem; ssl_certificate_key key.pem;` : "";
        const text = file
            ? fs.readFileSync(path.resolve(root, file), "utf8")
                .replaceAll("127.0.0.1:9080", `127.0.0.1:${this.port}`)
                .replace(/^worker_processes .*;$/m, "")
                .replace(/^http \{/m, `http { ${paths}`)
            : `${mainConfig}
            events { worker_connections 4096; }
            http {
                ${paths} ${zone}
                types { text/html html; text/javascript js mjs; text/css css; }
                ${httpConfig}
                server { listen 127.0.0.1:${this.port} ${shared}; ${secure} root html; ${config} }
            }`;
        fs.writeFileSync(`${this.prefix}/nginx.conf`, `load_module "${module}"; daemon off;
            pid nginx.pid; error_log error.log info; worker_processes ${workers};\n${text}`);
    }

    async start() {
        const env = { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin` };
        delete env.NGINX; // nginx would take it for a list of inherited sockets
        // However this process ends, nginx ends with it.
        this.#child = spawn("setpriv", ["--pdeathsig", "TERM", "--", process.env.NGINX || "nginx",
            "-e", "error.log", "-p", `${this.prefix}/`, "-c", "nginx.conf"], { env, stdio: "ignore" });
        process.on("exit", this.#clean);
        await this.#until(() => this.workers().length >= this.#count, "nginx starts");
    }

    /** The pids of the serving workers, lowest first; those that are shutting down do not count. */
    workers() {
        const serves = pid => {
            try {
                const parent = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[1];
                return Number(parent) === this.#child.pid &&
                    /^nginx: worker process\0*$/.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8"));
            } catch {
                return false; // not a process, or gone by now
            }
        };
        return fs.readdirSync("/proc").map(Number).filter(serves).sort((a, b) => a - b);
    }

    /** SIGKILL to a worker of `workers()`, by its index; waits for its successor. */
    async killWorker(index = 0) {
        const pid = this.workers()[index];
        this.#killed.push(pid);
        process.kill(pid, "SIGKILL");
        await this.#replaced([pid], `a successor of worker ${pid}`);
    }

    /** HUP; waits until new workers serve and the old ones are shutting down. */
    async reload() {
        const old = this.workers();
        this.#child.kill("SIGHUP");
        await this.#replaced(old, "new workers after a reload");
    }

    /** The error log so far. */
    errorLog() {
        const log = `${this.prefix}/error.log`;
        return fs.existsSync(log) ? fs.readFileSync(log, "utf8") : "";
    }

    /** QUIT, with the clients still connected; throws if nginx ends badly or has logged bad lines. */
    async stop() {
        if (this.#exited) return;
        this.#child.kill("SIGQUIT");
        try {
            await until(() => this.#exited, 10_000, "nginx ends after QUIT");
            const bad = /\[(alert|crit|emerg)\]|panicked|AddressSanitizer|open socket|exited on signal/;
            const asked = line => this.#killed.some(pid =>
                line.includes(`process ${pid} exited on signal 9`) || line.endsWith(`locked by ${pid}`));
            const lines = this.errorLog().split("\n").filter(line => bad.test(line) && !asked(line));
            if (this.#child.exitCode !== 0) lines.push(`nginx ended with ${this.#child.exitCode}`);
            if (lines.length > 0) throw new Error(lines.join("\n"));
        } finally {
            this.#clean();
            process.off("exit", this.#clean);
            Object.values(this.#ports).forEach(port => port?.free());
        }
    }

    /** Leaves nothing behind. */
    #clean = () => {
        const left = this.#exited ? [] : [...this.workers(), this.#child.pid];
        left.forEach(pid => process.kill(pid, "SIGKILL"));
        if (!process.env.KEEP) fs.rmSync(this.prefix, { recursive: true, force: true });
    };

    get #exited() {
        return this.#child.exitCode !== null || this.#child.signalCode !== null;
    }

    #replaced(old, what) {
        return this.#until(() => {
            const now = this.workers();
            return now.length >= this.#count && !now.some(pid => old.includes(pid));
        }, what);
    }

    #until(fn, what) {
        return until(() => this.#exited
            ? Promise.reject(new Error(`nginx has ended:\n${this.errorLog()}`)) : fn(), 20_000, what);
    }
}
