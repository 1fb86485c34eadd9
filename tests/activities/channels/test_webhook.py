"""Webhooks: signed as the official library verifies them, and sent to public addresses only.

Over 300 lines, because all tests share the receivers and certificates of this file.
"""

import ipaddress
import json
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from activities.channels import NotDelivered
from activities.channels.public import is_public, resolve
from activities.channels.webhook import Endpoint, EndpointGone, WebhookChannel, new_secret, signed
from tests.support.logs import configured
from tests.support.outside import Answer, HttpServer

SECRET, PREVIOUS = new_secret(), new_secret()
EVENT = {"type": "journey.stage_changed", "timestamp": "2026-06-01T12:00:00Z", "data": {"customer_id": "c-ü"}}
PATH = "/hooks"


def channel(server: HttpServer, **given: Any) -> WebhookChannel:
    return WebhookChannel([f"127.0.0.1:{server.port}"], **given)


def endpoint(server: HttpServer, path: str = PATH) -> Endpoint:
    return Endpoint(server.url + path, SECRET)


async def refused(channel: WebhookChannel, endpoint: Endpoint) -> NotDelivered:
    with pytest.raises(NotDelivered) as found:
        await channel.deliver(endpoint, "msg_1", EVENT)
    assert found.value.__cause__ is None  # it would be stored in histories
    return found.value


async def test_the_official_library_verifies_the_signature(web_server: HttpServer) -> None:
    web_server.behaviours[PATH] = Answer(204, body=b"")
    assert await channel(web_server).deliver(endpoint(web_server), "msg_1", EVENT) == "204 accepted"
    [request] = web_server.received
    assert request.verified(SECRET) == EVENT
    assert request.headers["webhook-id"] == "msg_1"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert request.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        request.verified(PREVIOUS)


async def test_logs_contain_the_host_of_the_url_only(web_server: HttpServer, capfd: pytest.CaptureFixture[str]) -> None:
    with configured("INFO", "json"):
        await channel(web_server).deliver(endpoint(web_server, "/hooks/token-in-path?key=token-in-query"), "m", EVENT)
    logged = capfd.readouterr().err
    assert "HTTP Request: POST 127.0.0.1 " in logged
    assert "token" not in logged


async def test_both_secrets_are_valid_during_rotation(web_server: HttpServer) -> None:
    both = Endpoint(web_server.url + PATH, SECRET, PREVIOUS)
    await channel(web_server).deliver(both, "msg_1", EVENT)
    [request] = web_server.received
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert request.verified(SECRET) == request.verified(PREVIOUS) == EVENT
    with pytest.raises(WebhookVerificationError):
        request.verified(new_secret())


def test_body_id_and_time_are_all_signed() -> None:
    body, now = json.dumps(EVENT).encode(), datetime.now(UTC)
    headers = signed(Endpoint("https://x.example.com", SECRET), "msg_1", body, now)
    Webhook(SECRET).verify(body, headers)
    later = str(int((now + timedelta(seconds=1)).timestamp()))
    changed = [(body + b" ", {}), (body, {"webhook-id": "msg_2"}), (body, {"webhook-timestamp": later})]
    for content, others in changed:
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(content, {**headers, **others})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é", "whsec_x"])
async def test_an_invalid_secret_is_final(web_server: HttpServer, secret: str) -> None:
    found = await refused(channel(web_server), Endpoint(web_server.url, secret))
    assert found.final
    assert web_server.received == []


def test_secrets_are_random_and_not_in_the_repr() -> None:
    assert SECRET.startswith("whsec_")
    assert SECRET != PREVIOUS
    assert SECRET not in repr(Endpoint("https://x.example.com", SECRET, PREVIOUS))
    assert PREVIOUS not in repr(Endpoint("https://x.example.com", SECRET, PREVIOUS))


