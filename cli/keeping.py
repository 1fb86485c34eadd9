"""What a company's admin keeps by command: staff, webhook endpoints, outreach settings."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.markup import escape

from activities.channels.webhook import WebhookChannel, new_secret
from cli.desk import pool_for
from cli.output import console, print_json, print_rows
from db.connections import tenant_transaction
from db.outreach import outreach_settings, webhook_endpoints
from db.people import staff
from journey.outreach import outreach_from
from settings import Settings

ACTOR = "command line"  # for the audit log


async def add_person(settings: Settings, company: int, name: str, role: str, email: str | None, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for a name or an address that is none."""
    from api.field_types import Email, PersonName  # the framework beneath it takes a moment

    _checked("name", PersonName, name)
    if email is not None:
        _checked("--email", Email, email)
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        person = await staff.add(connection, company, name=name, role=role, email=email, actor=ACTOR)
    if as_json:
        print_json(person)
    else:
        console.print(f"{escape(person['name'])} is {person['id']} of the staff ({role})")
    return 0


def _checked(what: str, kind: Any, value: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{what}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


async def list_staff(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        people = await staff.list_all(connection, company)
    return _print(people, as_json, "nobody yet: journey staff add NAME --role manager")


async def remove_person(settings: Settings, company: int, staff_id: int) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        person = await staff.update(connection, company, staff_id, {"is_active": False}, ACTOR)
    if person is None:
        return _none(f"company {company} has no person {staff_id}")
    console.print(f"{escape(person['name'])} gets nothing more; {person['open_tasks']} open tasks are to be assigned")
    return 0


async def list_endpoints(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        found = await webhook_endpoints.list_all(connection, company)
    return _print(found, as_json, "no endpoint yet: journey webhooks add URL")


async def add_endpoint(settings: Settings, company: int, url: str, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for a URL that may not be told."""
    try:
        WebhookChannel(settings.webhook_allow.split(",")).check(url)
    except ValueError as error:
        raise ValueError(f"URL: {error}") from None
    secret = new_secret()
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.add(connection, company, url, secret, ACTOR)
    return _with_secret(endpoint, secret, as_json)


async def rotate_secret(settings: Settings, company: int, endpoint_id: int, as_json: bool) -> int:
    """1 where there is no such endpoint; ValueError (exit code 2) while a rotation is under way."""
    secret = new_secret()
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.rotate_secret(connection, company, endpoint_id, secret, ACTOR)
    return _with_secret(endpoint, secret, as_json) if endpoint else _none(_no_endpoint(company, endpoint_id))


async def finish_rotation(settings: Settings, company: int, endpoint_id: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.finish_rotation(connection, company, endpoint_id, ACTOR)
    return _shown(endpoint, as_json) if endpoint else _none(_no_endpoint(company, endpoint_id))


async def switch_endpoint(settings: Settings, company: int, endpoint_id: int, on: bool, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        endpoint = await webhook_endpoints.set_active(connection, company, endpoint_id, active=on, actor=ACTOR)
    return _shown(endpoint, as_json) if endpoint else _none(_no_endpoint(company, endpoint_id))


async def remove_endpoint(settings: Settings, company: int, endpoint_id: int) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        removed = await webhook_endpoints.delete(connection, company, endpoint_id, ACTOR)
    if not removed:
        return _none(_no_endpoint(company, endpoint_id))
    console.print(f"endpoint {endpoint_id} is forgotten")
    return 0


async def show_outreach(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        found = await outreach_settings.load(connection, company)
    assert found is not None
    return _outreach(found[1], as_json)


async def set_outreach(settings: Settings, company: int, file: Path, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for a file that is none of settings; journey.outreach.InvalidOutreach is one."""
    given = _read(file)
    outreach_from(given)
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        await outreach_settings.put(connection, company, given or {}, ACTOR)
    return _outreach(given, as_json)


def _read(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: {error}") from None


def _outreach(saved: Any, as_json: bool) -> int:
    shown = msgspec.to_builtins(outreach_from(saved))
    if as_json:
        print_json(shown)
        return 0
    shown["campaign"] = ", ".join(f"day {step['day']} {step['type']}" for step in shown["campaign"]) or "none"
    print_rows([{"setting": name, "value": value} for name, value in shown.items()], "")
    return 0


def _with_secret(endpoint: dict[str, Any], secret: str, as_json: bool) -> int:
    if as_json:
        print_json({**endpoint, "secret": secret})
    else:
        console.print(f"endpoint {endpoint['id']}, {escape(endpoint['url'])}; its secret, shown this once:")
        console.print(f"[bold]{secret}[/bold]", markup=True, soft_wrap=True)
    return 0


def _shown(endpoint: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(endpoint)
    else:
        print_rows([endpoint], "")
    return 0


def _no_endpoint(company: int, endpoint_id: int) -> str:
    return f"company {company} has no endpoint {endpoint_id}"


def _none(sentence: str) -> int:
    console.print(sentence)
    return 1


def _print(rows: list[dict[str, Any]], as_json: bool, empty: str) -> int:
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, empty)
    return 0
