<?php
// The contact list.

declare(strict_types=1);

require __DIR__ . '/../lib/app.php';

answer_json('GET', contacts(...));
