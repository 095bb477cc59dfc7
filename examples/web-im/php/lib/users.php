<?php
// People and their passwords. Each has one channel, the inbox.

declare(strict_types=1);

/** An id that nobody can guess: 128 random bits. */
function new_channel_id(): string
{
    return bin2hex(random_bytes(16));
}

/** The user of a name, in either case, or null. */
function find_user(string $name): ?array
{
    return rows('SELECT * FROM users WHERE name = ?', [$name])[0] ?? null;
}

function create_user(string $name, string $password): void
{
    if (!preg_match('/\A[A-Za-z][A-Za-z0-9_]{1,19}\z/', $name)) {
        throw new Refused(422, 'A name has 2 to 20 letters, digits and _, and begins with a letter.');
    }
    // password_hash looks at 72 bytes and no further.
    if (strlen($password) < 8 || strlen($password) > 72) {
        throw new Refused(422, 'A password has 8 to 72 characters.');
    }
    $statement = database()->prepare('INSERT OR IGNORE INTO users (name, password_hash, channel) VALUES (?, ?, ?)');
    $statement->execute([$name, password_hash($password, PASSWORD_DEFAULT), new_channel_id()]);
    if ($statement->rowCount() === 0) {
        throw new Refused(422, 'This name is taken.');
    }
}

/** The user, if name and password are right. */
function check_password(string $name, string $password): ?array
{
    // A hash of nothing: a name that does not exist takes as long as one that does.
    $nobody = '$2y$10$H5Y9E4jJJWaIonwIhm72U.tOyABl3sWKRBCclAzlZKE/vWt09CyQi';
    $user = find_user($name);
    return password_verify($password, $user['password_hash'] ?? $nobody) ? $user : null;
}
