"""What two customers have in common, and how sure it is that they are one person."""

import pytest

from journey.duplicates import identity_keys, strength


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (("Ada Example", None, None), ("EXAMPLE, Ada", None, None)),
        (("Zoë Müller", None, None), ("Muller Zoe", None, None)),
        ((None, "Ada@Example.COM", None), (None, "ada@example.com", None)),
        ((None, "ada@bücher.example", None), (None, "ada@xn--bcher-kva.example", None)),
        (("A", "a@x.example", "+49301234567"), ("B", "b@x.example", "+49301234567")),
    ],
)
def test_one_person(one: tuple[str | None, ...], two: tuple[str | None, ...]) -> None:
    assert identity_keys(*one) & identity_keys(*two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (("Ada", None, None), ("Ada", None, None)),  # one word is not enough
        ((None, None, None), (None, None, None)),
        (("", "", ""), ("", "", "")),
        (("Ada Example", None, None), ("Ada Exampel", None, None)),
        ((None, "ada@example.com", None), (None, "ada@example.org", None)),
    ],
)
def test_two_people(one: tuple[str | None, ...], two: tuple[str | None, ...]) -> None:
    assert not identity_keys(*one) & identity_keys(*two)


def test_two_reasons_are_surer_than_one_and_a_name_alone_is_weak() -> None:
    reasons = (["name"], ["phone"], ["email"], ["name", "phone"], ["email", "name", "phone"])
    assert [strength(each) for each in reasons] == [1, 2, 2, 3, 3]
