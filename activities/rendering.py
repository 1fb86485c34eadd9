"""Render messages from built-in templates or a company's own.

A company's template is deliberately limited to text, variables, conditions and a few filters. Without loops, calls and
arithmetic it cannot run long, grow large, or reach anything that it was not given. Values such as a customer's name are
escaped in HTML, reduced to one line, and never interpreted as a template.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from html import escape, unescape
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from activities.channels.registry import channel_spec
from activities.channels.text import one_line
from activities.message_catalogue import TEMPLATES, Template
from activities.template_check import FILTERS, InvalidTemplate, check_part
from journey.locales import normalized_locale

__all__ = ["TEMPLATES", "CompanyTemplate", "InvalidTemplate", "Rendered", "check_template", "fallbacks", "render"]

FOLDER = Path(__file__).with_name("templates")
MAX_RENDERED = 200_000  # characters of one rendered part
MAX_SUBJECT = 200
MAX_VALUE = 500
MAX_LINK = 2000
FALLBACK_LOCALE = "en"
SUFFIXES = {"subject": ".subject", "html": ".html", "text": ".txt"}  # of the built-in templates' files


@dataclass(frozen=True)
class Rendered:
    """A rendered message. ``subject`` is one line; parts that the channel does not have are empty (``html``: None)."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True)
class CompanyTemplate:
    """A company's own template of a message. Parts that the channel does not have are ignored."""

    subject: str
    html: str | None
    text: str


def fallbacks(locale: str | None) -> list[str]:
    """Return the locales in which to look for a template, best first: ``de-AT`` gives ``de-AT``, ``de``, ``en``."""
    locales = []
    if normal := normalized_locale(locale or ""):
        parts = normal.split("-")
        locales = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return list(dict.fromkeys([*locales, FALLBACK_LOCALE]))


def render(
    name: str, locale: str | None, context: Mapping[str, Any], override: CompanyTemplate | None = None
) -> Rendered:
    """Render a message from the company's own template, else from the built-in one in the best available language.

    Args:
        name: A key of `TEMPLATES`.
        locale: The recipient's BCP 47 locale.
        context: The values of the message's variables; optional ones may be missing.
        override: The company's own template.

    Raises:
        InvalidTemplate: The template cannot be rendered.
        ValueError: The message is unknown, or a required variable is missing.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise ValueError(_unknown(name))
    values = _values(template, context)
    sources = _company_template(template, override) if override else _built_in_template(template, locale)
    rendered = {part: _render_part(source, values, name, part) for part, source in sources.items()}
    if override is not None and template.marketing:
        rendered = _with_unsubscribe_link(rendered, values["unsubscribe_url"])
    text = rendered["text"].strip() + "\n" if "text" in rendered else ""
    return Rendered(one_line(rendered.get("subject", ""), MAX_SUBJECT), text, rendered.get("html") or None)


def check_template(name: str, subject: str, html: str | None, text: str) -> None:
    """Check that a company's own template can be saved.

    Raises InvalidTemplate with the part, the line and what is allowed.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise InvalidTemplate("name", _unknown(name))
    channel = channel_spec(template.channel)
    if html and "html" not in channel.template_parts:
        raise InvalidTemplate("html", f"{channel.messages} have no HTML part")
    own = CompanyTemplate(subject, html, text)
    for part, source in _parts(template, own).items():
        if not source.strip():
            raise InvalidTemplate(part, "must not be empty")
        used = check_part(part, source, template)
        if part != "subject" and template.marketing and "unsubscribe_url" not in used:
            raise InvalidTemplate(part, "a marketing message must contain {{ unsubscribe_url }}")
    examples = dict.fromkeys(template.variables, "Example")
    examples |= {variable: "https://example.com/" for variable in examples if variable.endswith("_url")}
    required = {variable: examples[variable] for variable in template.required}
    for context in (examples, required):
        if not render(name, None, context, own).text.strip():
            raise InvalidTemplate("text", "must not be empty when all optional variables are")


def _with_unsubscribe_link(rendered: Mapping[str, str], url: str) -> dict[str, str]:
    """Add the link to parts that lack it: conditions may hide it, and older templates were saved without it."""
    link = {"text": f"\n\nUnsubscribe: {url}", "html": f'<p><a href="{escape(url)}">Unsubscribe</a></p>'}
    return {
        part: text + link[part] if url and part in link and text and url not in unescape(text) else text
        for part, text in rendered.items()
    }


