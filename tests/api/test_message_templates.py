"""Administration of message templates: own texts, previews and validation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from activities.message_catalogue import TEMPLATES
from tests.api.conftest import Tenant
from tests.api.test_actions import ALWAYS, PROFILE
from tests.api.test_outreach_routes import audited

OWN = {
    "subject": "Willkommen bei {{ company_name }}",
    "html": "<p>Hallo {{ name|default('Sie') }}</p>",
    "text": "Hallo {{ name }}!",
}


def test_templates_of_the_company(tenant: Tenant) -> None:
    path = "/v1/templates/welcome/de-AT"
    assert tenant.client.get(path).status_code == 404
    put = tenant.client.put(path, json=OWN)
    assert (put.status_code, put.json()) == (200, {"name": "welcome", "locale": "de-AT", **OWN})
    assert tenant.client.get(path).json() == put.json()
    listed = {message["name"]: message for message in tenant.client.get("/v1/templates").json()["templates"]}
    assert listed.keys() == TEMPLATES.keys()
    assert [own["locale"] for own in listed["welcome"]["own"]] == ["de-AT"]
    assert listed["campaign_sms"]["own"] == []
    assert (listed["campaign_sms"]["channel"], listed["campaign_sms"]["marketing"]) == ("sms", True)
    shorter = {"subject": "Hi", "text": "Hi"}
    assert tenant.client.put(path, json=shorter).json()["html"] is None
    assert tenant.client.delete(path).status_code == 204
    assert tenant.client.delete(path).status_code == 404
    assert [action for action, _ in audited(tenant)] == ["template.put", "template.put", "template.remove"]


def test_previews(tenant: Tenant) -> None:
    tenant.rows("update companies set name = 'Söhne & Co' where id = %s returning 1", tenant.id)
    path = "/v1/templates/welcome/preview"
    ours = tenant.client.post(path, json={"locale": "de-AT"}).json()
    assert (ours["source"], "Söhne & Co" in ours["text"], "Söhne &amp; Co" in ours["html"]) == ("built-in", True, True)
    draft = tenant.client.post(path, json=OWN).json()
    assert draft == {
        "source": "draft",
        "subject": "Willkommen bei Söhne & Co",
        "html": "<p>Hallo Ada Example</p>",
        "text": "Hallo Ada Example!\n",
    }
    assert tenant.client.get("/v1/templates").json()["templates"][0]["own"] == []
    tenant.client.put("/v1/templates/welcome/de", json=OWN)
    assert tenant.client.post(path, json={"locale": "de-AT"}).json() == {**draft, "source": "own"}
    assert tenant.client.post(path, json={"locale": "fr"}).json() == ours
    for name in TEMPLATES:
        assert tenant.client.post(f"/v1/templates/{name}/preview", json={}).json()["text"].strip()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text", "{{ nmae }}", "unknown variable 'nmae'"),
        ("text", "{% for x in name %}{% endfor %}", "for"),
        ("text", "Hi {{", "line 1"),
        ("text", "", "empty"),
        ("text", None, "string"),
        ("text", "a\x00", "NUL"),
        ("html", "<p>{{ name|safe }}</p>", "unknown filter"),
        ("html", "{{ ''.__class__ }}", "getattr"),
        ("subject", "", "empty"),
        ("subject", "{{ 1e999 ~ company_name }}", "number that is too large"),
        ("text", "{{ company_name|default(" + "9" * 5000 + ") }}", "number that is too large"),
        ("html", "{{ company_name|trim(5) }}", "the filter 'trim'"),
        ("subject", "x" * 1001, "longer"),
        ("colour", "red", "Extra"),
    ],
)
def test_invalid_templates_are_not_saved(tenant: Tenant, field: str, value: object, said: str) -> None:
    answer = tenant.client.put("/v1/templates/welcome/de", json={**OWN, field: value})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert said.lower() in error["problem"].lower()
    assert tenant.client.get("/v1/templates/welcome/de").status_code == 404
    if field != "colour" and value is not None:
        preview = tenant.client.post("/v1/templates/welcome/preview", json={**OWN, field: value})
        assert (preview.status_code, preview.json()["errors"][0]["field"]) == (422, field)


def test_marketing_messages_need_an_unsubscribe_link(tenant: Tenant) -> None:
    answer = tenant.client.put("/v1/templates/campaign_sms/en", json={"text": "Come back!"})
    assert (answer.status_code, "unsubscribe_url" in answer.json()["detail"]) == (422, True)
    good = {"text": "Come back! {{ unsubscribe_url }}"}
    assert tenant.client.put("/v1/templates/campaign_sms/en", json=good).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/templates/farewell/de", 404),
        ("/v1/templates/welcome/DE", 422),
        ("/v1/templates/welcome/de_AT", 422),
        ("/v1/templates/welcome/german", 422),
        ("/v1/templates/welcome/%00", 422),
    ],
)
def test_unknown_messages_and_locales(tenant: Tenant, path: str, status: int) -> None:
    assert tenant.client.put(path, json=OWN).status_code == status
    assert tenant.client.get(path).status_code == status
    assert tenant.client.delete(path).status_code == status


def test_templates_are_used(tenant: Tenant, working: None, outbox: Path) -> None:
    """The worker uses the template in the customer's language and escapes their name."""
    tenant.client.put("/v1/outreach", json=ALWAYS)
    tenant.client.put("/v1/templates/welcome/de", json={**OWN, "subject": f"Nummer {tenant.id}"})
    tenant.client.put("/v1/customers/c-1", json={**PROFILE, "name": "<b>Ada</b>", "locale": "de-DE"})
    tenant.live("c-1", {})
    (sent,) = [action for action in tenant.settled("c-1") if action["action"] == "send_welcome_email"]
    assert sent["status"] == "succeeded", sent
    texts = [file.read_text() for file in outbox.glob("*.eml")]
    (mail,) = [text for text in texts if f"Subject: Nummer {tenant.id}\n" in text]
    assert "Hallo <b>Ada</b>!" in mail
    assert "&lt;b&gt;Ada&lt;/b&gt;" in mail


