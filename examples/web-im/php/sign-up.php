<?php
// A new user, who is signed in at once.

declare(strict_types=1);

require __DIR__ . '/lib/app.php';

name_and_password_page(
    'Sign up',
    '/sign-up',
    'A name has 2 to 20 letters, digits and _; a password has 8 to 72 characters.',
    '<a href="/sign-in">Sign in</a> if you have been here before.',
    function (string $name, string $password): array {
        create_user($name, $password);
        return find_user($name);
    },
);
