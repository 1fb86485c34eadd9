"""Customer pages: feedback and unsubscribe by signed links.

Over 300 lines, because both pages are tested with the same links and helpers.
"""

from __future__ import annotations

import email
import email.policy
import re
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from api.security import ip_rate_limit
from api.security.rate_limit import RateLimiter
from journey.signed_tokens import feedback_token, unsubscribe_token
from journey.time import Micros
from tests.api.conftest import LINK_SECRET, Served, Tenant, gateway_settings
from tests.api.test_actions import ALWAYS, PROFILE
from tests.api.test_sessions import Browser

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VOID = {"meta", "input", "br"}
HOSTILE = "<script>alert('7')</script> & \"Söhne\" {{7*7}}"


class Shape(HTMLParser):
    """Collects open tags and all attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(autouse=True)
def no_rate_limit(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limit: these tests send more requests than any customer."""
    monkeypatch.setattr(gateway.app.state.gateway.ip_rate_limits, "pages", RateLimiter("100000/minute"))


@pytest.fixture
def visited(tenant: Tenant, working: None) -> Tenant:
    """A company with a hostile name and the customer c-1, who received a feedback request."""
    tenant.rows("update companies set name = %s where id = %s returning 1", HOSTILE, tenant.id)
    assert tenant.client.put("/v1/outreach", json=ALWAYS).status_code == 200
    assert tenant.client.put("/v1/customers/c-1", json=PROFILE).status_code == 200
    tenant.live("c-1", {"type": "appointment.completed", "amount": "50.00"})
    statuses = {action["action"]: action["status"] for action in tenant.settled("c-1")}
    assert statuses["create_feedback_request"] == "succeeded"
    return tenant


def asked_by(tenant: Tenant) -> str:
    ((key,),) = tenant.rows(
        "select action_key from journey_actions where company_id = %s and action = 'create_feedback_request'", tenant.id
    )
    return str(key).removeprefix(f"{tenant.id}:c-1:")


def feedback_url(tenant: Tenant, tail: str | None = None, seconds: float = 3600, secret: str = LINK_SECRET) -> str:
    expires = int((time.time() + seconds) * 1_000_000)
    token = feedback_token(secret, tenant.id, "c-1", tail or asked_by(tenant), Micros(expires))
    return f"{tenant.url}/f/{token}"


def way_out(tenant: Tenant, customer: str = "c-1", channel: str = "email", secret: str = LINK_SECRET) -> str:
    return f"{tenant.url}/u/{unsubscribe_token(secret, tenant.id, customer, channel)}"


def feedback(tenant: Tenant) -> list[tuple[str, str | None]]:
    return tenant.rows(
        "select outcome, payload ->> 'comment' from journey_events"
        " where company_id = %s and type = 'feedback.received' order by id",
        tenant.id,
    )


def consent(tenant: Tenant) -> dict[str, bool]:
    ((found,),) = tenant.rows("select consent from customers where company_id = %s and external_id = 'c-1'", tenant.id)
    assert isinstance(found, dict)
    return found


