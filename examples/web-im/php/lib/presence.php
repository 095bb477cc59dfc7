<?php
// Who is online: who has a browser listening to the own inbox. The module knows.

declare(strict_types=1);

/**
 * A long poll leaves with each message and comes back at once, and a page that is loaded anew does so
 * too: who has just left counts as online for so many seconds.
 */
const GRACE = 3;

/** The contact list for a user, and in how many seconds it may be different without another event. */
function contacts(array $me): array
{
    $subscribers = subscribers_by_channel();
    $left = array_flip(recently_left(GRACE));
    $contacts = [];
    $online_ids = [];
    $recheck = null;
    foreach (rows('SELECT id, name, channel, seen_at FROM users ORDER BY name') as $user) {
        $listening = ($subscribers[$user['channel']] ?? 0) > 0;
        $leaving = !$listening && isset($left[$user['channel']]);
        if ($leaving) {
            $recheck = GRACE + 1;
        }
        if ($listening) {
            $online_ids[] = $user['id'];
        }
        if ($user['id'] !== $me['id']) {
            // Never the channel: that is between its owner and the server.
            $contacts[] = [
                'name' => $user['name'],
                'online' => $listening || $leaving,
                'seen' => $user['seen_at'],
            ];
        }
    }
    set_seen($online_ids);
    return ['contacts' => $contacts, 'recheck' => $recheck];
}

/** Remembers that they are here, for "last seen". */
function set_seen(array $user_ids): void
{
    if ($user_ids === []) {
        return;
    }
    // Many pages ask at once when somebody comes: one write in some seconds is enough.
    $marks = implode(',', array_fill(0, count($user_ids), '?'));
    $statement = database()->prepare("UPDATE users SET seen_at = ? WHERE coalesce(seen_at, 0) < ? AND id IN ($marks)");
    $statement->execute([time(), time() - 5, ...$user_ids]);
}
