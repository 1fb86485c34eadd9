"""Browser sessions: sign-in, the cookie, expiry and CSRF protection.

Over 300 lines, because every test starts from the sign-in helpers of this file.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from api.app import create_app
from api.security import authentication, ip_rate_limit
from db.connections import owner_connection
from db.people import api_keys, browser_sessions
from tests.api.conftest import Served, Tenant, gateway_settings

# The shared gateway is a public https one, so that its cookie is for https alone; these tests speak http to it.
NAME = "__Host-perdure_session"
STAGE = {"stage": "vip", "reason": "because"}


class Browser:
    """A browser with a session cookie; `change` also sends the CSRF token."""

    def __init__(self, url: str) -> None:
        self.url, self.secret, self.token = url, "", ""

    def sign_in(self, headers: dict[str, str] | None = None, **given: str) -> httpx2.Response:
        answer = self.ask("POST", "/v1/session", json=given, headers=headers)
        if answer.status_code == 200:
            self.secret = _cookie(answer)
            self.token = answer.json()["csrf_token"]
        return answer

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        cookie = {"Cookie": f"other=1; {NAME}={self.secret}"} if self.secret else {}
        return httpx2.request(method, self.url + path, headers={**cookie, **(headers or {})}, **more)

    def change(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.ask(method, path, headers={"X-CSRF-Token": self.token}, **more)


@pytest.fixture
def browser(gateway: Served) -> Browser:
    return Browser(gateway.url)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the credential cache."""
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)


def _cookie(answer: httpx2.Response) -> str:
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == NAME
    return str(rest.partition(";")[0])


def _owner(tenant: Tenant, statement: str, *params: object) -> None:
    tenant.rows(statement + " returning 1", *params)


def new_link(tenant: Tenant, key_id: int, minutes: float = 15) -> str:
    async def make() -> str:
        async with owner_connection(tenant.database_url) as connection:
            return await browser_sessions.create_sign_in_link(connection, key_id, timedelta(minutes=minutes))

    return asyncio.run(make())


def test_a_key_signs_in(tenant: Tenant, browser: Browser) -> None:
    answer = browser.sign_in(key=tenant.key)
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["company"] == {"id": tenant.id, "name": "Test", "currency": "EUR"}
    assert (shown["name"], shown["scopes"]) == ("test", list(api_keys.SCOPES))
    ends = datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < ends <= timedelta(hours=12)
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert flags == {"path=/", "secure", "httponly", "samesite=strict", "max-age=604800"}
    assert answer.headers["cache-control"] == "no-store"
    again = browser.ask("GET", "/v1/session")
    assert (again.status_code, again.json()["csrf_token"]) == (200, shown["csrf_token"])
    stages = browser.ask("GET", "/v1/stages")
    assert (stages.status_code, stages.headers["cache-control"]) == (200, "no-store")
    assert browser.ask("GET", "/v1/portal/customers/nobody/journey").status_code == 404  # a hot route


def test_unknown_sessions_are_looked_up_once_and_limited(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_rate_limit, "WRONG_SESSIONS", "3/day")
    looked_up: list[str] = []
    find = browser_sessions.find

    async def counting(pool: Any, secret: str, idle: timedelta) -> Any:
        looked_up.append(secret)
        return await find(pool, secret, idle)

    monkeypatch.setattr(browser_sessions, "find", counting)
    with Served(create_app(gateway_settings(tenant.database_url))) as limited:

        def status(secret: str, path: str = "/v1/stages") -> int:
            return httpx2.get(limited.url + path, headers={"Cookie": f"{NAME}={secret}"}).status_code

        browser = Browser(limited.url)
        assert browser.sign_in(key=tenant.key).status_code == 200
        assert browser.ask("GET", "/v1/stages").status_code == 200
        looked_up.clear()
        assert [status("ended") for _ in range(6)] == [401] * 6
        assert status("ended", "/v1/session") == 204
        assert looked_up == ["ended"]
        assert [status(f"wrong-{n}") for n in range(4)] == [401, 401, 429, 429]
        assert status("wrong-4", "/v1/session") == 429
        assert looked_up == ["ended", "wrong-0", "wrong-1"]
        assert browser.ask("GET", "/v1/stages").status_code == 200


