"""The rules that a preview compares."""

from __future__ import annotations

from typing import NamedTuple

from db.connections import Connection
from db.journeys import rulebook_versions
from db.journeys.rule_previews import RulePreview
from db.journeys.rulebooks import RulebookCache
from journey.rules_preview import rulebook_after
from journey.stages import Rulebook
from journey.time import Micros, to_micros


class Rulebooks(NamedTuple):
    """The rules before and after the change that a preview is about."""

    old: Rulebook
    new: Rulebook
    as_of: Micros
    since: Micros | None


async def rulebooks_of(
    connection: Connection, cache: RulebookCache, company_id: int, preview: RulePreview
) -> Rulebooks:
    """Return the rules that a preview compares. Raises LookupError if the old ones are not on record."""
    old = await cache.load(connection, company_id)
    if old.version != preview.base_version:  # changed since; the company's medians are those of today
        version = await rulebook_versions.find(connection, company_id, preview.base_version)
        if version is None:
            raise LookupError(f"version {preview.base_version} of the rules is not on record")
        old = version.rulebook().with_medians(old.medians)
    as_of = to_micros(preview.as_of)
    new = rulebook_after(old, preview.stages, preview.scoring, as_of)
    return Rulebooks(old, new, as_of, None if preview.since is None else to_micros(preview.since))
