"""HTML of the customer pages: plain forms without scripts or external resources. All text is escaped."""

from __future__ import annotations

import base64
from hashlib import sha256
from html import escape

from fastapi import Response
from fastapi.responses import HTMLResponse

COMMENT_LIMIT = 2000  # characters
RATINGS = ((1, "very poor"), (2, "poor"), (3, "fair"), (4, "good"), (5, "very good"))

_STYLE = """
:root{color-scheme:light dark;--ink:#1e293b;--soft:#475569;--paper:#fff;--line:#94a3b8;--accent:#0f766e;--on:#fff;
--bad:#b91c1c}
@media(prefers-color-scheme:dark){:root{--ink:#e2e8f0;--soft:#a8b5c7;--paper:#0f172a;--line:#64748b;--accent:#5eead4;
--on:#042f2e;--bad:#fca5a5}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:2rem 1rem}
.from{margin:0 0 1.5rem;font-weight:600;color:var(--soft);overflow-wrap:anywhere}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}
fieldset{margin:0 0 1.5rem;padding:0;border:0}
legend,label.above{display:block;margin-bottom:.5rem;padding:0;font-weight:600}
.choice{display:flex;align-items:center;gap:.75rem;min-height:2.75rem;padding:.25rem .75rem;margin-bottom:.5rem;
border:1px solid var(--line);border-radius:.5rem;cursor:pointer}
.choice input{width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent);flex:none}
.choice:has(:checked){border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
textarea{display:block;width:100%;min-height:8rem;padding:.75rem;margin-bottom:1.5rem;font:inherit;color:inherit;
background:transparent;border:1px solid var(--line);border-radius:.5rem}
button{min-height:2.75rem;padding:.6rem 1.5rem;font:inherit;font-weight:600;color:var(--on);background:var(--accent);
border:0;border-radius:.5rem;cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.wrong{padding:.75rem;border:1px solid var(--bad);border-radius:.5rem;color:var(--bad);font-weight:600}
"""
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()

#: The link is a credential: it must not reach other sites (Referer), caches or search engines.
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def page(
    title: str, body: str, *, company: str | None = None, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Render a page with the company's name above the title; `body` is HTML, already escaped."""
    above = f'<p class="from">{escape(company)}</p>' if company else ""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{above}<h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def paragraphs(*texts: str) -> str:
    """Return one escaped paragraph for each text."""
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def feedback_form(
    company: str | None, *, error: str | None = None, rating: int | None = None, comment: str = ""
) -> Response:
    """Render the feedback form; after a mistake with the message `error` and the customer's input."""
    choices = "".join(
        f'<label class="choice"><input type="radio" name="rating" value="{value}" required'
        f"{' checked' if value == rating else ''}>{value} – {name}</label>"
        for value, name in RATINGS
    )
    message = f'<p class="wrong" role="alert">{escape(error)}</p>' if error else ""
    # the HTML parser drops the line break after the tag
    body = (
        f'{message}<form method="post"><fieldset><legend>Your rating</legend>{choices}</fieldset>'
        '<label class="above" for="comment">Would you like to tell us more? (optional)</label>'
        f'<textarea id="comment" name="comment" maxlength="{COMMENT_LIMIT}">\n{escape(comment)}</textarea>'
        '<button type="submit">Send</button></form>'
    )
    return page("How was your visit?", body, company=company, status=422 if error else 200)


def unsubscribe_form(company: str | None, channel: str) -> Response:
    """Render the form that asks for confirmation."""
    body = (
        paragraphs(f"You will no longer receive {channel} from us.")
        + '<form method="post"><button type="submit" name="unsubscribe" value="yes">Unsubscribe</button></form>'
    )
    return page("Unsubscribe?", body, company=company)
