<?php
// The push stream module, as PHP sees it: HTTP over a Unix socket that browsers cannot reach.

declare(strict_types=1);

/** The module did not do what it was asked. For the log, not for the user. */
class ModuleError extends Exception
{
}

/** One request; the answer's status and body. */
function ask_module(string $method, string $target, array $headers = [], string $body = ''): array
{
    $socket = @stream_socket_client(getenv('WEB_IM_MODULE'), $code, $why, 2);
    if ($socket === false) {
        throw new ModuleError("cannot reach the module: $why");
    }
    stream_set_timeout($socket, 5);
    // HTTP/1.0: the answer has no chunks and ends with the connection.
    $request = "$method $target HTTP/1.0\r\nHost: module\r\nContent-Length: " . strlen($body) . "\r\n";
    foreach ($headers as $name => $value) {
        $request .= "$name: $value\r\n";
    }
    fwrite($socket, "$request\r\n$body");
    $answer = (string) stream_get_contents($socket);
    fclose($socket);
    if (!preg_match('~\AHTTP/1\.[01] (\d{3}).*?\r\n\r\n(.*)\z~s', $answer, $parts)) {
        throw new ModuleError("$method $target: no answer");
    }
    return ['status' => (int) $parts[1], 'body' => $parts[2]];
}

/**
 * Publishes to these channels: to all or, when it cannot be done, to none; but more than a hundred take
 * several requests. Browsers resume by the event id.
 */
function publish(array $channels, array $message): void
{
    $headers = ['Event-Id' => bin2hex(random_bytes(8))];
    $body = json_encode($message, JSON_THROW_ON_ERROR);
    foreach (array_chunk(array_unique($channels), 100) as $some) {
        $answer = ask_module('POST', '/pub?id=' . implode('/', $some), $headers, $body);
        if ($answer['status'] !== 200) {
            throw new ModuleError("publishing was answered with {$answer['status']}");
        }
    }
}

/** Lets a channel be listened to: one without a stored message does not take subscribers. */
function open_channel(string $channel): void
{
    $answer = ask_module('GET', "/pub?id=$channel");
    $stored = json_decode($answer['body'], true)['stored_messages'] ?? 0;
    if ($stored === 0) {
        publish([$channel], ['kind' => 'opened']);
    }
}

/** How many listen, by channel. */
function subscribers_by_channel(): array
{
    $answer = ask_module('GET', '/statistics');
    if ($answer['status'] !== 200) {
        throw new ModuleError("statistics were answered with {$answer['status']}");
    }
    $channels = json_decode($answer['body'], true, flags: JSON_THROW_ON_ERROR)['infos'];
    return array_column($channels, 'subscribers', 'channel');
}

/** The channels somebody left in the last seconds, from the events channel. */
function recently_left(int $seconds): array
{
    // The cursor has whole seconds and means "newer than".
    $since = gmdate('D, d M Y H:i:s', time() - $seconds - 1) . ' GMT';
    $answer = ask_module('GET', '/events', ['If-Modified-Since' => $since]);
    if ($answer['status'] !== 200 && $answer['status'] !== 304) {
        throw new ModuleError("events were answered with {$answer['status']}");
    }
    $left = [];
    foreach (explode("\n", trim($answer['body'])) as $line) {
        $event = json_decode($line, true);
        if (($event['type'] ?? '') === 'client_unsubscribed') {
            $left[] = $event['channel'];
        }
    }
    return $left;
}
