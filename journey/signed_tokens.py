"""Signed feedback and unsubscribe links, and offer codes.

A token is a JWT (HS256) with an audience and a key per kind, so that a token of one kind is not valid as another. It
contains nothing personal but the customer's id. Equal input gives an equal token, so that a repeated mail is identical.
"""

import hashlib
import hmac
from typing import Any

import jwt
from msgspec import Struct

from journey.time import SECOND, Micros

FEEDBACK = "feedback"
UNSUBSCRIBE = "unsubscribe"
LONGEST_TOKEN = 2000  # characters
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without characters that are easily confused: 0 O, 1 I L, U V
CODE_LENGTH = 6


class InvalidLink(ValueError):
    """An invalid token; ``reason`` is ``expired`` or ``not a valid link``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FeedbackLink(Struct, frozen=True):
    """A feedback link: the customer, and the action that asked for feedback. ``expires_at`` is in whole seconds."""

    company: int
    customer: str
    action_ref: str
    expires_at: Micros


class UnsubscribeLink(Struct, frozen=True):
    """An unsubscribe link: the customer and the channel."""

    company: int
    customer: str
    channel: str


def feedback_token(secret: str, company: int, customer: str, action_ref: str, expires_at: Micros) -> str:
    """Return a token that opens this customer's feedback page until ``expires_at``."""
    claims = {"company": company, "sub": customer, "tail": action_ref, "exp": expires_at // SECOND}
    return _signed(secret, FEEDBACK, claims)


def read_feedback(secret: str, token: str, now: Micros) -> FeedbackLink:
    """Verify a feedback token at ``now`` and return its content. Raises InvalidLink."""
    claims = _read(secret, FEEDBACK, token, {"company": int, "sub": str, "tail": str, "exp": int})
    if claims["exp"] * SECOND <= now:
        raise InvalidLink("expired")
    return FeedbackLink(claims["company"], claims["sub"], claims["tail"], claims["exp"] * SECOND)


def unsubscribe_token(secret: str, company: int, customer: str, channel: str) -> str:
    """Return a token that withdraws this customer's consent to one channel. It never expires: people keep old mails."""
    return _signed(secret, UNSUBSCRIBE, {"company": company, "sub": customer, "channel": channel})


def read_unsubscribe(secret: str, token: str) -> UnsubscribeLink:
    """Verify an unsubscribe token and return its content. Raises InvalidLink."""
    claims = _read(secret, UNSUBSCRIBE, token, {"company": int, "sub": str, "channel": str})
    return UnsubscribeLink(claims["company"], claims["sub"], claims["channel"])


def offer_code(secret: str, company: int, customer: str, action_ref: str) -> str:
    """Return a code for a special offer, like ``BACK-7K2F9Q``: equal for the same action, and not guessable."""
    digest = hmac.digest(secret.encode(), f"offer:{company}:{customer}:{action_ref}".encode(), "sha256")
    number, code = int.from_bytes(digest), ""
    for _ in range(CODE_LENGTH):
        number, index = divmod(number, len(CODE_LETTERS))
        code += CODE_LETTERS[index]
    return f"BACK-{code}"


def _key(secret: str, kind: str) -> bytes:
    return hmac.digest(secret.encode(), f"link:{kind}".encode(), hashlib.sha256)


def _signed(secret: str, kind: str, claims: dict[str, Any]) -> str:
    return jwt.encode({"aud": kind, **claims}, _key(secret, kind), algorithm="HS256")


def _read(secret: str, kind: str, token: str, shape: dict[str, type]) -> dict[str, Any]:
    if len(token) > LONGEST_TOKEN:
        raise InvalidLink("not a valid link")
    # the library would read the system clock; here the time is an argument
    options: Any = {"require": list(shape), "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims = jwt.decode(token, _key(secret, kind), algorithms=["HS256"], audience=kind, options=options)
    except (jwt.PyJWTError, ValueError):
        raise InvalidLink("not a valid link") from None
    if any(type(claims[name]) is not expected for name, expected in shape.items()):
        raise InvalidLink("not a valid link")
    return claims
