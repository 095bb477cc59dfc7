/*
 * PushStream: the browser client that pages written for nginx-push-stream-module use. New pages are better
 * served by push-stream.mjs. Everything a page can see is as in that module's client: see README.md.
 *
 * A classic script without dependencies, for browsers as old as the pages.
 */
(function (window, document) {
    "use strict";

    if (window.PushStream) return; // loaded twice

    var CLOSED = 0, CONNECTING = 1, OPEN = 2;
    var POLL_PAUSE = 100, POLL_OPENS_AFTER = 150, POLL_GRACE = 2000;

    var managers = window.PushStreamManager = window.PushStreamManager || [];

    // ---- text, dates, hosts ----

    function twoDigits(number) {
        return (number < 10 ? "0" : "") + number;
    }

    function dateToUTCString(date) {
        var days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        var months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        var time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(twoDigits).join(":");
        return days[date.getUTCDay()] + ", " + twoDigits(date.getUTCDate()) + " " + months[date.getUTCMonth()] +
            " " + date.getUTCFullYear() + " " + time + " GMT";
    }

    // JSON for browsers without it: reads values one after the other and runs nothing.
    function readJSON(text) {
        var tokens = text.match(/"(?:[^"\\\x00-\x1f]|\\(?:["\\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[\[\]{},:]|[^\s]/g) || [];
        var at = 0, words = { "true": true, "false": false, "null": null };
        var escapes = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

        function wrong() { throw new Error("not JSON"); }

        function string(token) {
            if (token.length < 2 || token.charAt(0) !== "\"") wrong();
            return token.slice(1, -1).replace(/\\(u(....)|.)/g, function (_, sign, code) {
                return code ? String.fromCharCode(parseInt(code, 16)) : escapes[sign] || sign;
            });
        }

        function list(last, item) {
            if (tokens[at] === last) { at++; return; }
            for (;;) {
                item();
                var next = tokens[at++];
                if (next === last) return;
                if (next !== ",") wrong();
            }
        }

        function value() {
            var token = tokens[at++] || wrong(), result;
            if (token === "[") {
                result = [];
                list("]", function () { result.push(value()); });
                return result;
            }
            if (token === "{") {
                result = {};
                list("}", function () {
                    var name = string(tokens[at++] || "");
                    if (tokens[at++] !== ":") wrong();
                    result[name] = value();
                });
                return result;
            }
            if (words.hasOwnProperty(token)) return words[token];
            return /^-?\d/.test(token) ? Number(token) : string(token);
        }

        var result = value();
        if (at < tokens.length) wrong();
        return result;
    }

    function parseJSON(data) {
        if (typeof data !== "string") return null;
        var text = data.replace(/^\s+|\s+$/g, "");
        try {
            return window.JSON && window.JSON.parse ? window.JSON.parse(text) : readJSON(text);
        } catch (error) {
            throw "Invalid JSON: " + data;
        }
    }

    // A message from JSON text, or from the object it stands for. `keys` has the options json…Key.
    function parseMessage(data, keys) {
        var json = typeof data === "string" ? parseJSON(data) : data;
        if (!json || typeof json !== "object") throw "Invalid JSON: " + data;
        return {
            id: json[keys.jsonIdKey],
            channel: json[keys.jsonChannelKey],
            text: decode(json[keys.jsonTextKey]),
            tag: json[keys.jsonTagKey],
            time: json[keys.jsonTimeKey],
            eventid: json[keys.jsonEventIdKey] || ""
        };
    }

    // Publishers encode, so that a text fits into JSON. What was not encoded may have a lone "%".
    function decode(text) {
        try {
            return typeof text === "string" ? decodeURIComponent(text) : text;
        } catch (error) {
            return text;
        }
    }

    // What pages and frames of sibling hosts agree on as document.domain.
    function extract_xss_domain(host) {
        if (/^[\d.]+$/.test(host) || host.indexOf(":") !== -1) return host;
        var labels = host.split(".");
        return labels.length > 2 ? labels.slice(1).join(".") : host;
    }

    function isCrossDomainUrl(url) {
        if (!url) return false;
        var link = document.createElement("a");
        link.href = url;
        // Once more: old browsers fill in the host only then.
        link.href = link.href;
        var ports = { "http:": "80", "https:": "443" };
        function origin(of) {
            return of.protocol + "//" + of.hostname + ":" + (of.port || ports[of.protocol] || "");
        }
        return origin(link) !== origin(window.location);
    }

    function log(level, text) {
        var levels = ["debug", "info", "error"];
        if (levels.indexOf(level) < levels.indexOf(PushStream.LOG_LEVEL)) return;
        var line = level.toUpperCase() + " " + new Date().toISOString() + ": " + text;
        if (window.console) window.console.log(line);
        var element = document.getElementById(PushStream.LOG_OUTPUT_ELEMENT_ID);
        if (!element) return;
        log.lines = (log.lines || []).concat(line.replace(/&/g, "&amp;").replace(/</g, "&lt;")).slice(-100);
        element.innerHTML = log.lines.join("<br>\n");
    }

    // Runs a page's callback; what it throws stops the page's code only.
    function call(callback, self, args) {
        if (typeof callback !== "function") return;
        try {
            callback.apply(self, args);
        } catch (error) {
            setTimeout(function () { throw error; }, 0);
        }
    }

    // ---- addresses ----

    function origin(push, websocket) {
        var scheme = (websocket ? "ws" : "http") + (push.useSSL ? "s" : "");
        var port = push.port === (push.useSSL ? 443 : 80) ? "" : ":" + push.port;
        return scheme + "://" + push.host + port;
    }

    // [[name, value], …] as arguments; what is falsy becomes empty.
    function query(pairs) {
        return pairs.map(function (pair) {
            return pair[0] + "=" + (pair[1] ? encodeURIComponent(pair[1]) : "");
        }).join("&");
    }

    function controlled(push) {
        return push.messagesControlByArgument && Boolean(push._lastModified || push._lastEventId);
    }

    function channelsPath(push, withoutBacktrack) {
        return push._order.map(function (name) {
            var backtrack = push.channels[name] && push.channels[name].backtrack;
            return name + (backtrack && !withoutBacktrack && !controlled(push) ? ".b" + backtrack : "");
        }).join("/");
    }

    function extraArguments(push) {
        var extra = push.extraParams() || {};
        return Object.keys(extra).map(function (name) { return [name, extra[name]]; });
    }

    function cursorArguments(push) {
        var use = controlled(push), time = use && push._lastModified;
        return [
            [push.tagArgument, use && Number(push._etag)],
            [push.timeArgument, time],
            [push.eventIdArgument, use && !time && push._lastEventId]
        ];
    }

    function now() {
        return new Date().getTime();
    }

    // Of WebSocket, EventSource and Stream; `own` are arguments of the mode.
    function streamUrl(push, prefix, websocket, own) {
        var pairs = extraArguments(push).concat([["_", now()]], own || [], cursorArguments(push));
        if (push.channelsByArgument) pairs.push([push.channelsArgument, channelsPath(push)]);
        return origin(push, websocket) + prefix + (push.channelsByArgument ? "" : "/" + channelsPath(push)) +
            "?" + query(pairs);
    }

    function pollUrl(push, own) {
        var path = channelsPath(push, push._polled);
        var first = push.channelsByArgument ? query([[push.channelsArgument, path]]) : "";
        var pairs = extraArguments(push).concat(cursorArguments(push), own || [], [["_", now()]]);
        return origin(push) + push.urlPrefixLongpolling + (first ? "" : "/" + path) + "?" + first + "&" + query(pairs);
    }

    function publisherUrl(push) {
        return origin(push) + push.urlPrefixPublisher + "?id=/" + push._order.join("/") + "&_=" + now();
    }

    function post(url, text, success, error) {
        var request = new window.XMLHttpRequest();
        request.open("POST", url, true);
        request.setRequestHeader("Accept", "application/json");
        request.setRequestHeader("Content-type", "application/x-www-form-urlencoded");
        request.onreadystatechange = function () {
            if (request.readyState !== 4) return;
            if (request.status === 200) call(success, null, [request.responseText]);
            else call(error, null, [request.status]);
        };
        request.send(encodeURIComponent(text));
    }

    // ---- modes: each has type, connection, connect() and disconnect(), and tells its instance by
    //      _opened, _received and _failed ----

    function WebSocketMode(push) {
        this.type = "WebSocket";
        this.connection = null;

        this.connect = function () {
            var Socket = window.WebSocket || window.MozWebSocket;
            var socket = this.connection = new Socket(streamUrl(push, push.urlPrefixWebsocket, true));
            socket.onopen = function () { push._opened(); };
            socket.onmessage = function (event) { push._received(event.data, true); };
            socket.onclose = socket.onerror = function (event) {
                push._failed(event.code === 1006 || push.readyState === CONNECTING ? "load" : "timeout");
            };
        };

        this.disconnect = function () {
            var socket = this.connection;
            this.connection = null;
            if (!socket) return;
            socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
            socket.close();
        };

        this.send = function (text) {
            this.connection.send(encodeURIComponent(text));
        };
    }

    function EventSourceMode(push) {
        this.type = "EventSource";
        this.connection = null;

        this.connect = function () {
            var source = this.connection = new window.EventSource(streamUrl(push, push.urlPrefixEventsource));
            source.onopen = function () { push._opened(); };
            source.onmessage = function (event) { push._received(event.data, true); };
            source.onerror = function () {
                // 0: the browser is connecting again by itself, with Last-Event-ID.
                if (push.readyState === OPEN && source.readyState === 0) return;
                push._failed(push.readyState === CONNECTING ? "load" : "timeout");
            };
        };

        this.disconnect = function () {
            var source = this.connection;
            this.connection = null;
            if (!source) return;
            source.onopen = source.onmessage = source.onerror = null;
            source.close();
        };
    }

    function StreamMode(push) {
        var self = this, timer = null, registered = false;
        this.type = "Stream";
        this.connection = null;

        function expect(msec) {
            clearTimeout(timer);
            timer = setTimeout(function () { push._failed("timeout"); }, msec);
        }

        this.connect = function () {
            try {
                document.domain = extract_xss_domain(push.host);
            } catch (error) {
                log("info", "document.domain: " + error);
            }
            registered = false;
            var frame = this.connection = document.createElement("iframe");
            frame.id = "PushStreamManager_" + push.id;
            frame.width = frame.height = 1;
            frame.style.cssText = "width:1px;height:1px;display:none";
            frame.onload = function () {
                // The answer is complete: the server has closed it, or it is no stream at all.
                push._failed(registered ? "timeout" : "load");
            };
            frame.src = streamUrl(push, push.urlPrefixStream, false, [["streamid", String(push.id)]]);
            expect(push.timeout);
            document.body.appendChild(frame);
        };

        this.disconnect = function () {
            var frame = this.connection;
            this.connection = null;
            clearTimeout(timer);
            if (!frame) return;
            frame.onload = null;
            frame.src = "about:blank";
            if (frame.parentNode) frame.parentNode.removeChild(frame);
        };

        this.register = function (frameWindow) {
            if (!this.connection || this.connection.contentWindow !== frameWindow) return;
            frameWindow.p = function (id, channel, text, eventid, time, tag) {
                if (!self.connection || self.connection.contentWindow !== frameWindow) return;
                expect(push.pingtimeout);
                push._deliver({
                    id: id, channel: channel, text: decode(text), tag: tag, time: time, eventid: eventid || ""
                }, true, true);
            };
            registered = true;
            expect(push.pingtimeout);
            push._opened();
        };
    }

    function LongPollingMode(push) {
        var self = this, pause = null, opening = null, limit = null, name = null;
        this.type = "LongPolling";
        this.connection = null;

        function usesJSONP() {
            return push.useJSONP || isCrossDomainUrl(origin(push));
        }

        function stop() {
            var connection = self.connection;
            self.connection = null;
            clearTimeout(pause);
            clearTimeout(limit);
            if (!connection) return;
            if (connection.abort) {
                connection.onreadystatechange = null;
                connection.abort();
                return;
            }
            connection.onload = connection.onerror = null;
            // It may still be on its way and call.
            var old = name;
            window[old] = function () {};
            setTimeout(function () { delete window[old]; }, push.timeout);
            if (connection.parentNode) connection.parentNode.removeChild(connection);
        }

        function poll() {
            stop();
            pause = setTimeout(usesJSONP() ? pollByScript : pollByRequest, POLL_PAUSE);
        }

        function answered(status, messages) {
            stop();
            if (status === 200) {
                clearTimeout(opening);
                push._opened();
                // First the next request, then the page's code, which may disconnect.
                poll();
                messages.forEach(function (message, index) {
                    push._received(message, index === messages.length - 1, true);
                });
            } else if (status === 304) {
                poll();
            } else {
                push._failed(status === 403 || push.readyState === CONNECTING ? "load" : "timeout");
            }
        }

        function pollByRequest() {
            var request = self.connection = new window.XMLHttpRequest();
            limit = setTimeout(poll, push.timeout + POLL_GRACE);
            request.onreadystatechange = function () {
                if (request.readyState !== 4) return;
                if (!push.messagesControlByArgument) {
                    push._etag = request.getResponseHeader("Etag") || push._etag;
                    push._lastModified = request.getResponseHeader("Last-Modified") || push._lastModified;
                    push._polled = Boolean(push._lastModified);
                }
                answered(request.status, request.status === 200 ? pieces(request.responseText) : []);
            };
            request.open("GET", pollUrl(push), true);
            if (!push.messagesControlByArgument) {
                request.setRequestHeader("If-None-Match", String(push._etag || 0));
                request.setRequestHeader("If-Modified-Since", String(push._lastModified || null));
            }
            request.send();
        }

        function pollByScript() {
            push.messagesControlByArgument = true;
            name = "PushStreamManager_" + push.id + "_onmessage_" + now();
            var script = self.connection = document.createElement("script"), start = now();
            limit = setTimeout(poll, push.timeout + POLL_GRACE);
            window[name] = function (messages) {
                answered(200, messages);
            };
            script.onload = script.onerror = function () {
                // No status to see: who waited for long was served, who did not was refused.
                answered(now() - start > push.timeout / 2 ? 304 : 403);
            };
            script.async = true;
            script.src = pollUrl(push, [["callback", name]]);
            document.head.appendChild(script);
        }

        this.connect = function () {
            opening = setTimeout(function () { push._opened(); }, POLL_OPENS_AFTER);
            poll();
        };

        this.disconnect = function () {
            clearTimeout(opening);
            stop();
        };
    }

    // The objects of a body, glued together or each on a line.
    function pieces(body) {
        return body.replace(/\}\{/g, "}\r\n{").split("\r\n").filter(function (piece) {
            return /\S/.test(piece);
        });
    }

    // The usable modes of "a|b|c"; null for a name that is none.
    function modesOf(push) {
        var known = {
            websocket: [WebSocketMode, window.WebSocket || window.MozWebSocket],
            eventsource: [EventSourceMode, window.EventSource],
            stream: [StreamMode, true],
            longpolling: [LongPollingMode, true]
        };
        var wrappers = [];
        push.modes.forEach(function (mode) {
            var entry = known.hasOwnProperty(mode) ? known[mode] : null;
            if (!entry) wrappers.push(null);
            else if (entry[1]) wrappers.push(new entry[0](push));
        });
        return wrappers;
    }

    // ---- the instance ----

    // Names of options in releases up to 0.3.5.
    var OLDER_NAMES = {
        jsonTextKey: "jsonDataKey", useJSONP: "longPollingUseJSONP", tagArgument: "longPollingTagArgument",
        timeArgument: "longPollingTimeArgument", reconnectOnTimeoutInterval: "reconnecttimeout",
        reconnectOnChannelUnavailableInterval: "checkChannelAvailabilityInterval",
        messagesPublishedAfter: "secondsAgo", timeout: "longPollingTimeout"
    };

    function PushStream(settings) {
        settings = settings || {};

        function option(name, standard) {
            if (settings[name] !== undefined && settings[name] !== null) return settings[name];
            var older = OLDER_NAMES[name] && settings[OLDER_NAMES[name]];
            return older !== undefined && older !== null ? older : standard;
        }

        this.id = managers.push(this) - 1;

        this.useSSL = Boolean(option("useSSL", false));
        this.host = option("host", window.location.hostname);
        this.port = Number(option("port", this.useSSL ? 443 : 80));

        this.timeout = option("timeout", 30000);
        this.pingtimeout = option("pingtimeout", 30000);
        this.reconnectOnTimeoutInterval = option("reconnectOnTimeoutInterval", 3000);
        this.reconnectOnChannelUnavailableInterval = option("reconnectOnChannelUnavailableInterval", 60000);
        this.autoReconnect = settings.autoReconnect !== false;

        this.messagesPublishedAfter = option("messagesPublishedAfter");
        this.lastEventId = option("lastEventId", null);
        this.messagesControlByArgument = Boolean(option("messagesControlByArgument",
            settings.longPollingByHeaders === undefined ? false : !settings.longPollingByHeaders));
        this.tagArgument = option("tagArgument", "tag");
        this.timeArgument = option("timeArgument", "time");
        this.eventIdArgument = option("eventIdArgument", "eventid");
        this.useJSONP = Boolean(option("useJSONP", false));
        if (this.useJSONP) this.messagesControlByArgument = true;

        this.urlPrefixPublisher = option("urlPrefixPublisher", "/pub");
        this.urlPrefixStream = option("urlPrefixStream", "/sub");
        this.urlPrefixEventsource = option("urlPrefixEventsource", "/ev");
        this.urlPrefixLongpolling = option("urlPrefixLongpolling", "/lp");
        this.urlPrefixWebsocket = option("urlPrefixWebsocket", "/ws");

        this.jsonIdKey = option("jsonIdKey", "id");
        this.jsonChannelKey = option("jsonChannelKey", "channel");
        this.jsonTextKey = option("jsonTextKey", "text");
        this.jsonTagKey = option("jsonTagKey", "tag");
        this.jsonTimeKey = option("jsonTimeKey", "time");
        this.jsonEventIdKey = option("jsonEventIdKey", "eventid");

        this.modes = option("modes", "eventsource|websocket|stream|longpolling").split("|");
        this.channelsByArgument = Boolean(option("channelsByArgument", false));
        this.channelsArgument = option("channelsArgument", "channels");
        this.extraParams = option("extraParams", function () { return {}; });

        this.onmessage = option("onmessage", null);
        this.onerror = option("onerror", null);
        this.onstatuschange = option("onstatuschange", null);
        this.onchanneldeleted = option("onchanneldeleted", null);

        this.readyState = CLOSED;
        this.channels = {};
        this.channelsCount = 0;
        this.wrappers = modesOf(this);
        this.wrapper = null;

        this._order = []; // names of channels, as they were added
        this._next = 0; // index of the wrapper of the next attempt
        this._wanted = false; // between connect() and disconnect()
        this._timer = null; // of the reconnect
        // The cursor: where the first connection begins, then the last message.
        this._etag = null;
        this._lastModified = firstTime(this.messagesPublishedAfter);
        this._lastEventId = this.lastEventId;
        // A poll has given a cursor: with a backtrack the next one would get the same messages again.
        this._polled = false;
    }

    function firstTime(after) {
        if (after instanceof Date) return dateToUTCString(after);
        after = Number(after);
        if (after > 0) return dateToUTCString(new Date(now() - after * 1000));
        return after < 0 ? dateToUTCString(new Date(0)) : null;
    }

    PushStream.CLOSED = CLOSED;
    PushStream.CONNECTING = CONNECTING;
    PushStream.OPEN = OPEN;
    PushStream.LOG_LEVEL = "error";
    PushStream.LOG_OUTPUT_ELEMENT_ID = "Log4jsLogOutput";

    PushStream.sendMessage = post;

    PushStream.register = function (frameWindow) {
        var id = /[?&]streamid=(\d+)/.exec(frameWindow.location.href);
        var push = id && managers[id[1]];
        if (push && push.wrapper && push.wrapper.register) push.wrapper.register(frameWindow);
    };

    PushStream.prototype = {
        constructor: PushStream,

        addChannel: function (name, options) {
            if (encodeURIComponent(name) !== name) {
                throw "Invalid channel name! Channel has to be a set of [a-zA-Z0-9]";
            }
            if (this._order.indexOf(name) !== -1) throw "Cannot add channel " + name + ": already subscribed";
            this._order.push(name);
            this.channels[name] = options || {};
            this.channelsCount = this._order.length;
            if (this.readyState !== CLOSED) {
                this._disconnect();
                this._connect();
            }
        },

        removeChannel: function (name) {
            var place = this._order.indexOf(name);
            if (place === -1) return;
            this._order.splice(place, 1);
            delete this.channels[name];
            this.channelsCount = this._order.length;
        },

        removeAllChannels: function () {
            this._order = [];
            this.channels = {};
            this.channelsCount = 0;
        },

        connect: function () {
            if (!this.host) throw "PushStream host not specified";
            if (!this.port) throw "PushStream port not specified";
            if (!this.channelsCount) throw "No channels specified";
            if (!this.wrappers.some(Boolean)) throw "No available support for this browser";
            this._disconnect();
            this._wanted = true;
            this._next = 0;
            this._connect();
        },

        disconnect: function () {
            this._wanted = false;
            this._disconnect();
        },

        sendMessage: function (text, success, error) {
            if (this.wrapper && this.wrapper.send && this.readyState === OPEN) {
                this.wrapper.send(text);
                call(success, null, []);
            } else {
                post(publisherUrl(this), text, success, error);
            }
        },

        // ---- what the modes call ----

        _opened: function () {
            if (this.readyState !== CONNECTING) return;
            // The next attempt is for the same mode again.
            this._next = this.wrappers.indexOf(this.wrapper);
            this._become(OPEN);
        },

        _failed: function (type) {
            log("info", this.wrapper.type + ": " + type);
            this._disconnect();
            this._reconnect(type === "load" ? this.reconnectOnChannelUnavailableInterval
                : this.reconnectOnTimeoutInterval);
            call(this.onerror, this, [{ type: type }]);
        },

        // JSON text, or from a script tag the object itself.
        _received: function (data, isLast, isPoll) {
            var message;
            try {
                message = parseMessage(data, this);
            } catch (error) {
                log("error", error);
                return;
            }
            this._deliver(message, isLast, !isPoll || (this.messagesControlByArgument && message.time));
        },

        _deliver: function (message, isLast, movesCursor) {
            log("debug", "message " + message.id + " of " + message.channel);
            // The server's own messages, with negative ids, have no place in time.
            if (message.id > 0 && movesCursor) {
                if (message.tag) this._etag = message.tag;
                if (message.time) this._lastModified = message.time;
                if (message.eventid) this._lastEventId = message.eventid;
            }
            if (message.id === -2) call(this.onchanneldeleted, this, [message.channel]);
            if (message.id > 0) {
                call(this.onmessage, this, [message.text, message.id, message.channel, message.eventid, isLast,
                    message.time]);
            }
        },

        // ---- connecting ----

        _become: function (state) {
            if (this.readyState === state) return;
            this.readyState = state;
            log("info", "state " + state);
            call(this.onstatuschange, this, [state]);
        },

        _connect: function () {
            var count = this.wrappers.length;
            while (!this.wrappers[this._next % count]) this._next++;
            this.wrapper = this.wrappers[this._next % count];
            this._next = (this._next + 1) % count;
            this._become(CONNECTING);
            // The page may have disconnected in its callback.
            if (this.readyState !== CONNECTING) return;
            try {
                this.wrapper.connect();
            } catch (error) {
                log("error", this.wrapper.type + ": " + error);
                this._failed("load");
            }
        },

        _disconnect: function () {
            clearTimeout(this._timer);
            this._timer = null;
            if (this.wrapper) this.wrapper.disconnect();
            this._become(CLOSED);
        },

        _reconnect: function (msec) {
            if (!this.autoReconnect || !this._wanted || this._timer || this.readyState === CONNECTING) return;
            var self = this;
            this._timer = setTimeout(function () {
                self._timer = null;
                if (self._wanted && self.channelsCount) self._connect();
            }, msec);
        }
    };

    window.PushStream = PushStream;
    if (window.jasmine) {
        window.Utils = {
            dateToUTCString: dateToUTCString,
            parseJSON: parseJSON,
            parseMessage: parseMessage,
            extract_xss_domain: extract_xss_domain,
            isCrossDomainUrl: isCrossDomainUrl
        };
    }
}(window, document));