def _unknown(name: str) -> str:
    return f"there is no message {name!r}; the messages are {', '.join(TEMPLATES)}"


def _parts(template: Template, own: CompanyTemplate) -> dict[str, str]:
    """Return the company's sources of the parts that the channel has; ``html`` is optional."""
    sources = {part: getattr(own, part) for part in channel_spec(template.channel).template_parts}
    return {part: source for part, source in sources.items() if source is not None}


def _values(template: Template, context: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables as single lines: a line break in a name must not end a header or start a paragraph."""
    if missing := [variable for variable in template.required if context.get(variable) in (None, "")]:
        raise ValueError(f"{template.name} needs {', '.join(missing)}")
    return {variable: _value(variable, context.get(variable)) for variable in template.variables}


def _value(variable: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if not variable.endswith("_url"):
        return one_line(str(value), MAX_VALUE)
    link = str(value)
    if not re.fullmatch(r"https?://[^\s<>\"']+", link) or len(link) > MAX_LINK:
        raise ValueError(f"{variable} is not an http link")
    return link


def _default(value: str, default_value: str = "", boolean: bool = True) -> str:
    """Like Jinja's ``default``, but also replaces an empty value unless ``boolean`` is false."""
    return value or default_value if boolean else value


def _named(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter so that its errors name it, and its result is limited."""

    @wraps(apply)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        try:
            result = apply(*args, **kwargs)
        except Exception as error:
            raise TemplateRuntimeError(f"the filter {name!r} cannot be applied like this") from error
        if isinstance(result, str) and len(result) > MAX_RENDERED:  # repeated escaping lets a value grow
            raise TemplateRuntimeError(f"the filter {name!r} returns more than {MAX_RENDERED} characters")
        return result

    return filtered


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox without globals."""

    def __init__(self, *, html: bool, built_in: bool) -> None:
        super().__init__(
            autoescape=html,
            undefined=StrictUndefined,
            loader=FileSystemLoader(FOLDER) if built_in else None,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
            optimized=built_in,  # the optimiser evaluates a chain of filters again for each of its filters
        )
        self.globals.clear()
        self.filters["default"] = self.filters["d"] = _default
        for name in FILTERS:
            self.filters[name] = _named(name, self.filters[name])


_HTML, _TEXT = _Environment(html=True, built_in=True), _Environment(html=False, built_in=True)
_COMPANY_HTML, _COMPANY_TEXT = _Environment(html=True, built_in=False), _Environment(html=False, built_in=False)


def _built_in_template(template: Template, locale: str | None) -> dict[str, Compiled]:
    for language in fallbacks(locale):
        if (FOLDER / language.lower() / f"{template.name}.txt").is_file():
            break
    else:
        raise InvalidTemplate("name", f"there is no built-in template of {template.name}")
    path = f"{language.lower()}/{template.name}"
    return {
        part: (_HTML if part == "html" else _TEXT).get_template(path + SUFFIXES[part])
        for part in channel_spec(template.channel).template_parts
    }


def _company_template(template: Template, own: CompanyTemplate) -> dict[str, Compiled]:
    return {part: _compile(template.name, part, source) for part, source in _parts(template, own).items()}


@lru_cache(maxsize=256)
def _compile(name: str, part: str, source: str) -> Compiled:
    check_part(part, source, TEMPLATES[name], max_expressions=None)
    try:
        return (_COMPANY_HTML if part == "html" else _COMPANY_TEXT).from_string(source)
    except TemplateSyntaxError as error:
        raise InvalidTemplate(part, error.message or "invalid syntax", error.lineno) from None
    except (SyntaxError, RecursionError, MemoryError):
        raise InvalidTemplate(part, "too deeply nested") from None


def _render_part(compiled: Compiled, values: Mapping[str, str], name: str, part: str) -> str:
    pieces, length = [], 0
    try:
        for piece in compiled.generate(values):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_RENDERED:
                break
    except UndefinedError as error:
        raise InvalidTemplate(part, f"{error.message}; allowed: {', '.join(TEMPLATES[name].variables)}") from None
    except TemplateRuntimeError as error:
        raise InvalidTemplate(part, f"cannot be rendered: {error.message}") from None
    except Exception as error:  # noqa: BLE001 - the company's own source failed, whatever the error is
        raise InvalidTemplate(part, f"cannot be rendered: {type(error).__name__}") from None
    if length > MAX_RENDERED:
        raise InvalidTemplate(part, f"rendered to more than {MAX_RENDERED} characters")
    return "".join(pieces)