@pytest.mark.parametrize(
    ("answer", "reason", "wait"),
    [
        (Answer(500), "webhook: HTTP 500", None),
        (Answer(400), "webhook: HTTP 400", None),
        (Answer(404), "webhook: HTTP 404", None),
        (Answer(429, {"Retry-After": "30"}), "webhook: HTTP 429", 30.0),
        (Answer(503, {"Retry-After": "60"}), "webhook: HTTP 503", 60.0),
        (Answer(302, {"Location": "http://169.254.169.254/"}), "webhook: HTTP 302", None),
    ],
)
async def test_other_responses_are_retryable(
    web_server: HttpServer, answer: Answer, reason: str, wait: float | None
) -> None:
    web_server.behaviours[PATH] = answer
    found = await refused(channel(web_server), endpoint(web_server))
    assert (found.reason, found.final, found.retry_after) == (reason, False, wait)
    assert len(web_server.received) == 1


async def test_an_endpoint_that_is_gone(web_server: HttpServer) -> None:
    web_server.behaviours[PATH] = Answer(410)
    found = await refused(channel(web_server), endpoint(web_server))
    assert isinstance(found, EndpointGone)
    assert found.final


async def test_a_redirect_to_a_private_address_is_not_followed(web_server: HttpServer) -> None:
    with HttpServer() as inside:
        for status in (301, 302, 303, 307, 308):
            web_server.behaviours[PATH] = Answer(status, {"Location": inside.url})
            assert not (await refused(channel(web_server), endpoint(web_server))).final
        assert inside.received == []
    assert len(web_server.received) == 5


async def test_a_slow_endpoint_times_out(web_server: HttpServer) -> None:
    web_server.behaviours[PATH] = Answer(delay=3)
    begun = time.monotonic()
    found = await refused(channel(web_server, timeout=0.3), endpoint(web_server))
    assert (found.reason, found.final) == ("webhook: timed out", False)
    assert time.monotonic() - begun < 2


async def test_an_endless_response_is_ignored(web_server: HttpServer) -> None:
    web_server.behaviours[PATH] = Answer(endless=True)
    assert await channel(web_server).deliver(endpoint(web_server), "msg_1", EVENT) == "200 accepted"


async def test_no_endpoint_listens(web_server: HttpServer) -> None:
    web_server.refuse()
    found = await refused(channel(web_server), endpoint(web_server))
    assert (found.reason, found.final) == ("webhook: no connection (ConnectError)", False)
    web_server.listen()
    assert await channel(web_server).deliver(endpoint(web_server), "msg_1", EVENT) == "200 accepted"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
        "",
        "https://",
        "https://user:word@hooks.example.com/",
        "https://127.0.0.1/",
        "https://8.8.8.8/",
        "https://[::1]/",
        "https://[2606:4700::1111]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://１２７.0.0.1/",
        "https://localhost/",
        "https://intranet/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks_.-example.com:99999/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:-1/",
        "https://hooks.example.com:99999999999999999999/",
        "https://hooks.example.com:80 80/",
        "javascript:alert(1)",
        "https://" + "a" * 300 + ".example.com/",
    ],
)
async def test_endpoints_that_are_not_allowed(url: str) -> None:
    async def never(host: str, port: int) -> list[str]:
        raise AssertionError("it was looked up")

    outside = WebhookChannel(resolve=never)
    with pytest.raises(ValueError, match=r"URL|https|public|user or password"):
        outside.check(url)
    found = await refused(outside, Endpoint(url, SECRET))
    assert found.final
    assert found.reason.startswith("the endpoint's URL is not allowed: ")


@pytest.mark.parametrize("error", [OverflowError("port"), ExceptionGroup("several", [OSError()]), KeyError("x")])
async def test_an_unexpected_error_is_a_retryable_failure(error: Exception) -> None:
    async def broken(host: str, port: int) -> list[str]:
        raise error

    found = await refused(WebhookChannel(resolve=broken), Endpoint("https://hooks.example.com/secret", SECRET))
    assert (found.reason, found.final) == (f"webhook: unexpected error ({type(error).__name__})", False)


@pytest.mark.parametrize("url", ["https://hooks.example.com:1/", "https://hooks.example.com:65535/"])
def test_every_tcp_port_is_allowed(url: str) -> None:
    WebhookChannel().check(url)


def test_ports_of_hosts_for_development_are_checked_too() -> None:
    with pytest.raises(ValueError, match="port must be from 1 to 65535"):
        WebhookChannel(["127.0.0.1"]).check("http://127.0.0.1:65536/")