def test_only_a_hash_is_stored(tenant: Tenant, browser: Browser) -> None:
    browser.sign_in(key=tenant.key)
    ((row,),) = tenant.rows("select to_jsonb(s)::text from sessions s where company_id = %s", tenant.id)
    assert browser.secret not in row
    assert len(browser.secret) >= 43


def test_the_cookie_over_http(tenant: Tenant) -> None:
    with Served(create_app(gateway_settings(tenant.database_url, public_url="http://127.0.0.1:1"))) as served:
        answer = httpx2.post(served.url + "/v1/session", json={"key": tenant.key})
        assert answer.headers["set-cookie"].startswith("perdure_session=")
        assert "secure" not in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("given", [{"key": "pk_nobodys"}, {"token": "nobodys"}, {"key": "\N{DUCK}\x00"}])
def test_401_for_unknown_credentials(browser: Browser, given: dict[str, str]) -> None:
    answer = browser.sign_in(None, **given)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "set-cookie" not in answer.headers
    assert browser.ask("GET", "/v1/session").status_code == 204


@pytest.mark.parametrize("given", [{}, {"key": "a", "token": "b"}, {"key": ""}, {"key": 1}, {"user": "a"}, []])
def test_422_without_key_or_token(gateway: Served, given: object) -> None:
    assert httpx2.post(gateway.url + "/v1/session", json=given).status_code == 422


def test_a_session_has_the_scopes_of_its_key(tenant: Tenant, browser: Browser) -> None:
    _, key = tenant.new_key(api_keys.JOURNEYS_READ)
    assert browser.sign_in(key=key).json()["scopes"] == ["journeys:read"]
    assert browser.ask("GET", "/v1/portal/relationships").status_code == 200
    refused = browser.change("POST", "/v1/customers/c-1/stage", json=STAGE)
    assert (refused.status_code, refused.json()["scope"]) == (403, "journeys:write")


def test_a_session_ends_with_its_key(tenant: Tenant, browser: Browser, at_once: None) -> None:
    key_id, key = tenant.new_key()
    browser.sign_in(key=key)
    assert browser.ask("GET", "/v1/stages").status_code == 200
    _owner(tenant, "update api_keys set revoked_at = now() where id = %s", key_id)
    assert browser.ask("GET", "/v1/stages").status_code == 401
    assert browser.ask("GET", "/v1/session").status_code == 204


@pytest.mark.parametrize(
    "late", ["last_seen_at = now() - interval '12 hours 1 second'", "expires_at = now() - interval '1 second'"]
)
def test_a_session_ends_when_unused_or_too_old(tenant: Tenant, browser: Browser, at_once: None, late: str) -> None:
    browser.sign_in(key=tenant.key)
    _owner(tenant, "update sessions set last_seen_at = now() - interval '11 hours' where company_id = %s", tenant.id)
    assert browser.ask("GET", "/v1/stages").status_code == 200
    _owner(tenant, f"update sessions set {late} where company_id = %s", tenant.id)
    answer = browser.ask("GET", "/v1/stages")
    assert (answer.status_code, answer.json()["detail"]) == (401, "this session has ended; sign in again")


def test_requests_keep_a_session_alive(tenant: Tenant, browser: Browser) -> None:
    browser.sign_in(key=tenant.key)
    seen = "select extract(epoch from now() - last_seen_at) from sessions where company_id = %s"
    _owner(tenant, "update sessions set last_seen_at = now() - interval '1 hour' where company_id = %s", tenant.id)
    browser.ask("GET", "/v1/stages")
    ago = 3600
    for _ in range(100):
        ((ago,),) = tenant.rows(seen, tenant.id)
        if ago < 60:
            break
        asyncio.run(asyncio.sleep(0.02))
    assert ago < 60


