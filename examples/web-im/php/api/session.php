<?php
// What the page needs to begin, and again when it was refused: the channel, opened, and the token.

declare(strict_types=1);

require __DIR__ . '/../lib/app.php';

answer_json('GET', function (array $user): array {
    open_channel($user['channel']);
    return [
        'name' => $user['name'],
        'channel' => $user['channel'],
        'room' => ROOM,
        'token' => $_SESSION['token'],
    ];
});
