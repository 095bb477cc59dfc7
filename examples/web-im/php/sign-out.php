<?php
// The way out.

declare(strict_types=1);

require __DIR__ . '/lib/app.php';

open_session();
try {
    check_method('POST');
    check_token(field('token'));
    sign_out();
} catch (Refused) {
    // Still signed in: the page goes back to the chat.
}
go_to(isset($_SESSION['user_id']) ? '/chat' : '/sign-in');
