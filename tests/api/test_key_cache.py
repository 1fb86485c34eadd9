"""API keys on disk: encrypted, limited in age and number, shared by gateways, and used only while Postgres is down."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.security import authentication, key_cache
from api.security.key_cache import KeyCache
from db.people import api_keys
from db.people.api_keys import Credential
from tests.api.conftest import Served, Tenant, gateway_settings
from tests.api.test_outages import away
from tests.support.logs import logged

KEY, SECRET = "pk_" + "k" * 43, "signs the links of the tests"
CREDENTIAL = Credential(7, 12, frozenset({"events:write", "admin"}), email_ids=True)


def test_a_key_is_found_again(tmp_path: Path) -> None:
    KeyCache(tmp_path / "keys", SECRET, lambda: 1000.0).save(KEY, CREDENTIAL)
    another = KeyCache(tmp_path / "keys", SECRET, lambda: 1600.0)
    assert another.load(KEY) == (CREDENTIAL, 600.0)
    assert another.load(KEY + "x") is None
    another.delete(KEY)
    assert another.load(KEY) is None
    another.delete(KEY)


@pytest.mark.parametrize(("seconds", "found"), [(86_400, True), (86_401, False), (-300, True), (-301, False)])
def test_a_key_counts_for_a_day(tmp_path: Path, seconds: float, found: bool) -> None:
    KeyCache(tmp_path, SECRET, lambda: 1e6).save(KEY, CREDENTIAL)
    assert (KeyCache(tmp_path, SECRET, lambda: 1e6 + seconds).load(KEY) is not None) == found


def test_files_reveal_nothing_and_are_private(tmp_path: Path) -> None:
    KeyCache(tmp_path / "keys", SECRET).save(KEY, CREDENTIAL)
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    content = file.read_bytes() + file.name.encode()
    assert not any(text in content for text in (b"events", b"company", b"kkk", SECRET.encode()))
    assert KeyCache(tmp_path / "keys", SECRET + "!").load(KEY) is None
    other = "pk_" + "o" * 43
    KeyCache(tmp_path / "keys", SECRET).save(other, replace(CREDENTIAL, key_id=13))
    (theirs,) = set((tmp_path / "keys").iterdir()) - {file}
    theirs.write_bytes(file.read_bytes())  # one key's rights are not another's
    assert KeyCache(tmp_path / "keys", SECRET).load(other) is None


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 200, b"x" * 10_000])
def test_a_corrupt_file_is_ignored_with_a_warning(tmp_path: Path, content: bytes) -> None:
    cache = KeyCache(tmp_path, SECRET)
    cache.save(KEY, CREDENTIAL)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    with logged() as lines:
        assert cache.load(KEY) is None
    assert [line["event"] for line in lines] == ["a saved API key cannot be read and is ignored"]
    cache.save(KEY, CREDENTIAL)
    assert cache.load(KEY) is not None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = KeyCache(tmp_path / "file" / "keys", SECRET)
    with logged() as lines:
        cache.save(KEY, CREDENTIAL)
        assert cache.load(KEY) is None
    assert "API keys cannot be saved for an outage of Postgres" in [line["event"] for line in lines]


def test_the_number_of_files_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "MAX_FILES", 3)
    cache = KeyCache(tmp_path, SECRET)
    (tmp_path / ".left by a killed writer").touch()
    os.utime(tmp_path / ".left by a killed writer", (1, 1))
    for number in range(5):
        cache.save(f"{KEY}{number}", CREDENTIAL)
        for file in tmp_path.iterdir():
            os.utime(file, (file.stat().st_mtime - 10,) * 2)
    assert len(list(tmp_path.iterdir())) == 3
    assert [cache.load(f"{KEY}{number}") is not None for number in range(5)] == [False, False, True, True, True]


def test_gateways_share_a_folder(tmp_path: Path) -> None:
    """Writers and readers of the same file at the same time: a reader never sees half of it."""
    caches = [KeyCache(tmp_path, SECRET) for _ in range(2)]
    caches[0].save(KEY, CREDENTIAL)

    def write(cache: KeyCache) -> None:
        for _ in range(200):
            cache.save(KEY, CREDENTIAL)

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, cache) for cache in caches]
        while not all(writer.done() for writer in writers):
            assert caches[0].load(KEY) is not None
    assert len(list(tmp_path.iterdir())) == 1


def wait_for_file(folder: Path) -> None:
    until = time.monotonic() + 5
    while not (folder.exists() and any(not file.name.startswith(".") for file in folder.iterdir())):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_restarted_gateway_takes_events_while_postgres_is_down(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporal_address: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.2)
    find = api_keys.find
    settings = gateway_settings(tenant.database_url, key_cache=str(tmp_path / "keys"))

    def status(served: Served, key: str) -> int:
        with Tenant(tenant.id, key, served.url, tenant.database_url).client as client:
            until = time.monotonic() + 10
            while (answer := client.post("/v1/events", json=tenant.event())).json().get("part") == "Temporal":
                assert time.monotonic() < until  # it connects in the background
            return answer.status_code

    with Served(create_app(settings)) as served:
        assert status(served, tenant.key) == 202
        wait_for_file(tmp_path / "keys")
    monkeypatch.setattr(api_keys, "find", away)
    with Served(create_app(settings)) as served:
        assert [status(served, tenant.key) for _ in range(3)] == [202] * 3
        assert status(served, "pk_never_seen_before") == 503
        # it counts for a day after Postgres confirmed it, not after the restart
        monkeypatch.setattr(authentication, "OUTAGE_SECONDS", 0.0)
        time.sleep(0.3)
        assert status(served, tenant.key) == 503
        monkeypatch.setattr(authentication, "OUTAGE_SECONDS", 86_400.0)
        assert status(served, tenant.key) == 202
        # a revocation counts as soon as Postgres answers
        tenant.rows("update api_keys set revoked_at = now() where company_id = %s returning 1", tenant.id)
        monkeypatch.setattr(api_keys, "find", find)
        until = time.monotonic() + 5
        while status(served, tenant.key) != 401:
            assert time.monotonic() < until
            time.sleep(0.1)
    assert list((tmp_path / "keys").iterdir()) == []
    monkeypatch.setattr(api_keys, "find", away)
    with Served(create_app(settings)) as served:
        assert status(served, tenant.key) == 503


def test_without_the_setting_nothing_is_saved(tenant: Tenant, tmp_path: Path) -> None:
    settings: Any = gateway_settings(tenant.database_url, key_cache=str(tmp_path / "keys"), link_secret=None)
    with Served(create_app(settings)) as served:
        assert Tenant(tenant.id, tenant.key, served.url, "").client.get("/v1/stages").status_code == 200
        asyncio.run(asyncio.sleep(0.3))
    assert not (tmp_path / "keys").exists()
