import { html } from "hono/html";

export interface PageContent {
  readonly visits: number;
  readonly user: string | undefined;
  /** Whether a log-in has just failed. */
  readonly isWrong: boolean;
  readonly password: string;
  readonly process: number;
  readonly description: string;
}

type Html = ReturnType<typeof html>;

/** The page on which a person sees all three at work. */
export function page(content: PageContent): Html {
  const { visits, user, process, description } = content;
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>@kv on the web</title>
    <link rel="icon" href="/icon.svg" />
    <link rel="stylesheet" href="/style.css" />
    <script src="/page.js" type="module"></script>
  </head>
  <body>
    <header>
      <h1>@kv <span>on the web</span></h1>
      <p>Everything is kept in <strong>${description}</strong>. Process <strong>${process}</strong> made this page.</p>
    </header>
    <main>
      <section aria-labelledby="session">
        <h2 id="session">Session</h2>
        <p class="figure" id="visits">${visits}</p>
        <p class="caption">${visits === 1 ? "visit" : "visits"} of ${user ?? "a visitor"}</p>
        ${user === undefined ? logIn(content) : logOut(user)}
      </section>
      <section aria-labelledby="cache">
        <h2 id="cache">Response cache</h2>
        <p class="figure" id="report">…</p>
        <p class="caption" id="report-caption" aria-live="polite">asking for the slow report</p>
        <button type="button" id="ask-report">Ask for it</button>
        <p class="note">It takes 1.5 seconds to make, and is kept for 20.</p>
      </section>
      <section aria-labelledby="limit">
        <h2 id="limit">Rate limit</h2>
        <p class="figure" id="dice">–</p>
        <p class="caption" id="limit-caption" aria-live="polite">throw, and see how many throws are left</p>
        <button type="button" id="throw">Throw the dice</button>
        <meter id="left" min="0" max="5" hidden></meter>
        <p class="note">5 throws in 30 seconds for each address, in all processes together.</p>
      </section>
    </main>
  </body>
</html> `;
}

function logIn({ isWrong, password }: PageContent): Html {
  return html`<form method="post" action="/log-in">
    <label>Name <input name="user" required maxlength="40" autocomplete="username" /></label>
    <label>Password <input name="password" type="password" required autocomplete="off" /></label>
    <button>Log in</button>
    ${isWrong ? html`<p class="note wrong" role="alert">That was not the password.</p>` : ""}
    <p class="note">The password is “${password}”.</p>
  </form>`;
}

function logOut(user: string): Html {
  return html`<form method="post" action="/log-out">
    <p class="note">You are logged in as <strong id="user">${user}</strong>, under a new session id.</p>
    <button>Log out</button>
  </form>`;
}
