/** One message. `time` and `tag` together are its place in the order of all messages of the server. */
export interface Message {
    channel: string;
    /** 1, 2, 3 … in each channel. */
    id: number;
    /** What was published. Bytes that are not UTF-8 become U+FFFD. */
    text: string;
    /** When it was published, in whole seconds of the server's clock. */
    time: Date;
    /** Tells messages of the same second apart. */
    tag: number;
    /** The publisher's headers `Event-Id` and `Event-Type`, or "". */
    eventId: string;
    eventType: string;
}

/** A place in the order of messages; a `Message` is one. */
export interface Cursor {
    time: Date | string | number;
    /** Default 0: before all messages of that second. */
    tag?: number;
}

export type Transport = "websocket" | "stream" | "eventsource" | "longpolling";

/** "waiting": for the next attempt; "paused": the page is hidden; "closed": for good. */
export type State = "connecting" | "open" | "waiting" | "paused" | "closed";

/** Why a connection failed. */
export interface ConnectionError extends Error {
    /** The server's answer, where it could be seen. */
    status?: number;
    /** Its header `X-Nginx-PushStream-Explain`. */
    explain?: string;
}

export interface Options {
    /** Where the locations are; relative to the page. Default "/push/". */
    baseUrl?: string;
    /** Locations that are elsewhere or have other names, relative to `baseUrl`. */
    urls?: Partial<Record<Transport | "now", string>>;
    /**
     * In order of preference: the next one is tried when one cannot connect. Default: websocket, stream,
     * longpolling. See README.md before you choose "eventsource".
     */
    transports?: readonly Transport[];
    /** With "eventsource": the values of `Event-Type` that are used. A browser drops events of other types. */
    eventTypes?: readonly string[];

    /** Begin behind this place: a time, or the `time` and `tag` of a message; 0: with all that is stored. */
    since?: Date | string | number | Cursor;
    /** Begin with the last stored messages, so many of each channel. */
    backtrack?: number;
    /** Ends the subscription. */
    signal?: AbortSignal;
    /** No connection while the page is hidden; what was missed comes when it is shown again. */
    pauseWhenHidden?: boolean;

    /** Query arguments, such as a token; a function is asked for each request. */
    params?: Record<string, string | number> | (() => Record<string, string | number>);
    /** For fetch: headers (not sent by WebSocket and EventSource), `credentials` and the like. */
    request?: RequestInit;

    /** Takes the messages; the iterator then gives none. */
    onMessage?(message: Message): void;
    /** Messages are missing, since they are no longer stored: load your state anew. */
    onGap?(): void;
    /** A channel was deleted; `text` is what the server tells about it. */
    onDelete?(channel: string, text: string): void;
    onStateChange?(state: State, transport: Transport | undefined): void;
    /** A connection failed; the subscription goes on trying. Default: `console.warn`. */
    onError?(error: ConnectionError, transport: Transport): void;

    /**
     * Milliseconds. The pause before an attempt is `random()` times `retryMin`, doubled with each failure in a row, at
     * most `retryMax`. Defaults 1000 and 30000.
     */
    retryMin?: number;
    retryMax?: number;
    /** Give up an attempt after so many milliseconds. Default 10000. */
    connectTimeout?: number;
    /** Connect anew when a stream or a poll was silent for so many milliseconds: more than the server's pings and polls take. Default 60000. */
    idleTimeout?: number;
    /** 0 ≤ random() < 1, for the jitter. Default `Math.random`. */
    random?(): number;
}

/** Ends when closed, aborted, or left with `break`. Messages that it has not been asked for yet wait in memory. */
export interface Subscription extends AsyncIterableIterator<Message> {
    readonly state: State | undefined;
    readonly transport: Transport | undefined;
    /** Where a later `subscribe` with `since` goes on: behind what has been handed out or waits in the iterator. */
    readonly cursor: { time: Date; tag: number } | undefined;
    close(): void;
}

/** Subscribes to a channel, or to several. */
export function subscribe(channels: string | readonly string[], options?: Options): Subscription;
