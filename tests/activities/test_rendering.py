"""Templates: every message with and without its optional variables, hostile names, and companies' own templates."""

import time
import xml.etree.ElementTree as ET
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.message_catalogue import TEMPLATES, Template
from activities.rendering import FOLDER, CompanyTemplate, InvalidTemplate, check_template, fallbacks, render
from activities.template_variables import date_text

FULL: dict[str, Any] = {
    "company_name": "Salon Ada & Söhne",
    "name": "Grace Hopper",
    "staff_name": "Mary",
    "customer_name": "Grace Hopper",
    "manager_name": "Mary Keller",
    "customer_id": "c-1001",
    "days_inactive": 91,
    "risk": "0.80",
    "reason": "days_since_last_appointment",
    "offer_code": "BACK-7K2F9Q",
    "offer_percent": 15,
    "offer_until": "14 March 2027",
    "unsubscribe_url": "https://example.com/u/abc.def?a=1&b=2",
    "feedback_url": "https://example.com/f/abc.def",
    "dashboard_url": "https://example.com/c/c-1001",
}
EVIL = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}{{ company_name }}",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "Ada\r\nBcc: everybody@example.com",
    "Ada\n\nYou owe us 500 EUR",
    "Ada\u2028\u2029\x85\x0b\x0cX",
    "Ada\u202eecnaf\x00",
    "&lt;b&gt;",
    "%s %(name)s ${name} #{name}",
]
MAILS = [name for name, template in TEMPLATES.items() if template.channel == "email"]


