<?php
// Makes the database, with three people to try it with.
// Running it again changes nothing. Usage: WEB_IM_DATABASE=file php seed.php

declare(strict_types=1);

require __DIR__ . '/php/lib/app.php';

database()->exec(file_get_contents(__DIR__ . '/schema.sql'));

foreach (['alice', 'bob', 'carol'] as $name) {
    if (find_user($name) === null) {
        create_user($name, 'try-web-im');
    }
}
