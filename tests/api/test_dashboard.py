"""The built dashboard: files, views, caching, compression and security headers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from tests.api.conftest import Served, gateway_settings

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = "console.log('hello');" * 200
API_HEADERS = ("content-security-policy", "cache-control")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a build."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><div id=root></div>")
    (folder / "favicon.svg").write_text("<svg/>")
    script = folder / "assets" / "index-abc123.js"
    script.write_text(SCRIPT)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(SCRIPT.encode()))
    script.with_name(script.name + ".br").write_bytes(b"as if it were brotli")
    (folder / "assets" / "style-abc123.css").write_text("a{color:red}" * 200)
    (folder.parent / "secret.txt").write_text("not to be served")
    return folder


@pytest.fixture(scope="module")
def site(built: Path, database_url: str) -> Iterator[Served]:
    with Served(create_app(gateway_settings(database_url, dashboard=str(built)))) as served:
        yield served


@pytest.mark.parametrize("path", ["/", "/index.html", "/customers", "/customers/c.1@x", "/sign-in", "/a/b/c?d=e"])
def test_every_view_is_the_index(site: Served, path: str) -> None:
    answer = httpx2.get(site.url + path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<div id=root>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert httpx2.head(site.url + path, headers=HTML).content == b""
    navigating = httpx2.get(site.url + path, headers={"Accept": "*/*", "Sec-Fetch-Mode": "navigate"})
    assert navigating.status_code == 200


def test_security_headers(site: Served) -> None:
    headers = httpx2.get(site.url + "/", headers=HTML).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert (policy["connect-src"], policy["frame-ancestors"], policy["base-uri"]) == ("'self'", "'none'", "'none'")
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    ["/v1/nowhere", "/v1", "/docs/x", "/problems/none/x", "/f", "/metrics/x", "/assets/index-old.js", "/assets/"],
)
def test_unknown_paths_of_the_api_are_problems(site: Served, path: str) -> None:
    answer = httpx2.get(site.url + path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/png,*/*"])
def test_only_browsers_get_a_view(site: Served, accept: str) -> None:
    answer = httpx2.get(site.url + "/customers", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    fetched = httpx2.get(site.url + "/customers", headers={**HTML, "Sec-Fetch-Mode": "cors"})
    assert fetched.status_code == 404


def test_the_api_comes_first(site: Served) -> None:
    assert httpx2.get(site.url + "/livez", headers=HTML).json() == {"status": "alive"}
    assert "Perdure" in httpx2.get(site.url + "/docs", headers=HTML).text
    assert httpx2.get(site.url + "/v1/stages", headers=HTML).status_code == 401
    assert httpx2.get(site.url + "/v1/events", headers=HTML).status_code == 405
    assert httpx2.post(site.url + "/customers", headers=HTML).status_code == 404


def test_hashed_files_are_cached_permanently(site: Served) -> None:
    answer = httpx2.get(site.url + "/assets/index-abc123.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx2.get(site.url + "/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
        ("bread", None),
    ],
)
def test_compressed_as_is_accepted(site: Served, accepted: str, encoding: str | None) -> None:
    with httpx2.stream("GET", site.url + "/assets/index-abc123.js", headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(raw)
    assert raw == {"br": b"as if it were brotli", None: SCRIPT.encode()}.get(encoding, raw)
    if encoding == "gzip":
        assert gzip.decompress(raw) == SCRIPT.encode()


def test_files_without_a_compressed_variant_are_compressed(site: Served) -> None:
    answer = httpx2.get(site.url + "/assets/style-abc123.css", headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert httpx2.get(site.url + "/favicon.svg").headers.get("content-encoding") is None


def test_unchanged_files_are_304(site: Served) -> None:
    first = httpx2.get(site.url + "/", headers=HTML)
    again = httpx2.get(site.url + "/", headers={**HTML, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx2.get(site.url + "/", headers={**HTML, "If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "//secret.txt"])
def test_only_files_of_the_build_are_served(site: Served, path: str) -> None:
    with httpx2.Client() as client:
        request = client.build_request("GET", site.url + "/x")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = client.send(request)
    assert answer.status_code == 404
    assert "not to be served" not in answer.text


def test_without_a_build_the_page_says_how_to_build(database_url: str, tmp_path: Path) -> None:
    with Served(create_app(gateway_settings(database_url, dashboard=str(tmp_path / "none")))) as served:
        for path in ("/", "/customers"):
            answer = httpx2.get(served.url + path, headers=HTML)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
            assert "npm ci" in answer.text
        assert httpx2.get(served.url + "/").headers["content-type"] == "application/problem+json"
        assert httpx2.get(served.url + "/assets/x.js", headers=HTML).status_code == 404
        assert httpx2.get(served.url + "/livez").status_code == 200
