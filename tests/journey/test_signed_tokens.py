"""Links and codes: what was signed is read again, and nothing else is."""

import base64
import json
import re

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey import signed_tokens
from journey.signed_tokens import InvalidLink
from journey.time import Micros

SECRET = "a secret of the tests, long enough"
LATER = 1_800_000_000_000_000  # µs
TEXT = st.text(min_size=1, max_size=64).filter(lambda text: not re.search("[\ud800-\udfff]", text))


def feedback(secret: str = SECRET) -> str:
    return signed_tokens.feedback_token(secret, 1, "c-1001", "4:create_feedback_request", Micros(LATER))


def payload(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


@given(st.integers(1, 2**53), TEXT, TEXT)
def test_what_was_signed_is_read_again(company: int, customer: str, tail: str) -> None:
    token = signed_tokens.feedback_token(SECRET, company, customer, tail, Micros(LATER))
    assert signed_tokens.read_feedback(SECRET, token, Micros(LATER - 1)) == signed_tokens.FeedbackLink(
        company, customer, tail, Micros(LATER)
    )
    token = signed_tokens.unsubscribe_token(SECRET, company, customer, "email")
    assert signed_tokens.read_unsubscribe(SECRET, token) == signed_tokens.UnsubscribeLink(company, customer, "email")


def test_the_same_link_is_the_same_text() -> None:
    assert feedback() == feedback()
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", feedback())


def test_a_link_says_no_more_than_it_must() -> None:
    assert payload(feedback()) == {
        "aud": "feedback",
        "company": 1,
        "sub": "c-1001",
        "tail": "4:create_feedback_request",
        "exp": 1_800_000_000,
    }


def test_a_feedback_link_ends() -> None:
    with pytest.raises(InvalidLink) as refused:
        signed_tokens.read_feedback(SECRET, feedback(), Micros(LATER))
    assert refused.value.reason == "expired"


def test_one_kind_does_not_pass_for_the_other() -> None:
    unsubscribe = signed_tokens.unsubscribe_token(SECRET, 1, "c-1001", "email")
    with pytest.raises(InvalidLink):
        signed_tokens.read_feedback(SECRET, unsubscribe, Micros(0))
    with pytest.raises(InvalidLink):
        signed_tokens.read_unsubscribe(SECRET, feedback())


def _forged(**header: str) -> str:
    claims = {"aud": "unsubscribe", "company": 1, "sub": "c-1001", "channel": "email"}
    return jwt.encode(claims, "", algorithm="none", headers=header)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "ünïcode",
        "x" * 5000,
        _forged(),
        _forged(typ="JWT"),
        signed_tokens.unsubscribe_token("another secret", 1, "c-1001", "email"),
        signed_tokens.unsubscribe_token(SECRET, 1, "c-1001", "email")[:-2],
        signed_tokens.unsubscribe_token(SECRET, 1, "c-1001", "email") + "A",
    ],
)
def test_what_was_not_signed_opens_nothing(token: str) -> None:
    with pytest.raises(InvalidLink) as refused:
        signed_tokens.read_unsubscribe(SECRET, token)
    assert refused.value.reason == "not a valid link"


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_no_character_can_be_changed(place: int) -> None:
    token = signed_tokens.unsubscribe_token(SECRET, 1, "c-1001", "email")
    place %= len(token) - 1  # of the last character, two bits are not looked at
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(InvalidLink):
        signed_tokens.read_unsubscribe(SECRET, token[:place] + other + token[place + 1 :])


def test_claims_of_another_shape_open_nothing() -> None:
    key = signed_tokens._key(SECRET, "unsubscribe")
    for claims in (
        {"company": "1", "sub": "c", "channel": "email"},
        {"company": True, "sub": "c", "channel": "email"},
        {"company": 1, "sub": "c"},
        {"company": 1, "sub": "c", "channel": None},
    ):
        token = jwt.encode({"aud": "unsubscribe", **claims}, key, algorithm="HS256")
        with pytest.raises(InvalidLink):
            signed_tokens.read_unsubscribe(SECRET, token)


def test_codes_are_short_readable_and_each_its_own() -> None:
    codes = {signed_tokens.offer_code(SECRET, 1, f"c-{number}", "5:campaign_offer") for number in range(2000)}
    assert len(codes) == 2000
    assert all(re.fullmatch("BACK-[2-9A-HJKMNP-TV-Z]{6}", code) for code in codes)
    assert {letter for code in codes for letter in code[5:]} == set(signed_tokens.CODE_LETTERS)


def test_a_code_depends_on_all_that_it_is_for() -> None:
    code = signed_tokens.offer_code(SECRET, 1, "c-1", "5:campaign_offer")
    assert code == signed_tokens.offer_code(SECRET, 1, "c-1", "5:campaign_offer")
    others = [
        (SECRET, 2, "c-1", "5:x"),
        (SECRET, 1, "c-2", "5:campaign_offer"),
        ("other", 1, "c-1", "5:campaign_offer"),
    ]
    assert code not in [signed_tokens.offer_code(*other) for other in [*others, (SECRET, 1, "c-1", "6:campaign_offer")]]
