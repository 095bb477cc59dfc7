// Resuming clients: interrupted while messages are published all the time, they have then seen all
// that was published, once.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./harness.mjs";

/**
 * The locations these helpers use, with several channels each: /ev/ for event sources, /auto/ with ids of the
 * server, /ws/ for WebSockets.
 */
export const locations = `
    push_stream_store_messages on;
    location = /pub {
        push_stream_publisher;
        push_stream_channels_path $arg_id;
        keepalive_timeout 0; # no publish on a connection that a reload is about to close
    }
    location = /stats { push_stream_channels_statistics; push_stream_channels_path ""; }
    location ~ ^/poll/(.+)$ {
        push_stream_subscriber polling;
        push_stream_channels_path $1;
        push_stream_message_template "~text~\\n";
    }
    location ~ ^/ev/(.+)$ {
        push_stream_subscriber eventsource;
        push_stream_channels_path $1;
        push_stream_eventsource_retry 100ms;
    }
    location ~ ^/auto/(.+)$ {
        push_stream_subscriber eventsource;
        push_stream_channels_path $1;
        push_stream_eventsource_retry 100ms;
        push_stream_auto_event_id on;
    }
    location ~ ^/ws/(.+)$ {
        push_stream_subscriber websocket;
        push_stream_channels_path $1;
        push_stream_message_template "~text~";
        push_stream_websocket_allow_publish on;
        push_stream_websocket_binary on;
        push_stream_websocket_deflate on;
    }`;

/** Publishes one text and throws unless it was accepted. */
export async function publish(nginx, id, text, headers = {}) {
    const answer = await fetch(`${nginx.url}/pub?id=${id}`, { method: "POST", body: text, headers });
    await answer.text();
    if (answer.status !== 200) throw new Error(`publish: ${answer.status}`);
}

/** The first words of the stored texts of a channel, in the order of publishing. */
async function stored(nginx, id) {
    const headers = { "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" };
    const answer = await fetch(`${nginx.url}/poll/${id}`, { headers });
    return (await answer.text()).split("\n").slice(0, -1).map(text => text.split(" ")[0]);
}

/**
 * Waits until `seen()`, the first words a client has seen so far, is all that the channels have
 * stored, each word once and in the order of its channel. All words differ.
 */
export async function sawEverythingOnce(nginx, ids, seen) {
    const all = await Promise.all(ids.map(id => stored(nginx, id)));
    const total = all.flat().length;
    await until(async () => (await seen()).length >= total, 20_000, `${total} messages`);
    // What would come twice comes before this one.
    await publish(nginx, ids[0], "end");
    await until(async () => (await seen()).includes("end"), 10_000, "the last message");
    all[0].push("end");
    const words = await seen();
    for (const channel of all) {
        const own = new Set(channel);
        assert.deepEqual(words.filter(word => own.has(word)), channel);
    }
    assert.equal(words.length, total + 1);
}

/**
 * Publishes numbers to the channels in turn until `stop()`.
 *
 * While a worker is killed, a publish may fail with or without being done. Its number is then given
 * up: none is published twice, and what is stored tells the truth.
 */
function keepPublishing(nginx, ids, headers = () => ({})) {
    let stopped = false;
    let number = 0;
    const one = (id, text) => publish(nginx, id, text, headers(text)).catch(error => {
        if (!(error instanceof TypeError)) throw error; // fetch's error for a broken connection
    });
    const run = async () => {
        while (!stopped) {
            await one(ids[number % ids.length], String(++number));
            await sleep(2);
        }
    };
    const running = run();
    return {
        stop() {
            stopped = true;
            return running;
        },
    };
}

/** Kills the worker that serves the only subscriber. */
async function killSubscribersWorker(nginx) {
    const { by_worker: workers } = await (await fetch(`${nginx.url}/stats`)).json();
    const { pid } = workers.find(worker => Number(worker.subscribers) > 0);
    await nginx.killWorker(nginx.workers().indexOf(Number(pid)));
}

/**
 * Interrupts a client that listens to `ids` at `path` by two kills and a reload, while messages are
 * published to them all the time. A client has `listen(paths)`, and for each of them `opens()`, how
 * often it was connected, and `seen()`, the first words of its messages.
 */
export async function interrupt(nginx, client, path, ids, headers) {
    const opens = async () => (await client.opens())[0];
    const seen = async () => (await client.seen())[0];
    await client.listen([`${path}${ids.join("/")}`]);
    await until(async () => await opens() === 1, 10_000, "the first connection");
    const publisher = keepPublishing(nginx, ids, headers);
    let expected = 1;
    for (const interruption of [killSubscribersWorker, () => nginx.reload(), killSubscribersWorker]) {
        const before = (await seen()).length;
        await until(async () => (await seen()).length > before + 20, 10_000, "messages come");
        await interruption(nginx);
        expected++;
        await until(async () => await opens() === expected, 10_000, `connection ${expected}`);
    }
    await publisher.stop();
    await sawEverythingOnce(nginx, ids, seen);
    assert.equal(await opens(), expected);
}
