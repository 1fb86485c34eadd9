"""Check that a company's own template uses only what is allowed."""

from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from activities.message_catalogue import Template
from journey.text import STORABLE_TEXT, is_storable

MAX_DIGITS = 15  # of a number; larger ones cannot be converted to text exactly, or at all
MAX_NUMBER = 10**MAX_DIGITS
MAX_SOURCE = {"subject": 1_000, "html": 100_000, "text": 20_000}  # characters
MAX_EXPRESSIONS = 1_000  # of one part: variables, literals, filters, conditions; each takes 0.1 ms to compile

_ALLOWED_NODES: tuple[type[nodes.Node], ...] = (
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
_TEXT_NODES = (nodes.Template, nodes.Output, nodes.TemplateData)  # what the text between expressions consists of
#: Without ``safe``, which would insert a customer's name into the HTML unescaped.
FILTERS = frozenset({"capitalize", "d", "default", "e", "escape", "lower", "title", "trim", "upper", "urlencode"})


_NUMBER = f"contains a number that is too large; write it as text in quotes, or with at most {MAX_DIGITS} digits"


class InvalidTemplate(ValueError):
    """A problem in one part of a template (subject, html, text or name); ``line`` is from 1, or None."""

    def __init__(self, part: str, problem: str, line: int | None = None) -> None:
        self.part, self.problem, self.line = part, problem, line
        super().__init__(f"{part}{f', line {line}' if line else ''}: {problem}")

    def __reduce__(self) -> tuple[type["InvalidTemplate"], tuple[str, str, int | None]]:
        return type(self), (self.part, self.problem, self.line)  # it is raised in another process


_parser = Environment(autoescape=True)  # never renders


def check_part(part: str, source: str, template: Template, max_expressions: int | None = MAX_EXPRESSIONS) -> set[str]:
    """Check one part and return the variables that it uses.

    Args:
        max_expressions: None for a saved template: one that was saved before this limit existed is still sent.

    Raises:
        InvalidTemplate: It contains something that is not allowed, or is too large.
    """
    if len(source) > MAX_SOURCE[part]:
        raise InvalidTemplate(part, f"longer than {MAX_SOURCE[part]} characters")
    if not is_storable(source):
        raise InvalidTemplate(part, f"must be {STORABLE_TEXT}")
    try:
        tree = _parser.parse(source)
    except TemplateSyntaxError as error:
        raise InvalidTemplate(part, error.message or "invalid syntax", error.lineno) from None
    except RecursionError:
        raise InvalidTemplate(part, "too deeply nested") from None
    except ValueError:  # Python converts at most 4300 digits
        raise InvalidTemplate(part, _NUMBER) from None
    used = set()
    expressions = 0
    for node in _walk(tree):
        _check_node(part, node, template)
        expressions += not isinstance(node, _TEXT_NODES)
        if max_expressions is not None and expressions > max_expressions:
            problem = f"more than {max_expressions} variables, values, filters and conditions; shorten it"
            raise InvalidTemplate(part, problem, node.lineno)
        if isinstance(node, nodes.Name):
            used.add(node.name)
    return used


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Yield all nodes in source order, without recursion: a template may be deeply nested."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(node.iter_child_nodes())))


def _check_node(part: str, node: Any, template: Template) -> None:
    if not isinstance(node, _ALLOWED_NODES):
        kind = type(node).__name__.lower()
        raise InvalidTemplate(part, f"{kind} is not allowed; use text, variables, if, and filters", node.lineno)
    if isinstance(node, nodes.Name) and node.name not in template.variables:
        allowed = ", ".join(template.variables)
        raise InvalidTemplate(part, f"unknown variable {node.name!r}; allowed: {allowed}", node.lineno)
    if (
        isinstance(node, nodes.Const)
        and isinstance(node.value, int | float)
        and not -MAX_NUMBER < node.value < MAX_NUMBER
    ):
        raise InvalidTemplate(part, _NUMBER, node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise InvalidTemplate(part, f"unknown filter {node.name!r}; allowed: {', '.join(sorted(FILTERS))}", node.lineno)
