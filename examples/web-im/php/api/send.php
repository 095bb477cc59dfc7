<?php
// A message: {"to": name, "text": text, "nonce": hex}, with the session's token in a header.

declare(strict_types=1);

require __DIR__ . '/../lib/app.php';

answer_json('POST', function (array $user): array {
    check_token($_SERVER['HTTP_X_TOKEN'] ?? '');
    $asked = json_decode(file_get_contents('php://input'), true);
    $texts = array_map(fn ($key) => $asked[$key] ?? null, ['to', 'text', 'nonce']);
    if (array_filter($texts, is_string(...)) !== $texts) {
        throw new Refused(400, 'to, text and nonce are needed, as JSON.');
    }
    [$to, $text, $nonce] = $texts;
    send_message($user, $to, $text, $nonce);
    return ['sent' => true];
});
