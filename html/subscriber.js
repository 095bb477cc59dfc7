// Keeps a subscriber connected: again after a loss, with the cursor of that moment, until it is
// aborted or refused.

import { takeConnection } from "./connections.js";
import { Refusal } from "./transports.js";

/**
 * `cursor()` gives the position to go on from. `on` is that of transports.js, and `state(name,
 * words)` beside it: connecting, waiting, retry, refused. `on.open` comes once per connection.
 * Nothing of `on` is called any more once `signal` is aborted.
 */
export async function subscribe(transport, { channels, cursor, signal, on }) {
    const calls = Object.entries(on).map(([name, fn]) => [name, (...args) => signal.aborted || fn(...args)]);
    const alive = Object.fromEntries(calls);
    let failures = 0;
    while (!signal.aborted) {
        let opened = false;
        const open = () => {
            if (opened) return;
            opened = true;
            failures = 0;
            alive.open();
        };
        const why = await once(transport, { channels, cursor, signal, on: { ...alive, open } });
        if (why instanceof Refusal) {
            alive.state("refused", why.message);
            return;
        }
        // Not all clients at once after a restart, and more patiently each time.
        const msec = Math.min(500 * 2 ** failures++, 15_000) * (0.5 + Math.random() / 2);
        const words = why ? "The connection was lost" : "The server ended the response";
        alive.state("retry", `${words}. Again in ${(msec / 1000).toFixed(1)} s, with the cursor.`);
        await new Promise(done => setTimeout(done, msec));
    }
}

/** One connection, until it ends: why it failed, or nothing if the server ended it. */
async function once(transport, { channels, cursor, signal, on }) {
    let release;
    try {
        if (transport.counted) release = await takeConnection(signal, words => on.state("waiting", words));
        on.state("connecting", "");
        await transport.run({ channels, cursor, signal, on });
        return undefined;
    } catch (error) {
        return error;
    } finally {
        release?.();
    }
}
