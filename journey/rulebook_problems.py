"""Everything that is wrong with a rulebook that somebody wants to save, each mistake with its place.

`rulebook_from` compiles a rulebook and stops at the first mistake; the user who edits one needs all of them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET

from journey.rules import InvalidRule, parse_rules
from journey.scoring import settings_from
from journey.stages import ACTIVE_STAGES, Stage, StageFields, rulebook_from
from journey.text import SINGLE_LINE, is_blank, is_single_line, is_storable

#: The fields of a change of the rules, as `PUT /v1/stages` and files have them.
CHANGE_FIELDS = ("stages", "scoring", "reason", "run_actions", "version", "preview_id")
MAX_REASON = 500  # characters
REASON = f"1 to {MAX_REASON} characters of {SINGLE_LINE}"
MAX_LISTED = 50  # stages in one rulebook, those that are not active included
LONGEST_PLACE = 1000  # characters of the name of a place, a long fact in a condition included
_LENGTHS = {"stage_name": 255, "description": 2000, "icon": 50}
_MSGSPEC_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
#: Fields of a stage that are checked alone: a mistake in one hides none in the others.
_ALONE = ("stage_key", "color", "retention_days", "actions")
_VALID: dict[str, Any] = {"stage_key": "stage", "kind": "growth", "role": None}
_ANY_TRIGGER = "call_received"


def rulebook_problems(stages: object, scoring: object = None) -> list[InvalidRule]:
    """Return every mistake; none means that the rulebook can be saved.

    Args:
        stages: The list of stages, as `GET /v1/stages` shows them.
        scoring: Weights and thresholds; those that are missing get their defaults.
    """
    found = [*_unstorable("stages", stages), *_unstorable("scoring", scoring)]
    if found:
        return found
    found = [*_stages_problems(stages), *_scoring_problems(scoring)]
    if not found:
        found += _caught(partial(rulebook_from, {"stages": stages, "scoring": scoring or {}}))
    return found


def is_reason(reason: object) -> bool:
    """Whether this can be the reason of a change, which is `REASON`."""
    return isinstance(reason, str) and len(reason) <= MAX_REASON and not is_blank(reason) and is_single_line(reason)


def value_at(root: object, place: str) -> object:
    """Return the value at a place such as ``stages[2].color``; None where there is none."""
    value: Any = root
    for name in re.findall(r"[^.\[\]]+", place):
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _unstorable(place: str, root: object) -> Iterator[InvalidRule]:
    """Find the texts, including keys, that cannot be stored: the other checks need not expect them."""
    waiting = [(place, root)]
    while waiting:  # not recursive: a document may be nested more deeply than calls can be
        place, value = waiting.pop()
        if isinstance(value, str) and not is_storable(value):
            yield InvalidRule(place, f"{ascii(value)[:80]} contains a character that cannot be stored")
        elif len(place) > LONGEST_PLACE:
            yield InvalidRule(place, "nested too deeply")
        elif isinstance(value, list):
            waiting += [(f"{place}[{index}]", item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            bad = [name for name in value if not is_storable(name)]
            waiting += [(place, name) for name in bad]
            waiting += [(f"{place}.{name}", item) for name, item in value.items() if name not in bad]


def _caught(check: Callable[[], object]) -> list[InvalidRule]:
    try:
        check()
    except InvalidRule as error:
        return [error]
    return []


def _stages_problems(stages: object) -> Iterator[InvalidRule]:
    if not isinstance(stages, list):
        yield InvalidRule("stages", "a list of stages is required")
        return
    if len(stages) > MAX_LISTED:
        yield InvalidRule("stages", f"{len(stages)} stages; at most {MAX_LISTED} are allowed, also if not active")
        return
    parsed: list[StageFields | None] = []
    for index, stage in enumerate(stages):
        place = f"stages[{index}]"
        try:
            fields = msgspec.convert(stage, StageFields)
        except msgspec.ValidationError as error:
            yield _converted(place, error)
            parsed.append(None)
            continue
        parsed.append(fields)
        yield from _stage_problems(fields, place)
    known = [fields for fields in parsed if fields is not None]
    if len(known) == len(parsed):
        yield from _list_problems(known)


def _stage_problems(fields: StageFields, place: str) -> Iterator[InvalidRule]:
    found: list[InvalidRule] = []
    for name in _ALONE:
        alone = StageFields(**{**_VALID, name: getattr(fields, name)})
        found += _caught(partial(Stage, alone, 1, place))
    for name, length in _LENGTHS.items():
        value = getattr(fields, name)
        if value is not None and len(value) > length:
            found.append(InvalidRule(f"{place}.{name}", f"{len(value)} characters; at most {length} are allowed"))
        elif value is not None and not (is_storable(value) if name == "description" else is_single_line(value)):
            found.append(InvalidRule(f"{place}.{name}", f"{value!r} is not {SINGLE_LINE}"))
    found += _rule_problems(fields.auto_transition_rules, f"{place}.auto_transition_rules")
    yield from found
    if not found and fields.role is not UNSET:
        yield from _caught(partial(Stage, fields, 1, place))


def _rule_problems(rules: object, place: str) -> Iterator[InvalidRule]:
    """Check each condition of each rule."""
    if rules is None:
        return
    if not isinstance(rules, list):
        yield from _one_rules_problems(rules, place)
        return
    for index, rule in enumerate(rules):
        yield from _one_rules_problems(rule, f"{place}[{index}]")


def _one_rules_problems(rule: object, place: str) -> Iterator[InvalidRule]:
    if not isinstance(rule, dict):
        yield InvalidRule(place, f'{rule!r} is not {{"trigger": …, "conditions": {{…}}}}')
        return
    conditions = rule.get("conditions")
    wrong: list[InvalidRule] = []
    if isinstance(conditions, dict):
        for condition in conditions.items():
            alone = {"trigger": _ANY_TRIGGER, "conditions": dict([condition])}
            wrong += _caught(partial(parse_rules, alone, place))
    yield from wrong
    if wrong:
        rule = {**rule, "conditions": {"count": ">=0"}}
    yield from _caught(partial(parse_rules, rule, place))


def _list_problems(stages: list[StageFields]) -> Iterator[InvalidRule]:
    """Check what concerns several stages."""
    keys = Counter[str]()
    orders: dict[int, str] = {}
    for index, fields in enumerate(stages):
        keys[fields.stage_key] += 1
        if keys[fields.stage_key] > 1:
            yield InvalidRule(f"stages[{index}].stage_key", f"{fields.stage_key!r} is the key of an earlier stage, too")
        order = index + 1 if fields.order_index is None else fields.order_index
        if not 0 <= order <= 1_000_000:
            yield InvalidRule(f"stages[{index}].order_index", f"{order} is not within 0 to 1000000")
        elif fields.is_active:
            if order in orders:
                yield InvalidRule(f"stages[{index}].order_index", f"{order} is the position of {orders[order]!r}, too")
            orders.setdefault(order, fields.stage_key)
    active = sum(fields.is_active for fields in stages)
    if active not in ACTIVE_STAGES:
        yield InvalidRule("stages", f"{active} active stages; {ACTIVE_STAGES[0]} to {ACTIVE_STAGES[-1]} are allowed")


def _scoring_problems(scoring: object) -> Iterator[InvalidRule]:
    if scoring is None:
        return
    if not isinstance(scoring, dict):
        yield InvalidRule("scoring", "an object of weights and thresholds is required")
        return
    try:
        settings = settings_from(scoring)
    except msgspec.ValidationError as error:
        yield _converted("scoring", error)
        return
    for problem in settings.problems():
        place, separator, text = problem.partition(": ")
        yield InvalidRule(place, text) if separator else InvalidRule("scoring", problem)


def _converted(place: str, error: msgspec.ValidationError) -> InvalidRule:
    """Move the path in a message of msgspec to the place."""
    text = str(error)
    match = _MSGSPEC_PATH.search(text)
    if match is None:
        return InvalidRule(place, text)
    return InvalidRule(place + match["path"], text[: match.start()])
