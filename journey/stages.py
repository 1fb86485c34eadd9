"""A company's stages, rules and scoring. The default stages are the seven of the original guide."""

import re
from collections.abc import Iterable, Mapping
from copy import copy as shallow
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from journey.actions import ACTIONS
from journey.presets import DEFAULT_STAGES
from journey.rhythm import NO_RECORDS, MedianRecords
from journey.rules import NEVER, Condition, InvalidRule, Rule, RuleContext, parse_rules
from journey.scoring import Scorer, Scoring, settings_from
from journey.time import DAY, EPOCH_MICROS, HOUR, Micros

_KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
#: how many active stages a company may have
ACTIVE_STAGES = range(2, 13)
LAPSE_TRIGGERS = ("days_since_last_appointment", "risk_score", "overdue_days", "overdue_ratio")


class Role(StrEnum):
    """What a stage means to analytics, lists and the dashboard, whatever its key. Several stages may share a role."""

    AT_RISK = "at_risk"  # lapse stages
    LOST = "lost"  # lapse stages
    VIP = "vip"  # growth stages


_KIND_OF_ROLE = {Role.AT_RISK: "lapse", Role.LOST: "lapse", Role.VIP: "growth"}

#: A growth stage's actions run when it is entered for the first time, a lapse stage's every time.
DEFAULT_ACTIONS: Mapping[str, tuple[str, ...]] = {
    stage["stage_key"]: tuple(stage["actions"]) for stage in DEFAULT_STAGES if "actions" in stage
}
_DEFAULT_ROLES: Mapping[str, Role] = {s["stage_key"]: Role(s["role"]) for s in DEFAULT_STAGES if "role" in s}


class StageFields(Struct, forbid_unknown_fields=True, kw_only=True):
    """One stage as it is stored and sent.

    Defaults of missing fields: ``kind`` follows from the rules, ``order_index`` from the position in the list,
    ``actions`` and ``role`` from the stage key. A ``role`` of null means no role.
    """

    stage_key: str
    stage_name: str = ""
    description: str | None = None
    order_index: int | None = None
    color: str | None = None
    icon: str | None = None
    kind: Literal["growth", "lapse"] | None = None
    role: str | UnsetType | None = UNSET
    auto_transition_rules: Any = None
    retention_days: int | None = None
    actions: list[str] | None = None
    is_active: bool = True


class Stage:
    """A stage with its compiled rules. ``order`` is its position on the ladder."""

    def __init__(self, fields: StageFields, order: int, place: str) -> None:
        if not _KEY.fullmatch(fields.stage_key):
            raise InvalidRule(f"{place}.stage_key", f"{fields.stage_key!r} is not 1 to 50 of a-z 0-9 _")
        if fields.color is not None and not _COLOR.fullmatch(fields.color):
            raise InvalidRule(f"{place}.color", f"{fields.color!r} is not a colour like #34D399")
        if fields.retention_days is not None and not 0 < fields.retention_days <= 10_000:
            raise InvalidRule(f"{place}.retention_days", f"{fields.retention_days} is not within 1 to 10000")
        if unknown := [action for action in fields.actions or () if action not in ACTIONS]:
            raise InvalidRule(f"{place}.actions", f"{unknown[0]!r} is not one of {', '.join(ACTIONS)}")
        self.actions = DEFAULT_ACTIONS.get(fields.stage_key, ()) if fields.actions is None else tuple(fields.actions)
        self.key, self.name, self.order = fields.stage_key, fields.stage_name or fields.stage_key, order
        self.rules: list[Rule] = parse_rules(fields.auto_transition_rules, f"{place}.auto_transition_rules")
        lapses = bool(self.rules) and all(rule.trigger in LAPSE_TRIGGERS for rule in self.rules)
        self.kind = fields.kind or ("lapse" if lapses else "growth")
        self.is_growth, self.is_active = self.kind == "growth", fields.is_active
        self.role = self._role(fields.role, f"{place}.role")
        self.retention_days = fields.retention_days
        self.fields = fields

    def _role(self, role: str | UnsetType | None, place: str) -> Role | None:
        if role is None:
            return None
        if role is UNSET:
            default = _DEFAULT_ROLES.get(self.key)
            return default if default is not None and _KIND_OF_ROLE[default] == self.kind else None
        if role not in list(Role):
            raise InvalidRule(place, f"{role!r} is not one of {', '.join(Role)}")
        if (kind := _KIND_OF_ROLE[Role(role)]) != self.kind:
            raise InvalidRule(place, f"{role!r} is for {kind} stages, and {self.key!r} is a {self.kind} stage")
        return Role(role)

    def holding(self, context: RuleContext) -> Rule | None:
        """Return the first of its rules that holds, or None."""
        for rule in self.rules:
            if rule.holds(context):
                return rule
        return None

    def as_json(self) -> dict[str, Any]:
        fields: dict[str, Any] = msgspec.to_builtins(self.fields)
        derived = {"stage_name": self.name, "kind": self.kind, "role": self.role, "order_index": self.order}
        fields["actions"] = [*self.actions]
        return {**fields, **derived}


