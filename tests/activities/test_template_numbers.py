"""Numbers and filters in a company's own template: what cannot be rendered is rejected, with the reason."""

import pytest

from activities.rendering import InvalidTemplate, check_template


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1e999 ~ company_name }}",
        "{{ company_name|default(1e999) }}",
        "{% if company_name == 1e999 %}x{% endif %}y",
        "{{ " + "9" * 16 + " }}",
        "{{ " + "9" * 4300 + " }}",
        "{{ " + "9" * 5000 + " }}",
    ],
)
def test_huge_numbers_are_rejected(text: str) -> None:
    with pytest.raises(InvalidTemplate, match=r"^text(, line 1)?: contains a number that is too large"):
        check_template("welcome", "Hi", None, text)


@pytest.mark.parametrize("text", ["{{ " + "9" * 15 + " }}", "{{ 1.5 ~ company_name }}", "{{ '" + "9" * 99 + "' }}"])
def test_other_numbers_are_allowed(text: str) -> None:
    check_template("welcome", "Hi", None, text)


@pytest.mark.parametrize("name", ["default", "trim", "upper"])
def test_a_filter_that_cannot_be_applied_is_named(name: str) -> None:
    with pytest.raises(InvalidTemplate, match=f"^text: cannot be rendered: the filter '{name}'"):
        check_template("welcome", "Hi", None, f"{{{{ company_name|{name}(1, 2, 3, 4) }}}}")