def test_a_slow_template_does_not_hold_up_other_requests(tenant: Tenant, other: Tenant) -> None:
    """Each preview takes about as long as allowed; those in excess of the limit are refused."""
    slow = {**OWN, "html": "{{ '" + "a b " * 23_000 + "'" + "|title" * 90 + " }}"}
    path = "/v1/templates/welcome/preview"
    assert tenant.client.post(path, json=OWN).status_code == 200  # starts the process
    with ThreadPoolExecutor(10) as threads:
        previews = [threads.submit(tenant.with_key(tenant.key).post, path, json=slow, timeout=60) for _ in range(10)]
        meanwhile = 0
        while not all(preview.done() for preview in previews):
            assert other.client.post("/v1/events", json=other.event()).status_code == 202
            meanwhile += 1
        answers = [preview.result().status_code for preview in previews]
    assert (429 in answers, set(answers) <= {200, 422, 429}) == (True, True), answers  # 200: a fast machine
    assert meanwhile > len(previews)
    assert tenant.client.post(path, json=OWN).status_code == 200


def test_a_saved_template_that_takes_too_long_fails_its_message(tenant: Tenant, working: None) -> None:
    """It was saved before templates were limited."""
    tenant.client.put("/v1/outreach", json=ALWAYS)
    tenant.client.put("/v1/templates/welcome/en", json=OWN)
    html = ("{{name" + "|e" * 80 + "}}") * 590
    tenant.rows("update message_templates set html = %s where company_id = %s returning 1", html, tenant.id)
    tenant.client.put("/v1/customers/c-1", json=PROFILE)
    tenant.live("c-1", {})
    (action,) = [action for action in tenant.settled("c-1", 60) if action["action"] == "send_welcome_email"]
    expected = ("failed", "template: html: takes too much time or memory to render; shorten it")
    assert (action["status"], action["last_error"]) == expected
