"""Stages and rules as a file: YAML or JSON, read strictly and written so that it can be read again."""

import json
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from journey.rulebook_problems import CHANGE_FIELDS

_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Refuses keys that are no texts, and a key that comes twice, of which YAML libraries silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag not in (_TEXT, _MERGE):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} comes twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_rules(file: str) -> dict[str, Any]:
    """Return ``{"stages": …}`` and what else the file has of `CHANGE_FIELDS`; a list alone is taken as the stages.

    Args:
        file: A file, or ``-`` for standard input. JSON is recognised by its first character or the ending ``.json``.

    Raises:
        ValueError: It cannot be read, or is no such document. What is in its stages is not checked here.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    is_json = file.endswith(".json") or text.lstrip()[:1] in ("{", "[")
    try:
        found = json.loads(text, object_pairs_hook=_once) if is_json else _Loader(text).get_single_data()
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"{file}: not {'JSON' if is_json else 'YAML'}: {error}") from None
    if isinstance(found, list):
        found = {"stages": found}
    if not isinstance(found, dict):
        raise ValueError(f"{file}: a list of stages is required, or an object with the key 'stages'")
    if unknown := [name for name in found if name not in CHANGE_FIELDS]:
        raise ValueError(f"{file}: {unknown[0]!r} is unknown; allowed: {', '.join(CHANGE_FIELDS)}")
    return found


def as_yaml(rules: dict[str, Any]) -> str:
    plain = json.loads(json.dumps(rules))  # an enumeration is a plain string in the file
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"{key!r} comes twice")
        seen[key] = value
    return seen