def checked(answer: httpx2.Response, status: int = 200) -> Shape:
    """Check what all pages have in common: valid HTML, security headers, accessibility and a viewport."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "set-cookie" not in answer.headers
    shape = Shape(answer.text)
    assert shape.open == []
    assert shape.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in shape.all("meta")
    assert (len(shape.all("h1")), len(shape.all("main")), shape.all("script")) == (1, 1, [])
    assert not any(name in attributes for _, attributes in shape.tags for name in ("src", "href", "style", "onclick"))
    assert "prefers-color-scheme:dark" in answer.text
    return shape


def test_the_style_is_the_one_that_the_policy_allows(visited: Tenant) -> None:
    answer = httpx2.get(feedback_url(visited))
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_links_in_messages_work(visited: Tenant, outbox: Path) -> None:
    public = "https://perdure.example"
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in outbox.glob("*.eml")]
    (mail,) = [
        mail
        for mail in mails
        if str(mail["List-Unsubscribe"]).strip("<>") == way_out(visited).replace(visited.url, public)
        and f"{public}/f/" in plain(mail)
    ]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (link,) = re.findall(rf"{public}(/f/\S+)", plain(mail))
    checked(httpx2.post(visited.url + link, data={"rating": "4"}))
    assert feedback(visited) == [("applied", None)]
    checked(httpx2.post(way_out(visited), data={"List-Unsubscribe": "One-Click"}))
    assert consent(visited) == {"email": False, "sms": True}


def test_feedback_becomes_an_event_once(visited: Tenant) -> None:
    url = feedback_url(visited)
    shape = checked(httpx2.get(url))
    values = [field["value"] for field in shape.all("input") if field["type"] == "radio"]
    assert values == ["1", "2", "3", "4", "5"]
    assert shape.all("form") == [{"method": "post"}]
    assert shape.all("label")[-1]["for"] == shape.all("textarea")[0]["id"]
    assert feedback(visited) == []
    answer = httpx2.post(url, data={"rating": "5", "comment": "Sehr nett ✓\r\n<b>danke</b>"})
    checked(answer)
    assert "Your feedback helps us" in answer.text
    assert feedback(visited) == [("applied", "Sehr nett ✓\n<b>danke</b>")]
    for second in (httpx2.post(url, data={"rating": "1"}), httpx2.get(url)):
        checked(second)
        assert "Your first answer counts" in second.text
    assert feedback(visited) == [("applied", "Sehr nett ✓\n<b>danke</b>")]
    newer = feedback_url(visited, seconds=7200)  # another token of the same feedback request counts as the same link
    assert "Your first answer counts" in httpx2.post(newer, data={"rating": "1"}).text
    ((rated,),) = visited.rows(
        "select payload ->> 'rating' from journey_events where company_id = %s and type = 'feedback.received'",
        visited.id,
    )
    assert rated == "5"


def test_concurrent_feedback_counts_once(visited: Tenant) -> None:
    url = feedback_url(visited)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda rating: httpx2.post(url, data={"rating": str(rating)}).text, (1, 2, 3, 4)))
    assert sum("Your feedback helps us" in answer for answer in answers) == 1
    assert sum("Your first answer counts" in answer for answer in answers) == 3
    assert [outcome for outcome, _ in feedback(visited)].count("applied") == 1


def test_every_text_is_escaped(visited: Tenant) -> None:
    for url in (feedback_url(visited), way_out(visited)):
        answer = httpx2.get(url)
        checked(answer)
        assert "&lt;script&gt;alert(&#x27;7&#x27;)&lt;/script&gt; &amp; &quot;Söhne&quot; {{7*7}}" in answer.text
    comment = "</textarea><script>alert(1)</script>"
    again = httpx2.post(feedback_url(visited), data={"comment": comment})
    checked(again, 422)
    assert "&lt;/textarea&gt;&lt;script&gt;" in again.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "choose a rating"),
        ({"rating": "6"}, "choose a rating"),
        ({"rating": "0"}, "choose a rating"),
        ({"rating": "five", "comment": "kept"}, "choose a rating"),
        ({"rating": "³"}, "choose a rating"),
        ({"rating": "4", "comment": "é" * 2001}, "at most 2000 characters; your comment has 2001"),
    ],
)
def test_mistakes_are_explained_and_input_is_kept(visited: Tenant, fields: dict[str, str], said: str) -> None:
    answer = httpx2.post(feedback_url(visited), data=fields)
    shape = checked(answer, 422)
    assert said in answer.text
    assert fields.get("comment", "") in answer.text
    ticked = [field["value"] for field in shape.all("input") if "checked" in field]
    assert ticked == ([fields["rating"]] if fields.get("rating") == "4" else [])
    assert feedback(visited) == []


def test_the_longest_comment_is_accepted(visited: Tenant) -> None:
    comment = "😀" * 1999 + "\x00\r\n."  # browsers send line breaks as two characters
    checked(httpx2.post(feedback_url(visited), data={"rating": "3", "comment": comment[:1998] + comment[-2:]}))
    assert len(feedback(visited)[0][1] or "") == 2000


@pytest.mark.parametrize("content", [b"\xff\xfe=%ff%00&rating=%", b"&" * 10_000, b"rating=1;rating=2", b"{}"])
def test_malformed_forms(visited: Tenant, content: bytes) -> None:
    checked(httpx2.post(feedback_url(visited), content=content, headers=FORM), 422)
    assert feedback(visited) == []


def test_large_bodies_are_413(visited: Tenant) -> None:
    for size in (70_000, 3_000_000):
        for url in (feedback_url(visited), way_out(visited)):
            checked(httpx2.post(url, content=b"x" * size, headers=FORM), 413)
    assert (feedback(visited), consent(visited)["email"]) == ([], True)


def test_invalid_links(visited: Tenant) -> None:
    good_feedback, good_way_out = feedback_url(visited), way_out(visited)
    token = good_feedback.rpartition("/")[2]
    wrong = [
        feedback_url(visited, secret="another secret of somebody"),
        feedback_url(visited, tail="99:create_feedback_request"),
        good_feedback[:-2],
        good_way_out.replace("/u/", "/f/"),
        good_feedback.replace("/f/", "/u/"),
        way_out(visited, secret="another secret of somebody"),
        way_out(visited, channel="pigeon"),
        f"{visited.url}/f/x",
        f"{visited.url}/f/%00%FF",
        f"{visited.url}/u/{'x' * 3000}",
        f"{visited.url}/u/{token.split('.')[0]}.{token.split('.')[1]}.",
    ]
    for url in wrong:
        for answer in (httpx2.get(url), httpx2.post(url, data={"rating": "5"})):
            checked(answer, 404)
            assert "Söhne" not in answer.text
    checked(httpx2.get(feedback_url(visited, seconds=-5)), 410)
    checked(httpx2.post(feedback_url(visited, seconds=-5), data={"rating": "5"}), 410)
    assert (feedback(visited), consent(visited)) == ([], PROFILE["consent"])


def test_a_link_is_valid_for_one_company(visited: Tenant, other: Tenant) -> None:
    """A link signed for another company is invalid: that company has sent no feedback request."""
    expires = int((time.time() + 60) * 1_000_000)
    token = feedback_token(LINK_SECRET, other.id, "c-1", asked_by(visited), Micros(expires))
    checked(httpx2.post(f"{visited.url}/f/{token}", data={"rating": "5"}), 404)
    checked(httpx2.post(way_out(other)))
    assert (feedback(visited), consent(visited)) == ([], PROFILE["consent"])
    assert other.rows("select 1 from customers where company_id = %s", other.id) == []


def test_get_changes_nothing(visited: Tenant) -> None:
    for _ in range(3):
        shape = checked(httpx2.get(way_out(visited)))
        assert shape.all("form") == [{"method": "post"}]
        httpx2.head(way_out(visited))
        httpx2.options(way_out(visited))
    assert consent(visited) == PROFILE["consent"]
    assert visited.rows("select 1 from audit_log where company_id = %s and action = 'consent.end'", visited.id) == []


@pytest.mark.parametrize("how", ["button", "one-click", "multipart", "nothing"])
def test_unsubscribing(visited: Tenant, how: str) -> None:
    url = way_out(visited)
    for _ in range(2):  # mail services retry requests
        if how == "button":
            answer = httpx2.post(url, data={"unsubscribe": "yes"})
        elif how == "one-click":
            answer = httpx2.post(url, data={"List-Unsubscribe": "One-Click"})
        elif how == "multipart":
            answer = httpx2.post(url, files={"List-Unsubscribe": (None, "One-Click")})
        else:
            answer = httpx2.post(url)
        checked(answer)
        assert "You will no longer receive e-mails from us." in answer.text
    assert consent(visited) == {"email": False, "sms": True}
    found = visited.rows(
        "select actor, subject, details from audit_log where company_id = %s and action = 'consent.end'", visited.id
    )
    assert found == [("customer", "customer/c-1", {"channel": "email"})]
    checked(httpx2.post(way_out(visited, channel="sms")))
    assert consent(visited) == {"email": False, "sms": False}


def test_a_sync_does_not_undo_unsubscribing(visited: Tenant) -> None:
    checked(httpx2.post(way_out(visited)))
    answer = visited.client.put("/v1/customers/c-1", json=PROFILE | {"name": "Renamed"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Renamed")
    assert (answer.json()["consent"], answer.json()["consent_withdrawn"]) == ({"email": False, "sms": True}, ["email"])
    assert consent(visited) == {"email": False, "sms": True}


def test_staff_who_are_signed_in_restore_consent(visited: Tenant) -> None:
    checked(httpx2.post(way_out(visited)))
    browser = Browser(visited.url)
    assert browser.sign_in(key=visited.key).status_code == 200
    answer = browser.change("PUT", "/v1/customers/c-1", json=PROFILE)
    assert (answer.status_code, answer.json()["consent"]) == (200, PROFILE["consent"])
    assert answer.json()["consent_withdrawn"] == []
    ((key_id,),) = visited.rows("select id from api_keys where company_id = %s", visited.id)
    logged = visited.rows(
        "select actor, subject, details from audit_log where company_id = %s and action = 'consent.restore'", visited.id
    )
    assert logged == [(f"key/{key_id}", "customer/c-1", {"channel": "email", "by": "staff"})]
    assert visited.client.put("/v1/customers/c-1", json=PROFILE).json()["consent"] == PROFILE["consent"]


def test_unsubscribing_holds_for_the_mailbox(visited: Tenant, outbox: Path) -> None:
    shared = {"name": "Bo", "email": "ADA@Example.com", "consent": {"email": True}}
    assert visited.client.put("/v1/customers/c-2", json=shared).status_code == 200
    checked(httpx2.post(way_out(visited)))
    before = set(outbox.glob("*.eml"))
    visited.live("c-2", {"type": "appointment.completed", "amount": "50.00"})
    actions = {action["action"]: action for action in visited.settled("c-2")}
    request = actions["create_feedback_request"]
    assert (request["status"], request["reason"]) == ("suppressed", "unsubscribed for this mailbox")
    sent = [email.message_from_bytes(file.read_bytes()) for file in set(outbox.glob("*.eml")) - before]
    assert [mail["To"] for mail in sent if mail["To"].lower() == "ada@example.com"] == []


def test_pages_are_rate_limited(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_rate_limit, "PAGES", "3/hour")
    with Served(create_app(gateway_settings(tenant.database_url))) as served:
        statuses = [httpx2.get(f"{served.url}/f/{n}").status_code for n in range(4)]
        assert statuses == [404, 404, 404, 429]
        answer = httpx2.post(f"{served.url}/f/x")
        checked(answer, 429)
        assert 0 < int(answer.headers["retry-after"]) <= 3601
        assert httpx2.post(f"{served.url}/u/x").status_code == 404  # has its own limit
        assert httpx2.get(f"{served.url}/livez").status_code == 200


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "::ffff:c000:207"),
        ("fe80::1%eth0", "fe80::"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_addresses_are_counted_by_network(address: str, counted: str) -> None:
    assert ip_rate_limit.client_network(address) == counted


def test_without_a_secret_there_are_no_pages(visited: Tenant) -> None:
    with Served(create_app(gateway_settings(visited.database_url, link_secret=None))) as served:
        for url in (feedback_url(visited), way_out(visited)):
            checked(httpx2.get(url.replace(visited.url, served.url)), 404)


def test_pages_say_so_while_temporal_is_down(visited: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    url = feedback_url(visited)
    with Served(create_app(gateway_settings(visited.database_url))) as served:
        answer = httpx2.post(url.replace(visited.url, served.url), data={"rating": "5"})
        checked(answer, 503)
        assert int(answer.headers["retry-after"]) > 0


def test_feedback_is_accepted_while_postgres_is_down(
    visited: Tenant, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    url, out = feedback_url(visited), way_out(visited)
    with Served(create_app(gateway_settings("postgresql://nobody@127.0.0.1:1/none"))) as served:
        until = time.monotonic() + 15
        while httpx2.get(served.url + "/readyz").json()["temporal"]["status"] != "up":
            assert time.monotonic() < until
            time.sleep(0.05)
        answer = httpx2.post(url.replace(visited.url, served.url), data={"rating": "4"}, timeout=20)
        checked(answer)
        checked(httpx2.post(out.replace(visited.url, served.url), timeout=20), 503)
    while not feedback(visited):
        assert time.monotonic() < until + 15
        time.sleep(0.05)
    assert feedback(visited) == [("applied", None)]
