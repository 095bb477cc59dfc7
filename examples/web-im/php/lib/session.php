<?php
// Who is asking: PHP's session, and the token that proves that a request comes from our own pages.

declare(strict_types=1);

/**
 * Opens the session to write into it; it is locked until the page ends.
 * The flags of its cookie are in php-fpm.conf, but for this one, which depends on the request.
 */
function open_session(): void
{
    session_start(['cookie_secure' => !empty($_SERVER['HTTPS'])]);
    $_SESSION['token'] ??= bin2hex(random_bytes(32));
}

/** Only reads the session: pages of the same person do not wait for each other. */
function read_session(): void
{
    if (session_status() === PHP_SESSION_NONE && isset($_COOKIE[session_name()])) {
        session_start(['read_and_close' => true, 'cookie_secure' => !empty($_SERVER['HTTPS'])]);
    }
}

/** The user who is signed in, or null. */
function signed_in_user(): ?array
{
    read_session();
    if (!isset($_SESSION['user_id'])) {
        return null;
    }
    return rows('SELECT * FROM users WHERE id = ?', [$_SESSION['user_id']])[0] ?? null;
}

/** After the password was checked, in an open session. */
function sign_in(array $user): void
{
    // A session id that somebody planted before is worth nothing after.
    session_regenerate_id(true);
    $_SESSION = ['user_id' => $user['id'], 'token' => bin2hex(random_bytes(32))];
    set_seen([$user['id']]);
}

/** In an open session. */
function sign_out(): void
{
    $_SESSION = [];
    session_destroy();
    $cookie = session_get_cookie_params();
    unset($cookie['lifetime']);
    setcookie(session_name(), '', ['expires' => 1] + $cookie);
}

/** Refuses a request that another site had the browser send. */
function check_token(string $given): void
{
    if (!isset($_SESSION['token']) || !hash_equals($_SESSION['token'], $given)) {
        throw new Refused(403, 'This page is too old: load it again.');
    }
}
