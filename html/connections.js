// A browser opens six connections to a server over HTTP/1.1, all tabs together. Subscribers that
// hold one for ever would leave none to publish with: the pages share four, and say so when they
// are in use. (WebSockets are counted apart. With HTTP/2 there is no such limit.)

const SHARED = 4;

const WAITING = "Waits for a free connection: a browser has six per server, and the open " +
    "pages hold four. Kill another panel or close a tab.";

const sleep = msec => new Promise(done => setTimeout(done, msec));

/**
 * Takes one of the connections, and returns the function that gives it back. `wait` is called
 * once, with words for the user, if none is free. A tab that is closed gives its connections back by itself.
 */
export async function takeConnection(signal, wait) {
    // Without locks (the page came from another machine without TLS) there is no counting.
    if (!navigator.locks) return () => {};
    for (let waited = false; ; waited = true) {
        for (let index = 0; index < SHARED; index++) {
            const release = await tryLock(`push-stream-connection-${index}`);
            if (!release) continue;
            if (!signal.aborted) return release;
            release();
        }
        signal.throwIfAborted();
        if (!waited) wait(WAITING);
        await sleep(500);
    }
}

function tryLock(name) {
    return new Promise(resolve => {
        navigator.locks.request(name, { ifAvailable: true }, lock =>
            lock ? new Promise(release => resolve(release)) : resolve(undefined));
    });
}