class Rulebook:
    """A company's stages, rules and scoring, in one version, which took effect at ``changed_at``.

    Attributes:
        medians: The company's median gaps between visits, which its customers' rhythms are computed with.
    """

    def __init__(
        self,
        stages: list[Stage],
        scoring: Scoring,
        version: int = 1,
        changed_at: Micros = EPOCH_MICROS,
        medians: MedianRecords = NO_RECORDS,
        *,
        runs_actions: bool = False,
    ) -> None:
        self.all_stages = sorted(stages, key=lambda stage: stage.order)
        self.stages = [stage for stage in self.all_stages if stage.is_active]
        self.by_key = {stage.key: stage for stage in self.all_stages}
        self.actions = {stage.key: stage.actions for stage in self.all_stages}
        self.growth = [stage for stage in self.stages if stage.is_growth]
        self.lapse = [stage for stage in self.stages if not stage.is_growth]
        #: for each stage, the worse lapse stages and the higher growth stages, in order
        self.worse = {s.key: [w for w in self.lapse if s.is_growth or w.order > s.order] for s in self.all_stages}
        self.higher = {s.key: [h for h in self.growth if h.order > s.order] for s in self.all_stages}
        self.retains = any(stage.retention_days is not None for stage in self.all_stages)
        self.scoring = scoring
        self.version, self.changed_at, self.medians = version, changed_at, medians
        #: whether the moves that the change to this version causes run the actions of their stages
        self.runs_actions = runs_actions
        self._refuse_impossible()
        self.scorer = Scorer(scoring)
        #: how long after a booked time an appointment without an outcome still counts as booked, in µs
        self.booking_grace = scoring.booking_grace_hours * HOUR

    def with_medians(self, medians: MedianRecords) -> "Rulebook":
        """Return the same rulebook with other records of the company's median gaps."""
        twin = shallow(self)
        twin.medians = medians
        return twin

    def keys_with(self, role: Role) -> list[str]:
        return keys_with_role(self.all_stages, role)

    def _refuse_impossible(self) -> None:
        if (active := len(self.stages)) not in ACTIVE_STAGES:
            allowed = f"{ACTIVE_STAGES[0]} to {ACTIVE_STAGES[-1]}"
            raise InvalidRule("stages", f"{active} active stages; {allowed} are allowed")
        if len(self.by_key) != len(self.all_stages):
            raise InvalidRule("stages", "duplicate stage_key")
        if not self.growth:
            raise InvalidRule("stages", "at least one growth stage is required")
        if problems := self.scoring.problems():
            raise InvalidRule("scoring", "; ".join(problems))

    @cached_property
    def stage_steps(self) -> list[tuple[str, int]]:
        """When inactivity alone may move a journey, as ascending (what it counts from, doubled µs after that)."""
        steps = {step for s in self.stages for r in s.rules for c in r.conditions for step in c.moments(self.scorer)}
        for stage in self.stages:
            if stage.retention_days is not None:
                after = 2 * stage.retention_days * DAY
                steps |= {("days", after), ("days", after + 1)}
        return sorted(steps, key=lambda step: (step[1], step[0]))

    @cached_property
    def stage_offsets(self) -> list[int]:
        """The same for a rulebook without ``retention_days``, in which all of them count from one instant."""
        return sorted({offset for _, offset in self.stage_steps})

    @cached_property
    def all_offsets(self) -> list[int]:
        """``all_steps`` in the same way."""
        return sorted({offset for _, offset in self.all_steps})

    @cached_property
    def rhythm_conditions(self) -> list[Condition]:
        """The conditions that depend on customers' rhythms."""
        rules = [rule for stage in self.stages for rule in stage.rules]
        return [condition for rule in rules for condition in rule.conditions if condition.fact.needs_rhythm]

    def rhythm_offsets(self, interval: Micros) -> list[int]:
        """Return when rhythm alone may move a journey, in doubled µs after the last visit.

        Args:
            interval: The usual interval between visits in µs.
        """
        return [offset for condition in self.rhythm_conditions for offset in condition.rhythm_moments(interval)]

    @cached_property
    def last_step(self) -> int:
        """The greatest of ``all_steps``."""
        return self.all_steps[-1][1]

    @cached_property
    def lapse_not_before(self) -> int:
        """Doubled µs of inactivity before which no lapse rule can hold, in a rulebook without ``retention_days``."""
        if self.retains:
            return 0
        rules = [rule for stage in self.lapse for rule in stage.rules]
        return min((rule.not_before(self.scorer) for rule in rules), default=NEVER)

    @cached_property
    def all_steps(self) -> list[tuple[str, int]]:
        """``stage_steps``, and the steps at which a score may change."""
        days = {*self.scorer.risk_steps, *self.scorer.engagement_steps}
        score_steps = {("inactive", 2 * day * DAY + 1) for day in days}
        return sorted({*self.stage_steps, *score_steps}, key=lambda step: (step[1], step[0]))

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "stages": [stage.as_json() for stage in self.all_stages],
            "scoring": msgspec.to_builtins(self.scoring),
        }


