"""``journey webhooks``: where a company's own systems are told of transitions."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Company, Data, finish, settle

webhooks = typer.Typer(help="Endpoints that are told of transitions; a secret is shown once.", no_args_is_help=True)

EndpointId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)]


@webhooks.command("add")
def webhooks_add(url: str, company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Tell another endpoint; its secret is shown once and never again.

    Example: [bold]journey webhooks add https://crm.example.com/hooks --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.add_endpoint(read_settings(), company, url, as_json))


@webhooks.command("list")
def webhooks_list(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Every endpoint; one that is off says why.

    Example: [bold]journey webhooks list --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.list_endpoints(read_settings(), company, as_json))


@webhooks.command("rotate")
def webhooks_rotate(
    endpoint_id: EndpointId,
    company: Company,
    finished: Annotated[bool, typer.Option("--finish", help="Forget the old secret; the new one is in use.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make a new secret; events are signed with both until --finish.

    Example: [bold]journey webhooks rotate 1 --company 1[/bold], and later [bold]… --finish[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    if finished:
        finish(keeping.finish_rotation(read_settings(), company, endpoint_id, as_json))
    else:
        finish(keeping.rotate_secret(read_settings(), company, endpoint_id, as_json))


@webhooks.command("enable")
def webhooks_enable(
    endpoint_id: EndpointId, company: Company, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Switch an endpoint on again, after it was switched off by hand or by an answer of 410.

    Example: [bold]journey webhooks enable 1 --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.switch_endpoint(read_settings(), company, endpoint_id, True, as_json))


@webhooks.command("disable")
def webhooks_disable(
    endpoint_id: EndpointId, company: Company, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Send nothing to an endpoint until it is switched on again.

    Example: [bold]journey webhooks disable 1 --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.switch_endpoint(read_settings(), company, endpoint_id, False, as_json))


@webhooks.command("remove")
def webhooks_remove(endpoint_id: EndpointId, company: Company, data: Data = Path(".journey")) -> None:
    """Forget an endpoint and its secrets.

    Example: [bold]journey webhooks remove 1 --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.remove_endpoint(read_settings(), company, endpoint_id))
