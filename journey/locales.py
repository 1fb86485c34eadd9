"""Language tags (BCP 47), for every place that takes, compares or stores one."""

import re

#: a template's language tag, in its normal form, for JSON schemas and `re.fullmatch`
TEMPLATE_LOCALE = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"

_TAG = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:-(?P<script>[A-Za-z]{4}))?(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
)


def normalized_locale(text: str) -> str | None:
    """Return a language tag as BCP 47 (RFC 5646, 2.1.1) writes it: ``de-AT`` for ``DE-at``; None if it is not one."""
    tag = _TAG.fullmatch(text)
    if not tag:
        return None
    script, region = (tag["script"] or "").title(), (tag["region"] or "").upper()
    return "-".join(filter(None, (tag["language"].lower(), script, region))) + tag["variants"].lower()
