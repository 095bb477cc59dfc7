// Addresses of the server, and the commands that ask for the same in a terminal.

/** The channels of an input field: names with commas, slashes or blanks between them. */
export function channelsOf(text) {
    return [...new Set(text.split(/[\s,/]+/).filter(Boolean))];
}

/** What is wrong with these channels, in words; nothing if they can be asked for. */
export function channelsProblem(channels) {
    if (channels.length === 0) return "Name at least one channel, such as news.";
    const backtrack = channels.find(name => /\.b\d+$/.test(name));
    if (backtrack) return `${backtrack}: leave the .b and the digits out; choose "all that is stored" instead.`;
    return "";
}

// The path of a location is decoded by nginx and then, as a channels path, by the module.
const segment = name => encodeURIComponent(name.replaceAll("%", "%25"));

/** The address of a subscriber location, such as `/page/sub/`, for these channels. */
export function subscriberUrl(location, channels, cursor) {
    const path = location + channels.map(segment).join("/");
    if (!cursor) return path;
    return `${path}?time=${encodeURIComponent(cursor.time)}&tag=${cursor.tag}`;
}

/** The address of a location that takes the channels in the argument `id`. */
export function idUrl(location, channels) {
    return `${location}?id=${channels.map(encodeURIComponent).join("/")}`;
}

/** The headers that say where to resume. */
export function cursorHeaders(cursor) {
    return cursor ? { "If-Modified-Since": cursor.time, "If-None-Match": `W/${cursor.tag}` } : {};
}

const quoted = text => /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A curl command. Options come as they are, headers and address are quoted where needed. */
export function curl(options, headers, path) {
    const lines = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
    return [`curl ${options}`, ...lines, quoted(location.origin + path)].join(" \\\n  ");
}

/** The curl command that publishes. */
export function publishCurl(text, channels, headers) {
    // With -d a text that begins with @ would be the name of a file.
    const option = text.startsWith("@") ? "--data-raw" : "-d";
    return curl(`-s ${option} ${quoted(text)}`, headers, idUrl("/pub", channels));
}
