"""What a search for customers looks for."""

import pytest

from journey.search_text import MAX_WORDS, Criterion, criteria, is_phone_search, search_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Núñez", "nunez"),
        ("Nu\u0301n\u0303ez", "nunez"),  # the same name, decomposed
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("STRAẞE", "strasse"),
        ("Søren Łukasz Đorđe Æsa", "soren lukasz dorde aesa"),
        ("İpek Işık", "ipek isik"),
        ("ΝΊΚΟΣ", "νικοσ"),
        ("Νίκος", "νικοσ"),
        ("Ёлка Андрей", "елка андреи"),
        ("علی\u200cرضا", "علیرضا"),
        ("ﬁ Ａ①", "fi a1"),
    ],
)
def test_the_normal_form(text: str, form: str) -> None:
    assert search_form(text) == form


def prefixes(text: str, country: str | None = None) -> list[tuple[str, ...]]:
    return [criterion.prefixes for criterion in criteria(text, country)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  Ada   LOVELACE ", ["lovelace", "ada"]),
        ("Müller-Straße", ["strasse", "muller"]),
        ("O'Brien", ["obrien"]),
        ("ada ada", ["ada"]),
        ("Ada@Example.com", ["ada@example.com"]),
        ("@example", ["example"]),
        ("c-1001", ["1001", "c"]),
        ("42", ["42"]),
        ("%", []),
        ("\\ _ -", []),
        (" \u200b ", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert prefixes(text) == [(word,) for word in words]
    assert not is_phone_search(text)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+49 30 1234567", None, ["#49301234567", "?301234567", ">765432103"]),
        ("\u202a+49\u00a0(30) 123-45.67\u202c", None, ["#49301234567", "?301234567", ">765432103"]),
        ("0049 30 1234567", None, ["#49301234567", "?301234567", ">765432103"]),
        ("+49 30 12", None, ["#493012", "?3012", ">2103"]),
        ("030 1234567", None, ["#301234567", "~301234567", "?301234567", "<765432103", ">765432103"]),
        ("030 1234567 ext. 5", None, ["#301234567", "~301234567", "?301234567", "<765432103", ">765432103"]),
        (
            "030 1234567",
            "DE",
            ["#301234567", "#49301234567", "~301234567", "?301234567", "<765432103", ">765432103"],
        ),
        (
            "49 301234567",
            None,
            [
                "#49301234567",
                "~49301234567",
                "?301234567",
                "?49301234567",
                "<76543210394",
                ">765432103",
                ">76543210394",
            ],
        ),
        ("4567", None, ["4567", "#4567", "~4567", "?4567", "<7654", ">7654"]),
        ("00042", None, ["00042"]),
    ],
)
def test_phone_numbers(text: str, country: str | None, expected: list[str]) -> None:
    assert prefixes(text, country) == [tuple(expected)]
    assert is_phone_search(text)


def test_words_and_a_number() -> None:
    assert prefixes("Ada 030 / 123 45-67 lovelace") == [*prefixes("030 1234567"), ("lovelace",), ("ada",)]


def test_typos() -> None:
    (found,) = (criterion.with_typos() for criterion in criteria("Nunez"))
    assert (found.prefixes, "nunez" in found.words) == ((), True)
    assert {"nunes", "nuez", "nuunez", "unnez", "nunze", "xunez", "nunezz", "nune"} <= set(found.words)
    assert not {"nuns", "nnuze", "nunnes"} & set(found.words)  # two typos
    assert len(found.words) < 60 * 5
    (greek,) = (criterion.with_typos() for criterion in criteria("Νίκος"))
    assert "νικασ" in greek.words
    for text in ("ab", "x" * 25, "4567", "ada@example.com"):
        assert [criterion.with_typos().words for criterion in criteria(text)] == [()]


def test_long_searches_are_cut() -> None:
    assert len(criteria(" ".join(f"word{n}x" for n in range(20)))) == MAX_WORDS
    assert isinstance(criteria("x" * 100)[0], Criterion)
