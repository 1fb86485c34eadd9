"""Preview messages with example values instead of a customer's."""

from activities import rendering
from activities.message_catalogue import TEMPLATES
from activities.template_variables import VARIABLES


def preview(
    name: str, locale: str | None, company_name: str, own: rendering.CompanyTemplate | None = None
) -> rendering.Rendered:
    """Render the message ``name`` from the company's ``own`` template, else from the built-in one for the locale.

    Raises:
        ValueError: There is no such message.
        InvalidTemplate: The template cannot be rendered.
    """
    if name not in TEMPLATES:
        raise ValueError(f"there is no message {name!r}; the messages are {', '.join(TEMPLATES)}")
    examples = {variable: VARIABLES[variable].example for variable in TEMPLATES[name].variables}
    return rendering.render(name, locale, {**examples, "company_name": company_name}, own)
