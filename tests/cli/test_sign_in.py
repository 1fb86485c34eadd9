"""Sign-in links, and the settings of companies."""

import json
import re
from pathlib import Path

from local.first_run import sign_in_url
from tests.cli.conftest import Shell


async def test_a_sign_in_link(shell: Shell) -> None:
    _, made = await shell.json("keys", "create", "--company", str(shell.company), "--scopes", "journeys:read")
    code, found = await shell.json("keys", "link", "--key", str(made["id"]), "--minutes", "30")
    assert (code, found["minutes"]) == (0, 30)
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/sign-in#token=[\w-]{43}", found["url"])
    row = "select company_id, key_id, expires_at - created_at = interval '30 minutes', used_at from sign_in_links"
    assert shell.rows(row + " where company_id = %(company)s") == [(shell.company, made["id"], True, None)]
    code, out, _ = await shell.run("keys", "link", "--key", str(made["id"]))
    assert code == 0
    assert "within 15 minutes" in out


async def test_no_link_without_a_valid_key(shell: Shell) -> None:
    code, _, err = await shell.run("keys", "link", "--key", "999999")
    assert (code, "key 999999 does not exist or is revoked" in err) == (2, True)
    for _ in range(2):
        await shell.run("keys", "create", "--company", str(shell.company), "--scopes", "journeys:read")
    code, _, err = await shell.run("keys", "link", "--data", "/nowhere")
    assert (code, "--key" in err) == (2, True)  # there are several, and none is stored


async def test_a_company_can_allow_email_addresses_as_ids(shell: Shell, tmp_path: Path) -> None:
    async def allowed(company: int) -> bool:
        _, listed = await shell.json("companies", "list")
        return next(bool(row["email_ids"]) for row in listed if row["id"] == company)

    event = {"type": "call.received", "occurred_at": "2026-03-02T10:15:00Z", "duration_seconds": 60}
    log = tmp_path / "log.jsonl"
    ids = ("ada@example.com", "c-1")
    log.write_text("".join(json.dumps({**event, "id": f"e-{name}", "customer_id": name}) + "\n" for name in ids))
    assert not await allowed(shell.company)
    code, summary = await shell.json("import", str(log), "--company", str(shell.company))
    assert (code, summary["imported"], summary["rejected"]) == (1, 1, 1)
    (line,) = log.with_name("log.jsonl.rejected.jsonl").read_text().splitlines()
    (error,) = json.loads(line)["errors"]
    assert (error["field"], error["value"]) == ("customer_id", "ada@example.com")
    assert error["problem"].startswith("must not be an e-mail address")
    assert (await shell.run("companies", "set", str(shell.company), "--email-ids"))[0] == 0
    assert await allowed(shell.company)
    code, summary = await shell.json("import", str(log), "--company", str(shell.company))
    assert (code, summary["imported"], summary["known"], summary["rejected"]) == (0, 1, 1, 0)
    assert (await shell.run("companies", "set", str(shell.company), "--no-email-ids"))[0] == 0
    assert not await allowed(shell.company)
    _, made = await shell.json("companies", "add", "Allowing", "--email-ids")
    assert await allowed(made["id"])


async def test_a_companys_currency(shell: Shell) -> None:
    code, made = await shell.json("companies", "add", "Salon Sophie", "--currency", "chf")
    assert code == 0
    code, listed = await shell.json("companies", "list")
    assert {row["currency"] for row in listed if row["id"] == made["id"]} == {"CHF"}
    assert {row["currency"] for row in listed if row["id"] == shell.company} == {"EUR"}
    assert (await shell.run("companies", "set", str(made["id"]), "--currency", "SEK", "--name", "Sophies"))[0] == 0
    _, listed = await shell.json("companies", "list")
    assert [(row["name"], row["currency"]) for row in listed if row["id"] == made["id"]] == [("Sophies", "SEK")]
    code, _, err = await shell.run("companies", "set", str(made["id"]), "--currency", "DEM")
    assert (code, "'DEM'" in err) == (2, True)
    assert (await shell.run("companies", "add", "No", "--currency", "euros"))[0] == 2
    assert (await shell.run("companies", "set", "999999", "--name", "x"))[0] == 1
    assert (await shell.run("companies", "set", str(made["id"])))[0] == 2


async def test_a_companys_country(shell: Shell) -> None:
    async def country(company: int) -> str | None:
        _, listed = await shell.json("companies", "list")
        found: str | None = next(row["country"] for row in listed if row["id"] == company)
        return found

    _, made = await shell.json("companies", "add", "Salon Sophie", "--country", "ch")
    company = str(made["id"])
    assert (await country(made["id"]), await country(shell.company)) == ("CH", None)
    assert (await shell.run("companies", "set", company, "--country", "DE"))[0] == 0
    assert await country(made["id"]) == "DE"
    code, _, err = await shell.run("companies", "set", company, "--country", "Germany")
    assert (code, "'Germany' is not a country code" in err) == (2, True)
    assert (await shell.run("companies", "set", company, "--country", ""))[0] == 0
    assert await country(made["id"]) is None


def test_the_token_is_in_the_fragment() -> None:
    assert sign_in_url("https://example.com/", "abc") == "https://example.com/sign-in#token=abc"
