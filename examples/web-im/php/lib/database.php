<?php
// The SQLite database.

declare(strict_types=1);

function database(): PDO
{
    static $database = null;
    if ($database === null) {
        $database = new PDO('sqlite:' . getenv('WEB_IM_DATABASE'), options: [
            PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        ]);
        // Another request may be writing.
        $database->exec('PRAGMA busy_timeout = 5000');
    }
    return $database;
}

/** All rows of a query. */
function rows(string $query, array $values = []): array
{
    $statement = database()->prepare($query);
    $statement->execute($values);
    return $statement->fetchAll();
}
