<?php
// The way in: name and password.

declare(strict_types=1);

require __DIR__ . '/lib/app.php';

name_and_password_page(
    'Sign in',
    '/sign-in',
    'To try it: alice, bob or carol, with the password <code>try-web-im</code>.',
    '<a href="/sign-up">Sign up</a> with a name of your own.',
    fn (string $name, string $password) => check_password($name, $password)
        ?? throw new Refused(403, 'Name and password do not fit.'),
);
