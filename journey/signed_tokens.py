"""What customers hold in their hands: signed links to the feedback page and to unsubscribe, and offer codes.

A token is a JWT (HS256) with an audience and a key for each kind, so that one kind never passes for another. It names
nobody but by the customer's id, and is the same text for the same input, so that a repeated mail is the same mail.
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
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is read for another: no 0 O, 1 I L, U V
CODE_LENGTH = 6


class InvalidLink(ValueError):
    """A token that opens nothing; ``reason``: ``expired`` or ``not a valid link``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FeedbackLink(Struct, frozen=True):
    """Who may give feedback, and which action asked for it. ``expires_at`` in µs, whole seconds."""

    company: int
    customer: str
    action_ref: str
    expires_at: Micros


class UnsubscribeLink(Struct, frozen=True):
    """Who wants to hear no more, and on which channel."""

    company: int
    customer: str
    channel: str


def feedback_token(secret: str, company: int, customer: str, action_ref: str, expires_at: Micros) -> str:
    """A token that opens the feedback page of this customer until ``expires_at`` (µs)."""
    claims = {"company": company, "sub": customer, "tail": action_ref, "exp": expires_at // SECOND}
    return _signed(secret, FEEDBACK, claims)


def read_feedback(secret: str, token: str, now: Micros) -> FeedbackLink:
    """What a feedback token says, at ``now`` (µs). Raises InvalidLink."""
    claims = _read(secret, FEEDBACK, token, {"company": int, "sub": str, "tail": str, "exp": int})
    if claims["exp"] * SECOND <= now:
        raise InvalidLink("expired")
    return FeedbackLink(claims["company"], claims["sub"], claims["tail"], claims["exp"] * SECOND)


def unsubscribe_token(secret: str, company: int, customer: str, channel: str) -> str:
    """A token that ends this customer's consent to one channel. It never expires: old mails are kept for years."""
    return _signed(secret, UNSUBSCRIBE, {"company": company, "sub": customer, "channel": channel})


def read_unsubscribe(secret: str, token: str) -> UnsubscribeLink:
    """What an unsubscribe token says. Raises InvalidLink."""
    claims = _read(secret, UNSUBSCRIBE, token, {"company": int, "sub": str, "channel": str})
    return UnsubscribeLink(claims["company"], claims["sub"], claims["channel"])


def offer_code(secret: str, company: int, customer: str, action_ref: str) -> str:
    """A code for a special offer, like ``BACK-7K2F9Q``: the same for the same action, and not to be guessed."""
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
    # the library would ask the machine's clock; the time comes in as an argument
    options: Any = {"require": list(shape), "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims = jwt.decode(token, _key(secret, kind), algorithms=["HS256"], audience=kind, options=options)
    except (jwt.PyJWTError, ValueError):
        raise InvalidLink("not a valid link") from None
    if any(type(claims[name]) is not expected for name, expected in shape.items()):
        raise InvalidLink("not a valid link")
    return claims
