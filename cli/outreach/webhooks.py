"""``journey webhooks``: endpoints that receive a company's transitions."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from activities.channels.webhook import WebhookChannel, new_secret
from cli.database import ACTOR, pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import console, print_json, print_not_found, print_result, print_rows
from db.connections import tenant_transaction
from db.outreach import webhook_endpoints
from settings import Settings

app = command_app("Manage webhook endpoints.")

EndpointId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)]


@app.command("add")
def webhooks_add(url: str, company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Add an endpoint. Its signing secret is shown only once.

    Example: [bold]journey webhooks add https://crm.example.com/hooks --company 1[/bold]
    """
    run(data, lambda settings: add_endpoint(settings, company, url, as_json))


@app.command("list")
def webhooks_list(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List all endpoints; disabled ones with the reason.

    Example: [bold]journey webhooks list --company 1[/bold]
    """
    run(data, lambda settings: list_endpoints(settings, company, as_json))


@app.command("rotate")
def webhooks_rotate(
    endpoint_id: EndpointId,
    company: Company,
    finished: Annotated[bool, typer.Option("--finish", help="Finish the rotation: delete the old secret.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Create a new signing secret. Events are signed with both secrets until --finish.

    Example: [bold]journey webhooks rotate 1 --company 1[/bold]

    Example: [bold]journey webhooks rotate 1 --company 1 --finish[/bold]
    """
    if finished:
        run(data, lambda settings: finish_rotation(settings, company, endpoint_id, as_json))
    else:
        run(data, lambda settings: rotate_secret(settings, company, endpoint_id, as_json))


@app.command("enable")
def webhooks_enable(
    endpoint_id: EndpointId, company: Company, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Enable an endpoint that was disabled manually or after it returned 410.

    Example: [bold]journey webhooks enable 1 --company 1[/bold]
    """
    run(data, lambda settings: switch_endpoint(settings, company, endpoint_id, True, as_json))


@app.command("disable")
def webhooks_disable(
    endpoint_id: EndpointId, company: Company, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Disable an endpoint.

    Example: [bold]journey webhooks disable 1 --company 1[/bold]
    """
    run(data, lambda settings: switch_endpoint(settings, company, endpoint_id, False, as_json))


@app.command("remove")
def webhooks_remove(endpoint_id: EndpointId, company: Company, data: Data = Path(".journey")) -> None:
    """Delete an endpoint and its secrets.

    Example: [bold]journey webhooks remove 1 --company 1[/bold]
    """
    run(data, lambda settings: remove_endpoint(settings, company, endpoint_id))


async def list_endpoints(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        found = await webhook_endpoints.list_all(connection, company)
    return print_result(found, as_json, "No endpoints yet. Add one with: journey webhooks add URL")


async def add_endpoint(settings: Settings, company: int, url: str, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for a URL that is not allowed."""
    try:
        WebhookChannel(settings.webhook_allow.split(",")).check(url)
    except ValueError as error:
        raise ValueError(f"URL: {error}") from None
    secret = new_secret()
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.add(connection, company, url, secret, ACTOR)
    return _with_secret(endpoint, secret, as_json)


async def rotate_secret(settings: Settings, company: int, endpoint_id: int, as_json: bool) -> int:
    """Returns 1 for an unknown endpoint. Raises ValueError (exit code 2) during another rotation."""
    secret = new_secret()
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.rotate_secret(connection, company, endpoint_id, secret, ACTOR)
    return _with_secret(endpoint, secret, as_json) if endpoint else print_not_found(_no_endpoint(company, endpoint_id))


async def finish_rotation(settings: Settings, company: int, endpoint_id: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.finish_rotation(connection, company, endpoint_id, ACTOR)
    return _shown(endpoint, as_json) if endpoint else print_not_found(_no_endpoint(company, endpoint_id))


async def switch_endpoint(settings: Settings, company: int, endpoint_id: int, on: bool, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.set_active(connection, company, endpoint_id, active=on, actor=ACTOR)
    return _shown(endpoint, as_json) if endpoint else print_not_found(_no_endpoint(company, endpoint_id))


async def remove_endpoint(settings: Settings, company: int, endpoint_id: int) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        removed = await webhook_endpoints.delete(connection, company, endpoint_id, ACTOR)
    if not removed:
        return print_not_found(_no_endpoint(company, endpoint_id))
    console.print(f"Endpoint {endpoint_id} and its secrets deleted.")
    return 0


def _with_secret(endpoint: dict[str, Any], secret: str, as_json: bool) -> int:
    if as_json:
        print_json({**endpoint, "secret": secret})
    else:
        console.print(f"Endpoint {endpoint['id']}, {escape(endpoint['url'])}. Its signing secret, shown only once:")
        console.print(f"[bold]{secret}[/bold]", markup=True, soft_wrap=True)
    return 0


def _shown(endpoint: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(endpoint)
    else:
        print_rows([endpoint], "")
    return 0


def _no_endpoint(company: int, endpoint_id: int) -> str:
    return f"Company {company} has no endpoint {endpoint_id}"
