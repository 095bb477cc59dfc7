// The two ways to listen. Both take up where a cursor points and move it with what they hand out, so
// that one can go on where the other has stopped.
//
//   const stop = transports["eventsource"]("/sub", "/id", cursor, handlers);
//
// cursor: {time, tag}, as the module gives them; without a time only what comes from now on is due.
// handlers:
//   connected()      it stands
//   waiting()        it is broken and will be tried again
//   refused()        it was told no, and has given up
//   item(object)     what the module's template made of a message; its id is negative if it is the module's own
//   gap()            messages before the next one are no longer stored

export const transports = { "eventsource": eventSource, "long-polling": longPolling };

/** The url with the cursor in its arguments. URLSearchParams would write blanks as +, which are none to nginx. */
function resuming(url, { time, tag }) {
    return time ? `${url}?time=${encodeURIComponent(time)}&tag=${tag}` : url;
}

/**
 * One request after the other: each waits for news and brings all that is due. The cursor for the next
 * one is in the answer's headers.
 */
function longPolling(base, channel, cursor, handlers) {
    // nginx answers after 30 s; what takes longer has been lost on the way.
    const LONGEST = 45_000;
    let stopped = false;
    let request;
    let failures = 0;

    async function ask() {
        request = new AbortController();
        const lost = setTimeout(() => request.abort(), LONGEST);
        // A poll that waits is a connection that stands.
        const waits = setTimeout(handlers.connected, 500);
        try {
            const response = await fetch(resuming(`${base}/long-polling${channel}`, cursor),
                { signal: request.signal, cache: "no-store" });
            if (response.status === 403) return stop(handlers.refused);
            if (response.status !== 200 && response.status !== 304) throw new Error(response.statusText);
            const text = await response.text();
            if (stopped) return;
            failures = 0;
            handlers.connected();
            if (response.headers.has("X-Nginx-PushStream-Gap")) handlers.gap();
            cursor.time = response.headers.get("Last-Modified") ?? cursor.time;
            cursor.tag = response.headers.get("Etag")?.replace("W/", "") ?? cursor.tag;
            text.split("\n").filter(Boolean).forEach(line => handlers.item(JSON.parse(line)));
        } finally {
            clearTimeout(lost);
            clearTimeout(waits);
        }
    }

    function stop(then) {
        if (stopped) return;
        stopped = true;
        request.abort();
        then?.();
    }

    (async () => {
        while (!stopped) {
            try {
                await ask();
            } catch {
                if (stopped) return;
                handlers.waiting();
                await new Promise(done => setTimeout(done, backoff(failures++)));
            }
        }
    })();
    return () => stop();
}

/** One response that does not end. The browser connects again by itself, with the id of its last event. */
function eventSource(base, channel, cursor, handlers) {
    const source = new EventSource(resuming(`${base}/eventsource${channel}`, cursor));
    const receive = event => {
        const item = JSON.parse(event.data);
        if (event.type === "gap") handlers.gap();
        // The module's own have no place in time.
        if (item.id > 0 && item.time) Object.assign(cursor, { time: item.time, tag: item.tag });
        handlers.item(item);
    };
    // The events channel's events have types, and a listener hears one type only.
    ["message", "gap", "channel_created", "channel_destroyed", "client_subscribed", "client_unsubscribed"]
        .forEach(type => source.addEventListener(type, receive));
    source.onopen = handlers.connected;
    source.onerror = () => {
        // After an answer that is no event stream the browser does not try again; it does not say why.
        if (source.readyState === EventSource.CLOSED) handlers.refused();
        else handlers.waiting();
    };
    return () => source.close();
}

/** Milliseconds to wait after so many failures: more each time, and not all pages at once. */
export function backoff(failures) {
    return Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}