def test_sign_out_ends_it_at_once(tenant: Tenant, browser: Browser) -> None:
    browser.sign_in(key=tenant.key)
    assert browser.ask("GET", "/v1/stages").status_code == 200
    assert browser.ask("DELETE", "/v1/session").status_code == 403  # the CSRF token is missing
    answer = browser.change("DELETE", "/v1/session")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert browser.ask("GET", "/v1/stages").status_code == 401
    assert tenant.rows("select from sessions where company_id = %s", tenant.id) == []
    assert httpx2.delete(browser.url + "/v1/session").status_code == 204


def test_a_new_sign_in_is_a_new_session(tenant: Tenant, browser: Browser, at_once: None) -> None:
    """Session fixation: a planted secret never becomes a session, and an existing session ends."""
    browser.secret = "planted-by-somebody-else"
    browser.sign_in(key=tenant.key)
    first = browser.secret
    assert first != "planted-by-somebody-else"
    browser.sign_in(key=tenant.key)
    assert browser.secret != first
    assert len(tenant.rows("select from sessions where company_id = %s", tenant.id)) == 1
    browser.secret = first
    assert browser.ask("GET", "/v1/stages").status_code == 401


def test_ended_sessions_are_deleted(tenant: Tenant, browser: Browser) -> None:
    browser.sign_in(key=tenant.key)
    _owner(tenant, "update sessions set expires_at = now() - interval '1 second' where company_id = %s", tenant.id)
    Browser(browser.url).sign_in(key=tenant.key)
    assert len(tenant.rows("select from sessions where company_id = %s", tenant.id)) == 1


class TestForgery:
    """Headers of a request that another site makes a browser send."""

    @pytest.fixture
    def signed_in(self, tenant: Tenant, browser: Browser) -> Browser:
        browser.sign_in(key=tenant.key)
        return browser

    @pytest.mark.parametrize("token", [None, "", "wrong"])
    def test_no_change_without_the_token(self, signed_in: Browser, token: str | None) -> None:
        headers = {} if token is None else {"X-CSRF-Token": token}
        answer = signed_in.ask("PUT", "/v1/customers/c-1", json={"name": "Forged"}, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "https://perdure.example/problems/csrf")

    def test_the_token_of_another_session_is_none(self, tenant: Tenant, signed_in: Browser) -> None:
        elsewhere = Browser(signed_in.url)
        elsewhere.sign_in(key=tenant.key)
        signed_in.token = elsewhere.token
        assert signed_in.change("PUT", "/v1/customers/c-1", json={"name": "Forged"}).status_code == 403

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "http://dev.example"}, 200),
            ({"Origin": "https://perdure.example"}, 200),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "none"}, 403),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "https://perdure.example"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "https://perdure.example.evil.example"}, 403),
            ({"Origin": "null"}, 403),
        ],
    )
    def test_whence_a_request_comes(
        self, tenant: Tenant, signed_in: Browser, headers: dict[str, str], status: int
    ) -> None:
        with_token = {"X-CSRF-Token": signed_in.token, **headers}
        answer = signed_in.ask("PUT", "/v1/customers/c-1", json={"name": "Ada"}, headers=with_token)
        assert answer.status_code == status
        assert Browser(signed_in.url).sign_in(headers=headers, key=tenant.key).status_code == status

    def test_the_gateways_own_address_is_no_other_site(self, signed_in: Browser) -> None:
        headers = {"X-CSRF-Token": signed_in.token, "Origin": signed_in.url}
        assert signed_in.ask("PUT", "/v1/customers/c-1", json={"name": "A"}, headers=headers).status_code == 200

    def test_a_form_cannot_sign_in(self, gateway: Served, tenant: Tenant) -> None:
        body = f'{{"key": "{tenant.key}"}}'
        answer = httpx2.post(gateway.url + "/v1/session", content=body, headers={"Content-Type": "text/plain"})
        assert answer.status_code in (415, 422)

    def test_a_key_needs_no_token(self, tenant: Tenant, signed_in: Browser) -> None:
        bearer = {"Authorization": f"Bearer {tenant.key}"}
        answer = signed_in.ask("PUT", "/v1/customers/c-1", json={"name": "By key"}, headers=bearer)
        assert answer.status_code == 200

    def test_secrets_are_no_keys_and_keys_no_secrets(self, tenant: Tenant, signed_in: Browser) -> None:
        assert signed_in.ask("GET", "/v1/stages").status_code == 200  # the credential is cached now
        with tenant.with_key(signed_in.secret) as client:
            assert client.get("/v1/stages").status_code == 401
        assert tenant.client.get("/v1/stages").status_code == 200
        signed_in.secret = tenant.key
        assert signed_in.ask("GET", "/v1/stages").status_code == 401


