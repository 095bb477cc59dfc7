<?php
// What every page begins with.

declare(strict_types=1);

/** The request cannot be done, and whose fault that is: the message is for the user. */
class Refused extends Exception
{
    public function __construct(public readonly int $status, string $message)
    {
        parent::__construct($message);
    }
}

require __DIR__ . '/database.php';
require __DIR__ . '/users.php';
require __DIR__ . '/session.php';
require __DIR__ . '/module.php';
require __DIR__ . '/presence.php';
require __DIR__ . '/messages.php';
require __DIR__ . '/answer.php';