@pytest.mark.parametrize("url", ["https://hooks.example.com/x?y=1", "https://bücher.example/", "https://a.b-c.io:8443"])
def test_endpoints_that_are_allowed(url: str) -> None:
    WebhookChannel().check(url)


def test_the_list_for_development_is_exact() -> None:
    development = WebhookChannel(["localhost:9000", " 127.0.0.1 ", "[::1]:9000", ""])
    for url in ("http://localhost:9000/x", "https://localhost:9000", "http://127.0.0.1:1", "http://[::1]:9000/"):
        development.check(url)
    for url in ("http://localhost:9001/", "http://localhost/", "http://[::1]/", "http://127.0.0.1.example.com/"):
        with pytest.raises(ValueError, match="must use https"):
            development.check(url)


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:8.8.8.8", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:db8::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "64:ff9b:1::7f00:1", "fec0::1", "::7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_host_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))

    async def half_inside(host: str, port: int) -> list[str]:
        return ["8.8.8.8", address]

    found = await refused(WebhookChannel(resolve=half_inside), Endpoint("https://hooks.example.com/", SECRET))
    assert (found.reason, found.final) == ("the endpoint's host resolves to a private address", True)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


class Names:
    """A resolver with a different answer each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0)


@pytest.fixture
def secure_channel(trusting: ssl.SSLContext) -> Callable[..., WebhookChannel]:
    """Treat this machine as public, with all other checks in place."""

    def made(names: Names, tls: ssl.SSLContext | None = None) -> WebhookChannel:
        return WebhookChannel(tls=tls or trusting, resolve=names, is_public=lambda address: address.is_loopback)

    return made


async def test_the_checked_address_is_connected_to(
    certificate: tuple[str, str], secure_channel: Callable[..., WebhookChannel]
) -> None:
    with HttpServer(tls=certificate) as server:
        # DNS rebinding: a second lookup would return another address
        names = Names(["127.0.0.1"], ["10.0.0.1"])
        where = Endpoint(f"https://hooks.example.com:{server.port}/hooks", SECRET)
        assert await secure_channel(names).deliver(where, "msg_1", EVENT) == "200 accepted"
        assert names.asked == 1
        [request] = server.received
        assert request.headers["host"] == f"hooks.example.com:{server.port}"
        assert request.verified(SECRET) == EVENT

        second = await refused(secure_channel(names), where)
        assert second.final
        assert len(server.received) == 1


async def test_the_certificate_must_match_the_host_name(
    certificate: tuple[str, str], secure_channel: Callable[..., WebhookChannel]
) -> None:
    with HttpServer(tls=certificate) as server:
        other = Endpoint(f"https://other.example.com:{server.port}/", SECRET)
        assert not (await refused(secure_channel(Names(["127.0.0.1"])), other)).final
        right = Endpoint(f"https://hooks.example.com:{server.port}/", SECRET)
        strangers = ssl.create_default_context()
        assert not (await refused(secure_channel(Names(["127.0.0.1"]), strangers), right)).final
        assert server.received == []


async def test_the_next_address_is_tried(
    certificate: tuple[str, str], secure_channel: Callable[..., WebhookChannel]
) -> None:
    with HttpServer(tls=certificate) as server:
        where = Endpoint(f"https://hooks.example.com:{server.port}/", SECRET)
        names = Names(["::1", "127.0.0.2", "127.0.0.1"])  # nobody listens on the first two
        assert await secure_channel(names).deliver(where, "msg_1", EVENT) == "200 accepted"


async def test_an_unknown_host_name_is_retryable() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    for names in (unknown, Names([])):
        found = await refused(WebhookChannel(resolve=names), Endpoint("https://hooks.example.com/", SECRET))
        assert not found.final
        assert found.reason.startswith("webhook: no connection")


async def test_host_names_are_resolved_by_the_system() -> None:
    found = await resolve("localhost", 80)
    assert found
    assert len(found) == len(set(found))
    assert all(ipaddress.ip_address(address).is_loopback for address in found)
