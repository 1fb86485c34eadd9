"""Appointments: what became of one booking or visit, according to everything that was said about it.

Each event about an appointment is a `Word`. Its latest word counts, by the order of words: time, then `Rank`, then
event id. `say` keeps only what later words need, so a journey's packed state can hold an appointment as one short text.
A word that is older than the latest one needs all words, which the ledger has.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from enum import IntEnum
from functools import reduce
from typing import NamedTuple

import msgspec
from msgspec import Struct

from journey.time import Micros, seconds_text, seconds_to_micros

#: What an event does to its appointment: nothing that a rule asks for, open a new one, or add a visit.
NO_EFFECT, OPENS, ADDS_VISIT = 0, 1, 2

#: The id of an appointment that an event without `appointment_id` makes, before the event's id.
EVENT_PREFIX = "event:"

#: The service of an appointment in a packed state, which has no room for its name.
SERVICE_IN_LEDGER = ""


class Rank(IntEnum):
    """The kinds of words, in the order in which they count if their time is the same."""

    REQUESTED = 0
    RESCHEDULED = 1
    CANCELLED = 2
    MISSED = 3
    COMPLETED = 4


class Word(NamedTuple):
    """One event about an appointment, ordered by time, rank and event id.

    ``amount``, in hundredths, and ``service`` are those of completed events.
    """

    at: Micros
    rank: Rank
    event_id: str
    scheduled_for: Micros | None = None
    amount: int | None = None
    service: str | None = None


class Appointment(Struct, frozen=True, gc=False):
    """One appointment as of its latest word.

    Attributes:
        keys: The short hashes of its ids; several if bookings replaced each other.
        outcome: ``REQUESTED`` while it is open, else ``CANCELLED``, ``MISSED`` or ``COMPLETED``; None without any word.
        last: Time and rank of its latest word.
        outcome_at: The time of the latest word that gave it an outcome.
        visit_at: The time of the earliest completed word after the latest cancelled or missed one.
        amount: That of the latest completed word that has one, in hundredths.
        service: That of the latest completed word that has one; `SERVICE_IN_LEDGER` if only the ledger knows which.
        booked: Its booked time.
        is_requested: It counts as requested.
        is_asked: It is open, and its booked time and the grace passed, which was noticed.
        words: All of its words in order; None if the ledger has to be read for them.
    """

    keys: tuple[str, ...]
    outcome: Rank | None = None
    last: tuple[Micros, Rank] | None = None
    outcome_at: Micros | None = None
    visit_at: Micros | None = None
    amount: int | None = None
    booked: Micros | None = None
    is_requested: bool = False
    is_asked: bool = False
    words: tuple[Word, ...] | None = ()
    service: str | None = None

    @property
    def is_open(self) -> bool:
        return self.outcome is Rank.REQUESTED

    @property
    def is_completed(self) -> bool:
        return self.outcome is Rank.COMPLETED

    @property
    def awaited(self) -> Micros | None:
        """The booked time, while the appointment is open."""
        return self.booked if self.outcome is Rank.REQUESTED else None


class Unanswered(Struct, frozen=True):
    """An open appointment whose grace has ended: did the customer come? ``key`` is the short hash of one of its ids."""

    key: str
    booked: Micros


class WordsNeeded(Exception):
    """The words of an appointment are needed that only the ledger has."""


def appointment_key(appointment_id: str) -> str:
    """Return a short hash of an appointment's id: 48 bits, unique enough among the appointments of one customer."""
    return urlsafe_b64encode(hashlib.blake2b(appointment_id.encode(), digest_size=6).digest()).decode()


def say(appointment: Appointment, word: Word) -> Appointment:
    """Return the appointment with one more word, however late it arrives.

    Raises:
        WordsNeeded: The word is not the latest, and the earlier words are unknown.
    """
    if appointment.last is None or word[:2] > appointment.last:
        words = appointment.words
        later = _next(appointment, word)
        return later if words is None else msgspec.structs.replace(later, words=(*words, word))
    if appointment.words is None:
        raise WordsNeeded
    return _with_words(appointment, (*appointment.words, word))


