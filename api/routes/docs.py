"""`/docs`: the OpenAPI document as an HTML page without scripts or external resources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter()

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1e293b;background:#fff}
code{overflow-wrap:anywhere} table{display:block;overflow-x:auto}
section{border-top:1px solid #cbd5e1;margin-top:2rem} h2 code{font-size:1.1rem} b.verb{color:#1d4ed8}
pre{background:#f1f5f9;padding:.8rem;overflow:auto;font-size:.85rem} td{vertical-align:top;padding:.1rem 1rem .1rem 0}
summary{cursor:pointer} @media(prefers-color-scheme:dark){body{color:#e2e8f0;background:#0f172a}pre{background:#1e293b}
a,b.verb{color:#93c5fd}}
"""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    if not hasattr(request.app.state, "docs"):
        request.app.state.docs = "".join(_page(request.app.openapi()))
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(request.app.state.docs, headers=policy)


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{_markup(info['description'])}</p>"
    yield '<p>Machine-readable: <a href="/openapi.json">/openapi.json</a></p><ul>'
    operations = [
        (f"{verb.upper()} {path}", operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    ]
    for name, operation in operations:
        yield f'<li><a href="#{_anchor(name)}"><code>{escape(name)}</code></a> {escape(operation["summary"])}'
    yield "</ul>"
    for name, operation in operations:
        yield from _operation(name, operation)
    yield "<section><h2>Schemas</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>'
    yield "</section></html>"


def _operation(name: str, operation: dict[str, Any]) -> Iterator[str]:
    verb, _, path = name.partition(" ")
    yield f'<section id="{_anchor(name)}"><h2><code><b class="verb">{verb}</b> {escape(path)}</code></h2>'
    yield f"<p>{_markup(operation['summary'])}. {_markup(operation.get('description', ''))}</p>"
    if scope := operation.get("x-scope"):
        yield f"<p>Scope <code>{escape(scope)}</code></p>"
    if parameters := operation.get("parameters"):
        yield "<table>"
        for parameter in parameters:
            schema = escape(json.dumps(parameter["schema"], ensure_ascii=False))
            about = escape(parameter.get("description", ""))
            yield f"<tr><td><code>{escape(parameter['name'])}</code><td>{parameter['in']}<td>{about}<td>"
            yield f"<code>{schema}</code>"
        yield "</table>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Request body: <code>{escape(media_type)}</code></h3>"
        yield from _examples(content)
    yield "<h3>Responses</h3>"
    for status, answer in operation["responses"].items():
        yield f"<details><summary><code>{status}</code> {escape(answer['description'])}</summary>"
        for content in answer.get("content", {}).values():
            yield from _examples(content)
        yield "</details>"
    yield "</section>"


def _examples(content: dict[str, Any]) -> Iterator[str]:
    for name, example in content.get("examples", {}).items():
        yield f"<details><summary>{escape(name)}</summary>{_json(example['value'])}</details>"
    if "example" in content:
        yield _json(content["example"])
    elif "examples" not in content:
        yield _json(content.get("schema", {}))


def _json(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _anchor(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")


def _markup(text: str) -> str:
    """Escape a text and render backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