def test_a_link_works_once(tenant: Tenant, browser: Browser) -> None:
    key_id, _ = tenant.new_key(api_keys.JOURNEYS_READ)
    token = new_link(tenant, key_id)
    ((row,),) = tenant.rows("select to_jsonb(l)::text from sign_in_links l where company_id = %s", tenant.id)
    assert token not in row
    answer = browser.sign_in(token=token)
    assert (answer.status_code, answer.json()["scopes"]) == (200, ["journeys:read"])
    again = Browser(browser.url).sign_in(token=token)
    assert (again.status_code, again.json()["detail"]) == (401, "this link has already been used or has expired")
    assert browser.ask("GET", "/v1/stages").status_code == 200


def test_a_link_used_concurrently_works_once(tenant: Tenant, gateway: Served) -> None:
    key_id, _ = tenant.new_key()
    token = new_link(tenant, key_id)

    async def race() -> list[int]:
        async with httpx2.AsyncClient(base_url=gateway.url) as client:
            tries = [client.post("/v1/session", json={"token": token}) for _ in range(8)]
            return sorted(answer.status_code for answer in await asyncio.gather(*tries))

    assert asyncio.run(race()) == [200] + [401] * 7


@pytest.mark.parametrize("spoilt", ["too old", "revoked"])
def test_expired_and_revoked_links(tenant: Tenant, browser: Browser, spoilt: str) -> None:
    key_id, _ = tenant.new_key()
    token = new_link(tenant, key_id, minutes=-1 if spoilt == "too old" else 15)
    if spoilt == "revoked":
        _owner(tenant, "update api_keys set revoked_at = now() where id = %s", key_id)
        with pytest.raises(ValueError, match="does not exist or is revoked"):
            new_link(tenant, key_id)
    assert browser.sign_in(token=token).status_code == 401


def test_failed_sign_ins_are_rate_limited(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_rate_limit, "FAILED_SIGN_INS", "2/hour")
    with Served(create_app(gateway_settings(tenant.database_url))) as served:
        browser = Browser(served.url)
        assert [browser.sign_in(key=key).status_code for key in (tenant.key, "a", tenant.key, "b")] == [
            200,
            401,
            200,
            401,
        ]
        answer = browser.sign_in(key=tenant.key)
        assert (answer.status_code, answer.json()["type"]) == (429, "https://perdure.example/problems/rate-limited")
        assert 0 < int(answer.headers["retry-after"]) <= 3601
        assert browser.ask("GET", "/v1/stages").status_code == 200  # existing sessions are not limited


def test_the_companys_currency(tenant: Tenant, browser: Browser) -> None:
    _owner(tenant, """update companies set settings = '{"currency": "CHF"}' where id = %s""", tenant.id)
    assert browser.sign_in(key=tenant.key).json()["company"]["currency"] == "CHF"
