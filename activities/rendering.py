"""Messages from templates: ours, or a company's own.

A company's template is a small language on purpose: text, variables, conditions and a few filters. Without loops,
calls and arithmetic it cannot run long, grow large, or reach anything that it was not given. What a customer is called
is only ever a value: it is escaped in HTML, one line everywhere, and never read as a template.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from activities.channels.text import one_line
from activities.message_catalogue import TEMPLATES, Template
from activities.template_check import InvalidTemplate, check_part

__all__ = [
    "TEMPLATES",
    "InvalidTemplate",
    "Own",
    "Rendered",
    "check_template",
    "date_text",
    "fallbacks",
    "render",
]

FOLDER = Path(__file__).with_name("templates")
LONGEST = 200_000  # characters of one rendered part
LONGEST_SUBJECT = 200
LONGEST_VALUE = 500
LONGEST_LINK = 2000
FALLBACK = "en"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Rendered:
    """A message as it goes out. ``subject`` is one line, and empty for an SMS; ``html`` is None for one, too."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True)
class Own:
    """A company's own template of a message. An SMS has only ``text``; without ``html`` a mail is text alone."""

    subject: str
    html: str | None
    text: str


def fallbacks(locale: str | None) -> list[str]:
    """Where to look for a template, best first: ``de-AT`` gives ``de-AT``, ``de``, ``en``."""
    found = []
    if locale and _LANGUAGE.fullmatch(locale):
        parts = locale.split("-")
        found = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return list(dict.fromkeys([*found, FALLBACK]))


def date_text(day: date, locale: str | None = None) -> str:
    """A day for people: ``14 March 2027``, in a language that we have no months of ``2027-03-14``."""
    english = not locale or locale.lower().partition("-")[0] == "en"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}" if english else day.isoformat()


def render(name: str, locale: str | None, context: Mapping[str, Any], override: Own | None = None) -> Rendered:
    """The message ``name`` (see TEMPLATES) in the best language that there is, or from the company's own template.

    ``context``: the message's variables; optional ones may be left out. Raises InvalidTemplate for a template that
    cannot be rendered, ValueError for an unknown name or a required variable that is missing.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise ValueError(f"no message is called {name!r}; there are {', '.join(TEMPLATES)}")
    values = _values(template, context)
    source = _own(template, override) if override else _ours(template, locale)
    subject = source["subject"] and _filled(source["subject"], values, name, "subject")
    html = source["html"] and _filled(source["html"], values, name, "html")
    text = _filled(source["text"], values, name, "text").strip() + "\n" if source["text"] else ""
    return Rendered(one_line(subject or "", LONGEST_SUBJECT), text, html or None)


def check_template(name: str, subject: str, html: str | None, text: str) -> None:
    """Whether a company's own template can be saved. Raises InvalidTemplate with its part, line and what is allowed."""
    template = TEMPLATES.get(name)
    if template is None:
        raise InvalidTemplate("name", f"no message is called {name!r}; there are {', '.join(TEMPLATES)}")
    if template.channel == "sms" and html:
        raise InvalidTemplate("html", "an SMS has only text")
    own = Own(subject, html, text)
    for part, source in _parts(template, own).items():
        if not source.strip():
            raise InvalidTemplate(part, "it is empty")
        used = check_part(part, source, template)
        if part != "subject" and template.marketing and "unsubscribe_url" not in used:
            raise InvalidTemplate(part, "marketing needs a way out: {{ unsubscribe_url }}")
    filled = dict.fromkeys(template.variables, "Example")
    filled |= {variable: "https://example.com/" for variable in filled if variable.endswith("_url")}
    required = {variable: filled[variable] for variable in template.required}
    for context in (filled, required):
        if not render(name, None, context, own).text.strip():
            raise InvalidTemplate("text", "it is empty when the optional variables are")


def _parts(template: Template, own: Own) -> dict[str, str]:
    if template.channel == "sms":
        return {"text": own.text}
    html = {} if own.html is None else {"html": own.html}
    return {"subject": own.subject, **html, "text": own.text}


def _values(template: Template, context: Mapping[str, Any]) -> dict[str, str]:
    """The variables as one-line texts: a line break in a name must not end a header or begin a paragraph."""
    if missing := [variable for variable in template.required if context.get(variable) in (None, "")]:
        raise ValueError(f"{template.name} needs {', '.join(missing)}")
    return {variable: _value(variable, context.get(variable)) for variable in template.variables}


def _value(variable: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if not variable.endswith("_url"):
        return one_line(str(value), LONGEST_VALUE)
    link = str(value)
    if not re.fullmatch(r"https?://[^\s<>\"']+", link) or len(link) > LONGEST_LINK:
        raise ValueError(f"{variable} is no http link")
    return link


def _default(value: str, instead: str = "", even_if_empty: bool = True) -> str:
    return value or instead if even_if_empty else value


class _Environment(ImmutableSandboxedEnvironment):
    """Knows no globals; ``default`` stands in for an empty variable, too."""

    def __init__(self, *, html: bool, ours: bool) -> None:
        super().__init__(
            autoescape=html,
            undefined=StrictUndefined,
            loader=FileSystemLoader(FOLDER) if ours else None,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
        )
        self.globals.clear()
        self.filters["default"] = self.filters["d"] = _default


_HTML, _TEXT = _Environment(html=True, ours=True), _Environment(html=False, ours=True)
_OWN_HTML, _OWN_TEXT = _Environment(html=True, ours=False), _Environment(html=False, ours=False)


def _ours(template: Template, locale: str | None) -> dict[str, Compiled | None]:
    for language in fallbacks(locale):
        if (FOLDER / language.lower() / f"{template.name}.txt").is_file():
            break
    else:
        raise InvalidTemplate("name", f"no template of {template.name}")
    place = f"{language.lower()}/{template.name}"
    if template.channel == "sms":
        return {"subject": None, "html": None, "text": _TEXT.get_template(f"{place}.txt")}
    return {
        "subject": _TEXT.get_template(f"{place}.subject"),
        "html": _HTML.get_template(f"{place}.html"),
        "text": _TEXT.get_template(f"{place}.txt"),
    }


def _own(template: Template, own: Own) -> dict[str, Compiled | None]:
    found: dict[str, Compiled | None] = dict.fromkeys(("subject", "html", "text"))
    return found | {part: _compiled(template.name, part, source) for part, source in _parts(template, own).items()}


@lru_cache(maxsize=256)
def _compiled(name: str, part: str, source: str) -> Compiled:
    check_part(part, source, TEMPLATES[name])
    try:
        return (_OWN_HTML if part == "html" else _OWN_TEXT).from_string(source)
    except TemplateSyntaxError as error:
        raise InvalidTemplate(part, error.message or "it cannot be read", error.lineno) from None
    except (SyntaxError, RecursionError, MemoryError):
        raise InvalidTemplate(part, "it is too deeply nested") from None


def _filled(compiled: Compiled, values: Mapping[str, str], name: str, part: str) -> str:
    pieces, length = [], 0
    try:
        for piece in compiled.generate(values):
            pieces.append(piece)
            length += len(piece)
            if length > LONGEST:
                break
    except UndefinedError as error:
        raise InvalidTemplate(part, f"{error.message}; allowed: {', '.join(TEMPLATES[name].variables)}") from None
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise InvalidTemplate(part, f"it cannot be rendered: {type(error).__name__}") from None
    if length > LONGEST:
        raise InvalidTemplate(part, f"it makes more than {LONGEST} characters")
    return "".join(pieces)
