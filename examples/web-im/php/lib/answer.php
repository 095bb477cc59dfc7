<?php
// How pages answer: JSON for scripts, HTML for people.

declare(strict_types=1);

/** Text for HTML. */
function e(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE | ENT_HTML5, 'UTF-8');
}

/** Answers with what the function gives for the user who is signed in, as JSON; refusals too. */
function answer_json(string $method, callable $function): void
{
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    try {
        check_method($method);
        $user = signed_in_user() ?? throw new Refused(401, 'You are not signed in.');
        $answer = $function($user);
    } catch (Refused $refused) {
        http_response_code($refused->status);
        $answer = ['error' => $refused->getMessage()];
    } catch (ModuleError | PDOException $error) {
        error_log((string) $error);
        http_response_code(503);
        $answer = ['error' => 'The chat does not work just now. Try again.'];
    }
    echo json_encode($answer, JSON_THROW_ON_ERROR);
}

function check_method(string ...$methods): void
{
    if (!in_array($_SERVER['REQUEST_METHOD'], $methods, true)) {
        header('Allow: ' . implode(', ', $methods));
        throw new Refused(405, 'This method is not allowed here.');
    }
}

/** A field of a form; empty if it is missing or not a text. */
function field(string $name): string
{
    return is_string($_POST[$name] ?? null) ? $_POST[$name] : '';
}

/** Goes on at another page. */
function go_to(string $path): never
{
    http_response_code(303);
    header("Location: $path");
    exit;
}

/** A whole page around `$body`, which is HTML; `$kind`, "door" or "chat", is for the style sheet. */
function show_page(string $title, string $kind, string $body): void
{
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store');
    echo '<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>', e($title), '</title>
<link rel="stylesheet" href="/style.css">
<body class="', e($kind), '">
', $body, '
</body>
</html>
';
}

/** The pages for signing in and up: they differ in their words and in what is done with name and password. */
function name_and_password_page(string $title, string $path, string $hint, string $other, callable $enter): void
{
    open_session();
    $problem = '';
    try {
        check_method('GET', 'POST');
        if ($_SERVER['REQUEST_METHOD'] === 'POST') {
            check_token(field('token'));
            sign_in($enter(field('name'), field('password')));
            go_to('/chat');
        }
    } catch (Refused $refused) {
        http_response_code($refused->status);
        $problem = '<p role="alert" class="problem">' . e($refused->getMessage()) . '</p>';
    }
    $autocomplete = $path === '/sign-up' ? 'new-password' : 'current-password';
    show_page("$title · Web IM", 'door', '
<main>
    <h1>' . e($title) . '</h1>
    ' . $problem . '
    <form method="post" action="' . e($path) . '">
        <input type="hidden" name="token" value="' . e($_SESSION['token']) . '">
        <label>Name <input name="name" required maxlength="20" autocomplete="username" autocapitalize="none" value="' . e(field('name')) . '" autofocus></label>
        <label>Password <input name="password" type="password" required minlength="8" maxlength="72" autocomplete="' . $autocomplete . '"></label>
        <button>' . e($title) . '</button>
    </form>
    <p>' . $hint . '</p>
    <p>' . $other . '</p>
</main>');
}
