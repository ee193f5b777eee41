"""One look for the pages on which a shopper is played: no script, no picture, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Final

from starlette.responses import HTMLResponse

_SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_STYLE: Final = """
:root { color-scheme: light dark; --paper: #eceff3; --sheet: #fff; --ink: #1b2030; --soft: #566074; --rule: #cfd5df;
  --act: #1c4fa8; --on-act: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #11141c; --sheet: #1b202c; --ink: #eceff5; --soft: #a7b0c3;
  --rule: #3b4355; --act: #a9c6ff; --on-act: #10203f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif; }
main { width: min(100%, 24rem); padding: 1.75rem; border: 1px solid var(--rule); border-radius: 1.25rem;
  background: var(--sheet); }
p { margin: 0; color: var(--soft); }
.name { font-weight: 600; }
h1 { margin: 0.6rem 0 0.25rem; font-size: 1.35rem; line-height: 1.25; }
.amount { color: var(--ink); font-size: 2.5rem; font-weight: 700; letter-spacing: -0.02em; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
form { display: grid; gap: 0.6rem; margin: 1.4rem 0 0; }
button, a.act { font: inherit; font-weight: 600; padding: 0.75rem 1rem; border: 1px solid var(--act);
  border-radius: 0.7rem; background: none; color: var(--act); text-align: center; text-decoration: none;
  cursor: pointer; }
button:first-of-type, a.act { background: var(--act); color: var(--on-act); }
a.act { display: block; margin-top: 1.4rem; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 3px; }
.note { margin-top: 1.4rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: 0.875rem; }
"""


def simulated_page(gateway: str, title: str, content: str, status: int = 200) -> HTMLResponse:
    """Return a page; `content` is HTML, the other texts are not."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · {escape(gateway)}, simulated</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="name">{escape(gateway)}, simulated</p><h1>{escape(title)}</h1>{content}'
        '<p class="note">A simulator on this machine. No real money moves.</p></main></body></html>',
        status,
        headers=_SECURITY,
    )


def choices(name: str, labels: dict[str, str], kept: dict[str, str] | None = None) -> str:
    """Return a form of buttons, the first of them the usual one; `kept` is sent along unseen."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">'
        for key, value in (kept or {}).items()
    )
    buttons = "".join(
        f'<button name="{escape(name)}" value="{escape(value)}">{escape(label)}</button>'
        for value, label in labels.items()
    )
    return f'<form method="post">{hidden}{buttons}</form>'
