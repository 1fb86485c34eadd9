"""The parts of PromQL and of Prometheus's text format that our own expressions and metrics use."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]

_LABEL = r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"'
# In this order: quotes and braces belong to a selector, brackets hold a range.
_TOKEN = re.compile(
    rf"""(?P<grouping>\b(?:by|on)\s*\(([^)]*)\))
    |(?P<name>[a-zA-Z_:][\w:]*)\s*(?:(?P<call>\(|(?=by\b))|(?P<matchers>\{{\s*(?:{_LABEL}\s*,?\s*)*\}})?)
    |\[[^\]]*\]|"[^"]*"|[\d.]+""",
    re.VERBOSE,
)
_OPERATORS = {"and", "or", "unless", "bool"}


@dataclass(frozen=True)
class Selector:
    """A metric with its matchers (label, operator, value), and the labels that the expression groups it by."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    grouped_by: frozenset[str]

    def selects(self, name: str, labels: Labels) -> bool:
        return name == self.name and all(
            (re.fullmatch(value, labels.get(label, "")) is not None if "~" in operator else labels.get(label) == value)
            != operator.startswith("!")
            for label, operator, value in self.matchers
        )

    def found(self, samples: Sequence[Sample]) -> list[Sample]:
        return [sample for sample in samples if self.selects(sample[0], sample[1])]


def selectors(expression: str) -> Iterator[Selector]:
    """Every selector of an expression, in order; Grafana's variables must have been replaced."""
    groups: set[str] = set()
    for token in _TOKEN.finditer(expression):
        if token["grouping"]:
            groups |= {label.strip() for label in token[2].split(",")}
        elif token["name"] and token["call"] is None and token["name"] not in _OPERATORS:
            yield Selector(token["name"], tuple(re.findall(_LABEL, token["matchers"] or "")), frozenset(groups))
            groups = set()


def scraped(text: str, **more: str) -> list[Sample]:
    """Parse the samples of a scrape, with the labels that Prometheus adds (`job`)."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [_sample(line, more) for line in lines]


def _sample(line: str, more: Labels) -> Sample:
    match = re.fullmatch(r"([\w:]+)(?:\{(.*)\})? (\S+)", line)
    assert match, line
    labels = {label: value for label, _, value in re.findall(_LABEL, match[2] or "")}
    return match[1], {**labels, **more}, float(match[3])