def keys_with_role(stages: Iterable[Stage], role: Role) -> list[str]:
    """Return the keys of the stages with a role, including inactive stages."""
    return [stage.key for stage in stages if stage.role is role]


def rulebook_from(
    fields: object, *, version: int = 1, changed_at: Micros = EPOCH_MICROS, runs_actions: bool = False
) -> Rulebook:
    """Compile a rulebook from ``{"stages": […], "scoring": {…}}`` or a list of stages. Raises InvalidRule."""
    if isinstance(fields, list):
        fields = {"stages": fields}
    if not isinstance(fields, dict):
        raise InvalidRule("rules", 'expected {"stages": […], "scoring": {…}} or a list of stages')
    if unknown := sorted(set(fields) - {"stages", "scoring", "version"}):
        raise InvalidRule("rules", f"unknown field {unknown[0]!r}; allowed: stages, scoring")
    try:
        scoring = settings_from(fields.get("scoring") or {})
    except msgspec.ValidationError as error:
        raise InvalidRule("scoring", str(error)) from None
    described = fields.get("stages") or DEFAULT_STAGES
    if not isinstance(described, list):
        raise InvalidRule("stages", f"{described!r} is not a list of stages")
    stages = []
    for index, stage in enumerate(described):
        place = f"stages[{index}]"
        try:
            converted = msgspec.convert(stage, StageFields)
        except msgspec.ValidationError as error:
            raise InvalidRule(place, str(error)) from None
        order = index + 1 if converted.order_index is None else converted.order_index
        stages.append(Stage(converted, order, place))
    return Rulebook(stages, scoring, version, changed_at, runs_actions=runs_actions)


DEFAULT_RULEBOOK = rulebook_from({})
