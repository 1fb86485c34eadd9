"""What a company's own template may consist of."""

from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from activities.message_catalogue import Template

LONGEST_SOURCE = {"subject": 1_000, "html": 100_000, "text": 20_000}  # characters

_PLAIN: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Filter,
    nodes.Keyword,
)
#: Not ``safe``: it would let a customer's name into the HTML as it is.
FILTERS = frozenset({"capitalize", "d", "default", "e", "escape", "lower", "title", "trim", "upper", "urlencode"})


class InvalidTemplate(ValueError):
    """A template that cannot be used: ``part`` (subject, html, text or name), ``problem``, ``line`` from 1 or None."""

    def __init__(self, part: str, problem: str, line: int | None = None) -> None:
        self.part, self.problem, self.line = part, problem, line
        super().__init__(f"{part}{f', line {line}' if line else ''}: {problem}")


_parser = Environment(autoescape=True)  # it only reads


def check_part(part: str, source: str, template: Template) -> set[str]:
    """The variables that this part uses. Raises InvalidTemplate."""
    if len(source) > LONGEST_SOURCE[part]:
        raise InvalidTemplate(part, f"longer than {LONGEST_SOURCE[part]} characters")
    if "\x00" in source:
        raise InvalidTemplate(part, "it has a NUL character")
    try:
        tree = _parser.parse(source)
    except TemplateSyntaxError as error:
        raise InvalidTemplate(part, error.message or "it cannot be read", error.lineno) from None
    except RecursionError:
        raise InvalidTemplate(part, "it is too deeply nested") from None
    used = set()
    for node in _every(tree):
        _check_node(part, node, template)
        if isinstance(node, nodes.Name):
            used.add(node.name)
    return used


def _every(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Each node before what is inside of it, in the order in which they are written."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(node.iter_child_nodes())))


def _check_node(part: str, node: Any, template: Template) -> None:
    if not isinstance(node, _PLAIN):
        what = type(node).__name__.lower()
        raise InvalidTemplate(part, f"{what} is not for messages; only variables, if, and filters are", node.lineno)
    if isinstance(node, nodes.Name) and node.name not in template.variables:
        allowed = ", ".join(template.variables)
        raise InvalidTemplate(part, f"unknown variable {node.name!r}; allowed: {allowed}", node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise InvalidTemplate(part, f"unknown filter {node.name!r}; allowed: {', '.join(sorted(FILTERS))}", node.lineno)
