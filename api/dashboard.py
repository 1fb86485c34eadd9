"""The built dashboard at ``/``: what no route of the API matches.

Every file is read once at start, with the compressed siblings that the build made, so that an answer is a look-up. What
is hashed by its name (`/assets/`) may be kept for ever; everything else is asked for again, and answered with 304.
"""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.html import page, words

INDEX = "index.html"
ASSETS = "assets/"
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the better one first
SMALLEST = 1024  # bytes; below, the headers of a compressed answer outweigh what is saved
COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg+xml", "application/manifest+json")
#: first parts of paths that belong to the API and the customers' pages: what is not there is a problem, not a view
NOT_OURS = frozenset({"v1", "docs", "openapi.json", "problems", "livez", "readyz", "metrics", "f", "u"})

SECURITY = {
    # The component library writes its styles into <style> elements; scripts are files of ours and nothing else.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self';"
    " worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MISSING = words(
    "The dashboard is not built here; the API works without it (see /docs).",
    "./run up builds it; by hand: cd dashboard && npm ci && npm run build, then start the gateway again.",
)


@dataclass(frozen=True, slots=True)
class _File:
    """A file's content by encoding (`identity` is always there), and the headers of every answer with it."""

    variants: dict[str, bytes]
    etag: str
    headers: dict[str, str]


class Dashboard:
    """ASGI app for what no route matches: a file, the index for a view of the dashboard, or 404."""

    path = "(dashboard)"  # for the metrics, in place of a route's

    def __init__(self, folder: Path) -> None:
        self.files = _read(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        headers = Headers(scope=scope)
        name = scope["path"].lstrip("/")
        found = self.files.get(name or INDEX)
        if found is None and _is_navigation(name, headers):
            found = self.files.get(INDEX)
            if found is None:
                scope["route"] = self
                await page("The dashboard is not built", MISSING, status=503)(scope, receive, send)
                return
        if found is None:
            raise HTTPException(404)
        scope["route"] = self
        await _answer(found, headers)(scope, receive, send)


def _is_navigation(name: str, headers: Headers) -> bool:
    """Whether a person opens a view: whatever its address, the dashboard itself knows which."""
    if name.partition("/")[0] in NOT_OURS or name.startswith(ASSETS):
        return False
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in headers.get("accept", "")


def _answer(file: _File, asked: Headers) -> Response:
    headers = {**file.headers, "ETag": file.etag}
    if file.etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    encoding = _encoding(file, asked.get("accept-encoding", ""))
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(file.variants[encoding], headers=headers)


def _encoding(file: _File, accepted: str) -> str:
    wanted = set()
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            wanted.add(name.strip())
    return next((name for name in ENCODINGS if name in wanted and name in file.variants), "identity")


def _read(folder: Path) -> dict[str, _File]:
    """The files by their path; {} where the dashboard was not built whole."""
    if not (folder / INDEX).is_file():
        return {}
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    found = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: _file(name, path) for name, path in found.items() if not _is_sibling(name, found)}


def _is_sibling(name: str, among: dict[str, Path]) -> bool:
    return any(name.endswith(suffix) and name.removesuffix(suffix) in among for suffix in ENCODINGS.values())


def _file(name: str, path: Path) -> _File:
    content = path.read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith(COMPRESSIBLE)
    variants = {"identity": content}
    for encoding, suffix in ENCODINGS.items():
        sibling = path.with_name(path.name + suffix)
        if sibling.is_file():
            variants[encoding] = sibling.read_bytes()
    if text and len(content) >= SMALLEST:
        variants.setdefault("gzip", gzip.compress(content, 6))
    headers = {
        "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "Cache-Control": "public, max-age=31536000, immutable" if name.startswith(ASSETS) else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if len(variants) > 1:
        headers["Vary"] = "Accept-Encoding"
    if kind == "text/html":
        headers |= SECURITY
    return _File(variants, f'"{sha256(content).hexdigest()[:32]}"', headers)
