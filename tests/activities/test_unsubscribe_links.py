"""The unsubscribe link is in every marketing message, whatever the company's own template contains."""

import pytest

from activities.message_catalogue import TEMPLATES
from activities.rendering import CompanyTemplate, render
from tests.activities.test_rendering import FULL


@pytest.mark.parametrize("name", [name for name, message in TEMPLATES.items() if message.marketing])
def test_marketing_always_has_the_unsubscribe_link(name: str) -> None:
    """Also in a template that hides it, or that was saved while it was not required."""
    link = FULL["unsubscribe_url"]
    for text in ("Hi {{ name }}", "Hi{% if not name %} {{ unsubscribe_url }}{% endif %}"):
        found = render(name, "en", FULL, CompanyTemplate("S", f"<p>{text}</p>", text))
        assert found.text == f"Hi{' Grace Hopper' if 'if' not in text else ''}\n\nUnsubscribe: {link}\n"
        if found.html is not None:
            assert found.html.endswith('<p><a href="https://example.com/u/abc.def?a=1&amp;b=2">Unsubscribe</a></p>')
    own = CompanyTemplate("S", '<a href="{{ unsubscribe_url }}">no more</a>', "No more: {{ unsubscribe_url }}")
    found = render(name, "en", FULL, own)
    assert found.text == f"No more: {link}\n"
    assert "Unsubscribe" not in (found.html or "")
