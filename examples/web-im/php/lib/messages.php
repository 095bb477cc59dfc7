<?php
// What becomes of a text before it is published, and who gets it.

declare(strict_types=1);

/** The room where everybody is. No user's name begins with #. */
const ROOM = '#everyone';
const LONGEST_TEXT = 1000;
const BLOCKED_WORDS = ['darn', 'heck'];

/** The text as it may be published. It stays plain text: pages show it as text, never as HTML. */
function clean_text(string $text): string
{
    if (!preg_match('//u', $text)) {
        throw new Refused(422, 'This is not a text.');
    }
    $text = preg_replace('/\r\n?/', "\n", $text);
    // Control characters, and those that make a text read in another direction than it is written.
    $text = preg_replace('/[^\P{Cc}\n\t]|[\x{202A}-\x{202E}\x{2066}-\x{2069}]/u', '', $text);
    $text = trim($text);
    if ($text === '') {
        throw new Refused(422, 'There is nothing to send.');
    }
    if (iconv_strlen($text, 'UTF-8') > LONGEST_TEXT) {
        throw new Refused(422, 'A message has at most ' . LONGEST_TEXT . ' characters.');
    }
    $words = implode('|', array_map('preg_quote', BLOCKED_WORDS));
    return preg_replace_callback("/\\b(?:$words)\\b/iu", fn ($found) => str_repeat('*', strlen($found[0])), $text);
}

/** Whom a message is for: the name as it is written here, and the inboxes it goes to. */
function address(array $from, string $to): array
{
    if ($to === ROOM) {
        return ['name' => ROOM, 'channels' => array_column(rows('SELECT channel FROM users'), 'channel')];
    }
    $user = find_user($to) ?? throw new Refused(404, 'There is nobody of this name.');
    // To the sender's inbox as well: all of the own pages show what was said.
    return ['name' => $user['name'], 'channels' => [$user['channel'], $from['channel']]];
}

/**
 * Publishes a text. `nonce` is made by the page, once for each message: when it sends again because it
 * had no answer, the others see the message once.
 */
function send_message(array $from, string $to, string $text, string $nonce): void
{
    if (!preg_match('/\A[0-9a-f-]{8,40}\z/', $nonce)) {
        throw new Refused(422, 'The nonce is not valid.');
    }
    $address = address($from, $to);
    $message = [
        'kind' => 'message',
        'from' => $from['name'],
        'to' => $address['name'],
        'text' => clean_text($text),
        'nonce' => $nonce,
    ];
    publish($address['channels'], $message);
}
