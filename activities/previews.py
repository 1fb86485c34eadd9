"""What a message would look like, with example values in place of a customer's."""

from collections.abc import Mapping

from activities import rendering
from activities.message_catalogue import TEMPLATES

#: One value for each variable that any message knows.
EXAMPLES: Mapping[str, str] = {
    "company_name": "Example company",
    "name": "Ada Example",
    "unsubscribe_url": "https://example.com/u/example",
    "feedback_url": "https://example.com/f/example",
    "offer_code": "BACK-7K2F9Q",
    "offer_percent": "15",
    "offer_until": "31 March 2027",
    "manager_name": "Grace Example",
    "staff_name": "Grace Example",
    "customer_name": "Ada Example",
    "customer_id": "c-1001",
    "days_inactive": "91",
    "risk": "0.60",
    "reason": "days_since_last_appointment",
    "dashboard_url": "https://example.com/customers/c-1001",
}


def preview(name: str, locale: str | None, company_name: str, own: rendering.Own | None = None) -> rendering.Rendered:
    """The message ``name`` as a customer would get it: from ``own``, else from our own template for the locale.

    Raises ValueError for a name that no message has, InvalidTemplate for a template that cannot be rendered.
    """
    if name not in TEMPLATES:
        raise ValueError(f"no message is called {name!r}; there are {', '.join(TEMPLATES)}")
    context = {variable: EXAMPLES.get(variable, "Example") for variable in TEMPLATES[name].variables}
    return rendering.render(name, locale, {**context, "company_name": company_name}, own)
