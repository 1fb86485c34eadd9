"""API keys, scopes and the rate limit on every authenticated route."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute

from api.app import create_app
from api.security import authentication, ip_rate_limit, rate_limit
from db.connections import owner_connection
from db.people import api_keys
from settings import Settings
from tests.api.conftest import Served, Tenant, gateway_settings

ROUTES = [route for route in create_app(Settings()).routes if isinstance(route, APIRoute)]
GUARDED = [route for route in ROUTES if hasattr(route, "needed_scope")]
OPEN = {"/livez", "/readyz", "/metrics", "/problems/{kind}", "/docs", "/f/{token}", "/u/{token}", "/v1/session"}
#: something for each parameter of a path
PARTS: dict[str, Any] = {
    "customer_id": "c-1",
    "action_id": 1,
    "task_id": 1,
    "staff_id": 1,
    "endpoint_id": 1,
    "name": "welcome",
    "locale": "de",
    "key": "AAAAAAAA",
    "contact_id": 1,
    "rollout_id": 1,
    "preview_id": 1,
    "version": 1,
}


def method(route: APIRoute) -> str:
    return min(route.methods or {"GET"})  # each route has one


def named(route: APIRoute) -> str:
    return f"{method(route)} {route.path}"


def ask(client: httpx2.Client, route: APIRoute, path: str | None = None, **more: Any) -> httpx2.Response:
    """Send a request; reads the whole response, or the beginning of a stream."""
    with client.stream(method(route), path or route.path.format_map(PARTS), **more) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            next(answer.iter_text())
            answer._content = b""
        else:
            answer.read()
    return answer


def test_only_operations_session_and_customer_pages_are_unauthenticated() -> None:
    assert {route.path for route in ROUTES if route not in GUARDED} == OPEN
    assert all(route.path.startswith("/v1/") for route in GUARDED)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Bearer nobodys", f"Bearer {'x' * 999}"])
@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_401_without_a_valid_key(gateway: Served, route: APIRoute, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    with httpx2.Client(base_url=gateway.url, headers=headers) as client:
        answer = ask(client, route)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="perdure"')
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "https://perdure.example/problems/unauthorised"


def test_a_key_that_is_not_text_is_rejected(gateway: Served) -> None:
    answer = httpx2.get(gateway.url + "/v1/stages", headers={b"Authorization": b"Bearer \xff\xfe\x80"})
    assert answer.status_code == 401


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_403_names_the_missing_scope(tenant: Tenant, route: APIRoute) -> None:
    needed = route.needed_scope  # type: ignore[attr-defined]  # the attribute that GUARDED selects by
    _, key = tenant.new_key(*(scope for scope in api_keys.SCOPES if scope != needed))
    with tenant.with_key(key) as client:
        answer = ask(client, route)
    assert (answer.status_code, answer.json()["scope"]) == (403, needed)
    assert needed in answer.json()["detail"]


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_one_scope_is_enough(tenant: Tenant, route: APIRoute) -> None:
    _, key = tenant.new_key(route.needed_scope)  # type: ignore[attr-defined]  # the attribute that GUARDED selects by
    with tenant.with_key(key) as client:
        assert ask(client, route, headers={"If-Match": '"1"'}).status_code in (200, 404, 422)


def test_a_revoked_key_stops_working(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)
    key_id, key = tenant.new_key(api_keys.JOURNEYS_READ)

    async def revoke() -> None:
        async with owner_connection(tenant.database_url) as connection:
            assert await api_keys.revoke(connection, key_id)

    with tenant.with_key(key) as client:
        assert client.get("/v1/stages").status_code == 200
        asyncio.run(revoke())
        answer = client.get("/v1/stages")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_last_used_at_is_updated(tenant: Tenant) -> None:
    assert tenant.client.get("/v1/stages").status_code == 200
    used = None
    for _ in range(50):
        ((used,),) = tenant.rows("select last_used_at from api_keys where company_id = %s", tenant.id)
        if used is not None:
            break
        asyncio.run(asyncio.sleep(0.05))
    assert used is not None


def test_429_after_too_many_requests(tenant: Tenant) -> None:
    settings = gateway_settings(tenant.database_url, rate_limit="3/day")
    _, other_key = tenant.new_key()
    with Served(create_app(settings)) as limited:
        ask_with = {key: {"Authorization": f"Bearer {key}"} for key in (tenant.key, other_key)}
        url = limited.url + "/v1/stages"
        statuses = [httpx2.get(url, headers=ask_with[tenant.key]).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        answer = httpx2.get(url, headers=ask_with[tenant.key])
        assert 0 < int(answer.headers["retry-after"]) <= 86_401
        assert answer.json()["detail"] == "this API key is limited to 3 per 1 day"
        assert httpx2.get(url, headers=ask_with[other_key]).status_code == 200


def test_wrong_keys_are_limited_per_address(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_rate_limit, "WRONG_KEYS", "3/day")
    looked_up: list[str] = []
    find = api_keys.find

    async def counting(pool: Any, plaintext: str) -> Any:
        looked_up.append(plaintext)
        return await find(pool, plaintext)

    monkeypatch.setattr(api_keys, "find", counting)
    _, never_sent_before = tenant.new_key()
    with Served(create_app(gateway_settings(tenant.database_url))) as limited:

        def answer(key: str, address: str = "/v1/stages") -> httpx2.Response:
            return httpx2.get(limited.url + address, headers={"Authorization": f"Bearer {key}"})

        assert answer(tenant.key).status_code == 200
        # one wrong key, again and again: looked up once, and limited by itself
        assert [answer("pk_old").status_code for _ in range(6)] == [401, 401, 401, 401, 429, 429]
        assert answer("pk_old", "/v1/customers/c-1/explain").status_code == 429
        # different wrong keys: no more queries after the third
        assert [answer(f"pk_{n}").status_code for n in range(4)] == [401, 401, 429, 429]
        refused = answer(never_sent_before)
        assert (refused.status_code, refused.json()["type"]) == (429, "https://perdure.example/problems/rate-limited")
        assert 0 < int(refused.headers["retry-after"]) <= 86_401
        assert answer(tenant.key).status_code == 200
        monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)
        assert [answer(tenant.key).status_code for _ in range(3)] == [200, 200, 200]
    assert [key for key in looked_up if key != tenant.key] == ["pk_old", "pk_0", "pk_1"]


def test_an_unknown_key_is_looked_up_again_after_a_while(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "UNKNOWN_SECONDS", 0.0)
    with tenant.with_key("pk_unknown") as client:
        assert [client.get("/v1/stages").status_code for _ in range(2)] == [401, 401]


def test_counts_are_reset_in_a_new_window(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000_000.0
    monkeypatch.setattr(rate_limit, "time", lambda: now)
    rate = rate_limit.RateLimiter("2/minute")
    assert [rate.hit(1) for _ in range(2)] == [0, 0]
    assert (rate.exhausted(1), rate.hit(1), rate.exhausted(2)) == (21, 21, 0)
    now += 20
    assert (rate.exhausted(1), rate.hit(1)) == (0, 0)