class Tags(HTMLParser):
    """The elements, attributes and text that a mail program sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def only(
    template: Template, context: dict[str, Any], which: tuple[str, ...] = ("required", "optional")
) -> dict[str, Any]:
    return {name: context[name] for part in which for name in getattr(template, part)}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("which", [("required",), ("required", "optional")])
def test_every_message(name: str, which: tuple[str, ...]) -> None:
    template = TEMPLATES[name]
    found = render(name, "en", only(template, FULL, which))
    for part in (found.subject, found.text, found.html or ""):
        assert not any(sign in part for sign in ("{{", "{%", "None", "Undefined", "\n\n\n\n"))
    assert FULL["company_name"] in found.text
    if template.channel == "sms":
        assert (found.subject, found.html) == ("", None)
        assert "\n" not in found.text.strip()
        return
    assert found.subject
    assert found.html is not None
    seen = Tags(found.html)
    assert FULL["company_name"] in seen.text
    assert not {tag for tag, _ in seen.tags} & {"table", "script", "style", "img"}
    if "optional" in which and not template.to_staff:
        assert FULL["unsubscribe_url"] in found.text
        assert FULL["unsubscribe_url"] in seen.links
        assert found.text.startswith("Hi Grace Hopper,")
    for required in template.required:
        assert str(FULL[required]) in found.text
        assert str(FULL[required]) in seen.text


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_is_well_formed(name: str) -> None:
    html = render(name, None, only(TEMPLATES[name], FULL)).html
    assert html is not None
    body = html[html.index("<body") : html.index("</body>") + 7]
    ET.fromstring(body.replace("<br>", "<br/>"))  # noqa: S314 - our own text


def test_every_file_is_a_template_of_a_message() -> None:
    expected = {"_layout.html", "_footer.txt"}
    for name, template in TEMPLATES.items():
        endings = ("txt",) if template.channel == "sms" else ("subject", "html", "txt")
        expected |= {f"{name}.{ending}" for ending in endings}
    assert {file.name for file in (FOLDER / "en").iterdir()} == expected


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_hostile_name_does_no_harm(name: str, evil: str) -> None:
    template = TEMPLATES[name]
    harmless = render(name, "en", only(template, FULL))
    texts = {key: evil for key in template.variables if not key.endswith("_url")}
    found = render(name, "en", {**only(template, FULL), **texts})

    assert "49" not in found.text.replace("{{7*7}}", "")
    assert found.subject.isprintable()
    assert len(found.text.splitlines()) == len(harmless.text.splitlines())
    assert "\x00" not in found.text
    assert "\u202e" not in found.text
    if found.html is not None and harmless.html is not None:
        assert Tags(found.html).tags == Tags(harmless.html).tags
        assert Tags(found.html).links == Tags(harmless.html).links
        assert "<script" not in found.html
        assert "<img" not in found.html


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.sampled_from(sorted(TEMPLATES)))
def test_no_name_changes_the_structure_of_a_mail(text: str, name: str) -> None:
    template = TEMPLATES[name]
    harmless = render(name, "en", only(template, FULL))
    found = render(name, "en", {**only(template, FULL), "name": "X" + text, "customer_name": "X" + text})
    assert found.subject.isprintable() or not text.isprintable()
    assert not {"\n", "\r", "\x00"} & set(found.subject)
    assert len(found.text.split("\n")) == len(harmless.text.split("\n"))
    assert Tags(found.html or "").tags == Tags(harmless.html or "").tags
    found.text.encode()


@pytest.mark.parametrize("evil", EVIL)
def test_a_hostile_name_does_no_harm_in_a_companys_own_template(evil: str) -> None:
    own = CompanyTemplate(
        "For {{ name }}", '<p title="{{ name }}">{{ name|upper }} {{ "<" ~ name }}</p>', "Dear {{ name }}!"
    )
    found = render("welcome", "en", {"company_name": "Salon", "name": evil}, own)
    assert "\n" not in found.subject
    assert "\r" not in found.subject
    assert found.html is not None
    assert Tags(found.html).tags == [("p", ("title",))]
    assert len(found.text.splitlines()) == 1
    assert "49" not in found.text.replace("7*7", "")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://x.example/ y", "http://x.example/\"onclick='", "x"])
def test_a_link_must_be_a_url(link: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe_url"):
        render("welcome", "en", {"company_name": "Salon", "unsubscribe_url": link})


def test_missing_variables_are_named() -> None:
    with pytest.raises(ValueError, match="campaign_offer needs company_name, offer_code, offer_percent, offer_until"):
        render("campaign_offer", "en", {})
    with pytest.raises(ValueError, match="there is no message 'nothing'"):
        render("nothing", "en", {})


def test_the_best_available_language() -> None:
    assert fallbacks("de-Latn-AT") == ["de-Latn-AT", "de-Latn", "de", "en"]
    assert fallbacks("en-GB") == ["en-GB", "en"]
    assert fallbacks(None) == fallbacks("") == fallbacks("../../etc") == fallbacks("x" * 99) == ["en"]
    english = render("welcome", "en", {"company_name": "Salon"})
    assert render("welcome", "de-AT", {"company_name": "Salon"}) == english
    assert render("welcome", None, {"company_name": "Salon"}) == english


def test_dates_are_readable() -> None:
    assert date_text(date(2027, 3, 4)) == date_text(date(2027, 3, 4), "en-GB") == "4 March 2027"
    assert date_text(date(2027, 3, 4), "de-AT") == "2027-03-04"


GOOD = ("Hi {{ name }}", "<p>Hi {{ name|default('friend') }} {{ unsubscribe_url }}</p>", "Hi {{ unsubscribe_url }}")


@pytest.mark.parametrize(
    ("name", "subject", "html", "text"),
    [
        ("welcome", *GOOD),
        ("campaign_email", *GOOD),
        ("welcome", "Hi", None, "Hi {% if name and company_name != 'x' %}{{ name|title }}{% else %}you{% endif %}"),
        ("campaign_sms", "", None, "Hi {{ name|d('you', true)|trim|upper }} {{ unsubscribe_url }}"),
        ("campaign_offer", "{{ offer_percent }} %", None, "{{ offer_code }} {{ offer_until }} {{ unsubscribe_url }}"),
    ],
)
def test_valid_templates(name: str, subject: str, html: str | None, text: str) -> None:
    check_template(name, subject, html, text)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("Hello\n{{ naem }}", 2, "unknown variable 'naem'; allowed: company_name, name, unsubscribe_url"),
        ("Hello\n\n{% if name %}", 3, "endif"),
        ("Hello {{ name", 1, "unexpected end"),
        ("{{ name|safe }}", 1, "unknown filter 'safe'; allowed: capitalize"),
        ("{{ name|nothing }}", 1, "unknown filter 'nothing'"),
        ("{% for i in name %}{{ i }}{% endfor %}", 1, "for is not allowed"),
        ("{{ 7 * 7 }}", 1, "mul is not allowed"),
        ("{{ 'x' * 1000000000 }}", 1, "mul is not"),
        ("{{ 9 ** 9 ** 9 ** 9 }}", 1, "pow is not"),
        ("{{ name.__class__.__mro__ }}", 1, "getattr is not"),
        ("{{ name['x'] }}", 1, "getitem is not"),
        ("{{ range(100000) }}", 1, "call is not"),
        ("{{ '%1000000000d' % 1 }}", 1, "mod is not"),
        ("{{ name|center(1000000000) }}", 1, "unknown filter 'center'"),
        ("{{ '%1000000000d'|format(1) }}", 1, "unknown filter 'format'"),
        ("{% set x = name %}{{ x }}", 1, "assign is not"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", 1, "macro is not"),
        ("{% include 'en/_footer.txt' %}", 1, "include is not"),
        ("{% extends 'en/_layout.html' %}", 1, "extends is not"),
        ("{% import 'os' as os %}", 1, "import is not"),
        ("{{ self }}", 1, "unknown variable 'self'"),
        ("{{ [name] }}", 1, "list is not"),
        ("{{ lipsum }}", 1, "unknown variable 'lipsum'"),
        ("{{ name is defined }}", 1, "test is not"),
        ("{% nothing %}", 1, "unknown tag 'nothing'"),
        ("{{ " + "(" * 5000 + "name" + ")" * 5000 + " }}", None, "too deeply nested"),
        ("{% if name %}" * 700 + "{% endif %}" * 700, None, "nested"),
        ("{{ " + "not " * 4000 + "name }}", None, "nested"),
        ("x" * 20_001, None, "longer than 20000"),
        ("\x00", None, "NUL"),
        ("   ", None, "empty"),
        ("{% if name %}Hi{% endif %}", None, "empty when all optional"),
        ("{{ company_name|default(1, 2, 3) }}", None, "cannot be rendered: the filter 'default'"),
        ("{{ company_name < 3 }}", None, "cannot be rendered"),
    ],
)
def test_invalid_templates(text: str, line: int | None, says: str) -> None:
    begun = time.monotonic()
    with pytest.raises(InvalidTemplate) as refused:
        check_template("welcome", "Hi", None, text)
    assert refused.value.part == "text"
    assert says in str(refused.value)
    if line is not None:
        assert refused.value.line == line
        assert f"text, line {line}: " in str(refused.value)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("name", "subject", "html", "text", "says"),
    [
        ("nothing", "Hi", None, "Hi", "name: there is no message 'nothing'; the messages are welcome"),
        ("welcome", "", None, "Hi", "subject: must not be empty"),
        ("welcome", "{{ x }}", None, "Hi", "subject, line 1: unknown variable 'x'"),
        ("welcome", "Hi", "<p>\n{{ x }}", "Hi", "html, line 2: unknown variable 'x'"),
        ("welcome", "Hi", " ", "Hi", "html: must not be empty"),
        ("campaign_sms", "", "<p>", "Hi {{ unsubscribe_url }}", "html: text messages have no HTML part"),
        ("campaign_sms", "", None, "Hi", "text: a marketing message must contain {{ unsubscribe_url }}"),
        ("vip_benefits", "Hi", None, "Hi", "text: a marketing message must contain {{ unsubscribe_url }}"),
        (
            "campaign_email",
            "Hi",
            "<p>Hi</p>",
            "Hi {{ unsubscribe_url }}",
            "html: a marketing message must contain {{ unsubscribe_url }}",
        ),
    ],
)
def test_invalid_parts(name: str, subject: str, html: str | None, text: str, says: str) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        check_template(name, subject, html, text)
    assert says in str(refused.value)


def test_an_unchecked_template_is_refused_when_rendered() -> None:
    for text in ("{% for i in name %}x{% endfor %}", "{{ 'x' * 10 }}", "{{ name|safe }}", "{{ nothing }}", "{{ name"):
        with pytest.raises(InvalidTemplate):
            render("welcome", "en", {"company_name": "Salon", "name": "Ada"}, CompanyTemplate("Hi", None, text))


def test_too_much_output_is_refused() -> None:
    own = CompanyTemplate("Hi", None, "{{ company_name }}" * 1000)
    with pytest.raises(InvalidTemplate, match="more than 200000 characters"):
        render("welcome", "en", {"company_name": "x" * 500}, own)


def test_an_sms_has_only_text() -> None:
    found = render(
        "campaign_sms", "en", {"company_name": "Salon", "name": "Ada"}, CompanyTemplate("S", "<p>", "Hi {{ name }}")
    )
    assert (found.subject, found.html, found.text) == ("", None, "Hi Ada\n")