def join(one: Appointment, other: Appointment) -> Appointment:
    """Return the appointment that two bookings are, one of which replaced the other.

    Raises:
        WordsNeeded: Both have words, which are not all known.
    """
    keys = tuple(sorted({*one.keys, *other.keys}))
    if one.last is None or other.last is None:
        return msgspec.structs.replace(other if one.last is None else one, keys=keys)
    if one.words is None or other.words is None:
        raise WordsNeeded
    joined = _with_words(msgspec.structs.replace(one, keys=keys), one.words + other.words)
    is_asked = joined.is_asked or (other.is_asked and joined.awaited == other.booked)
    return msgspec.structs.replace(joined, is_asked=is_asked)


def _with_words(appointment: Appointment, words: Iterable[Word]) -> Appointment:
    ordered = tuple(sorted(words))
    empty = Appointment(appointment.keys, words=ordered)
    found = reduce(_next, ordered, empty)
    if appointment.is_asked and found.awaited == appointment.booked:
        found = msgspec.structs.replace(found, is_asked=True)
    return found


def _next(before: Appointment, word: Word) -> Appointment:
    """Return the appointment after its next word in order."""
    at, rank, _, scheduled_for, amount, service = word
    outcome, outcome_at, visit_at = before.outcome, before.outcome_at, before.visit_at
    requested = before.is_requested
    if rank <= Rank.RESCHEDULED:
        requested = requested or rank is Rank.REQUESTED or before.last is None
        is_settled = outcome in (Rank.COMPLETED, Rank.MISSED)
        # booking systems send updates after the visit, too: only a later time reopens the appointment
        if not is_settled or (scheduled_for is not None and scheduled_for > (outcome_at or 0)):
            outcome = Rank.REQUESTED
    else:
        outcome, outcome_at = rank, at
        if rank is not Rank.COMPLETED:
            visit_at = None
        elif visit_at is None:
            visit_at = at
    booked = before.booked if scheduled_for is None else scheduled_for
    return Appointment(
        before.keys,
        outcome,
        (at, rank),
        outcome_at,
        visit_at,
        before.amount if amount is None else amount,
        booked,
        requested,
        before.is_asked and outcome is Rank.REQUESTED and booked == before.booked,
        before.words,
        before.service if service is None else service,
    )


# -- the packed form: ``{first key: "flags,last,outcome,visit,amount,booked[,other keys]"}`` ------------------------
# Times are seconds: the last word's since 1970, the others relative to it, and "=" stands for 0.

_LETTERS = {Rank.REQUESTED: "o", Rank.CANCELLED: "x", Rank.MISSED: "m", Rank.COMPLETED: "c"}
_RANKS = {letter: rank for rank, letter in _LETTERS.items()}


def pack_appointment(appointment: Appointment) -> str:
    """Pack an appointment with at least one word, without its first key and its words."""
    assert appointment.last is not None
    assert appointment.outcome is not None
    last, rank = appointment.last
    flags = _LETTERS[appointment.outcome] + str(int(rank))
    flags += ("r" if appointment.is_requested else "") + ("a" if appointment.is_asked else "")
    flags += "" if appointment.service is None else "s"
    parts = [flags, seconds_text(last)]
    parts += [_relative(instant, last) for instant in (appointment.outcome_at, appointment.visit_at)]
    parts.append("" if appointment.amount is None else str(appointment.amount))
    parts.append(_relative(appointment.booked, last))
    parts += appointment.keys[1:]
    return ",".join(parts).rstrip(",")


def unpack_appointment(first_key: str, packed: str) -> Appointment:
    """Unpack an appointment. Raises ValueError."""
    parts = packed.split(",")
    parts += [""] * (6 - len(parts))
    flags, last_text, outcome_at, visit_at, amount, booked, *other_keys = parts
    last = seconds_to_micros(last_text)
    return Appointment(
        (first_key, *other_keys),
        _RANKS[flags[0]],
        (last, Rank(int(flags[1]))),
        _absolute(outcome_at, last),
        _absolute(visit_at, last),
        int(amount) if amount else None,
        _absolute(booked, last),
        "r" in flags[2:],
        "a" in flags[2:],
        None,
        SERVICE_IN_LEDGER if "s" in flags[2:] else None,
    )


def _relative(instant: Micros | None, last: Micros) -> str:
    if instant is None:
        return ""
    return "=" if instant == last else seconds_text(Micros(instant - last))


def _absolute(text: str, last: Micros) -> Micros | None:
    if not text:
        return None
    return last if text == "=" else Micros(last + seconds_to_micros(text))
