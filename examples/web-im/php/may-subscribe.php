<?php
// nginx asks before it lets anybody listen (auth_request): 204 yes, 403 no.
// No channel is named for what everybody may hear who is signed in.

declare(strict_types=1);

require __DIR__ . '/lib/app.php';

$user = signed_in_user();
$wanted = $_SERVER['WANTED_CHANNEL'];
$allowed = $user !== null && ($wanted === '' || hash_equals($user['channel'], $wanted));
http_response_code($allowed ? 204 : 403);
