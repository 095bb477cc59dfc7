<?php
// The chat itself; what happens in it is done by chat.js.

declare(strict_types=1);

require __DIR__ . '/lib/app.php';

$user = signed_in_user();
if ($user === null) {
    go_to('/sign-in');
}

show_page('Web IM', 'chat', '
<header>
    <h1>Web IM</h1>
    <p id="state" role="status">Connecting…</p>
    <label>Transport
        <select id="transport">
            <option value="eventsource">EventSource</option>
            <option value="long-polling">Long-polling</option>
        </select>
    </label>
    <form method="post" action="/sign-out">
        <input type="hidden" name="token" value="' . e($_SESSION['token']) . '">
        <button>Sign out <b>' . e($user['name']) . '</b></button>
    </form>
</header>
<nav aria-label="Contacts"><ul id="contacts"></ul></nav>
<main>
    <h2 id="title"></h2>
    <ol id="log" role="log" aria-labelledby="title" tabindex="0"></ol>
    <p id="problem" role="alert" class="problem" hidden></p>
    <form id="composer">
        <label class="unseen" for="text">Your message</label>
        <textarea id="text" rows="2" maxlength="' . LONGEST_TEXT . '" placeholder="Enter sends, Shift and Enter begins a line" autofocus></textarea>
        <button>Send</button>
    </form>
</main>
<noscript><p class="problem">The chat needs JavaScript.</p></noscript>
<script type="module" src="/chat.js"></script>');
