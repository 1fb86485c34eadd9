"""Serve the built dashboard for every path that no API route matches.

All files, with the compressed variants that the build made, are read once at start. Files with a content hash in their
name (`/assets/`) may be cached permanently; all others are revalidated with their `ETag`.
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

from api.html import page, paragraphs

INDEX = "index.html"
ASSETS = "assets/"
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # in order of preference
MIN_COMPRESSED = 1024  # bytes; compressing smaller files saves less than the extra headers cost
COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg+xml", "application/manifest+json")
#: first path segments of the API and the customer pages: unknown paths there are a 404, not a view of the dashboard
RESERVED = frozenset({"v1", "docs", "openapi.json", "problems", "livez", "readyz", "metrics", "f", "u"})

SECURITY = {
    # The component library adds <style> elements; scripts are only loaded from our own files.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self';"
    " worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MISSING = paragraphs(
    "The dashboard has not been built. The API works without it (see /docs).",
    "./run up builds it. To build it manually: cd dashboard && npm ci && npm run build, then restart the gateway.",
)


@dataclass(frozen=True, slots=True)
class _File:
    """A file's content by encoding (`identity` is always present), and its response headers."""

    variants: dict[str, bytes]
    etag: str
    headers: dict[str, str]


class Dashboard:
    """ASGI app for unmatched paths: a file, the index page for a view of the dashboard, or 404."""

    path = "(dashboard)"  # the route's name in logs and metrics

    def __init__(self, folder: Path) -> None:
        self.files = _read(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        headers = Headers(scope=scope)
        name = scope["path"].lstrip("/")
        file = self.files.get(name or INDEX)
        if file is None and _is_navigation(name, headers):
            file = self.files.get(INDEX)
            if file is None:
                scope["route"] = self
                await page("The dashboard has not been built", MISSING, status=503)(scope, receive, send)
                return
        if file is None:
            raise HTTPException(404)
        scope["route"] = self
        await _response(file, headers)(scope, receive, send)


def _is_navigation(name: str, headers: Headers) -> bool:
    """Return whether a browser opens a view of the dashboard, which routes on the client side."""
    if name.partition("/")[0] in RESERVED or name.startswith(ASSETS):
        return False
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in headers.get("accept", "")


def _response(file: _File, request: Headers) -> Response:
    headers = {**file.headers, "ETag": file.etag}
    if file.etag in request.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    encoding = _encoding(file, request.get("accept-encoding", ""))
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
    """Read the files by path; {} if the dashboard has not been built completely."""
    if not (folder / INDEX).is_file():
        return {}
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    paths = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: _file(name, path) for name, path in paths.items() if not _is_sibling(name, paths)}


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
    if text and len(content) >= MIN_COMPRESSED:
        variants.setdefault("gzip", gzip.compress(content, 6))
    headers = {
        "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "Cache-Control": "public, max-age=31536000, immutable" if name.startswith(ASSETS) else "no-cache",
    }
    if len(variants) > 1:
        headers["Vary"] = "Accept-Encoding"
    if kind == "text/html":
        headers |= SECURITY
    return _File(variants, f'"{sha256(content).hexdigest()[:32]}"', headers)
