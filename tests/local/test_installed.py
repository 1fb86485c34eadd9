"""The package installed without its checkout: every module and data file is there, and the command works."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
ROOMS = sorted({package.split(".")[0] for package in SETUPTOOLS["packages"]} - {"dashboard"})
EVENT = {"id": "1", "type": "call.received", "customer_id": 1, "occurred_at": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the package in it. Needs no network: the dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"  # a copy, because setuptools builds inside the source folder
    source.mkdir()
    for name in ROOMS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", *(f"{module}.py" for module in SETUPTOOLS["py-modules"])):
        shutil.copy(ROOT / name, source)
    (source / "dashboard" / "dist" / "assets").mkdir(parents=True)
    for name in ("index.html", "assets/index.js"):
        (source / "dashboard" / "dist" / name).touch()
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    # A path in a .pth file is searched for modules, but not for further .pth files, like the one of this checkout.
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = environment / "bin" / "python"
    uv = [str(Path(sys.executable).with_name("uv")), "--offline", "pip", "install", "--python", str(python)]
    subprocess.run([*uv, "--no-deps", "--no-build-isolation", str(source)], check=True, capture_output=True, cwd=folder)
    shutil.rmtree(source)
    return environment


def run(installed: Path, folder: Path, *words: str) -> str:
    """The standard output of a program of the environment, run in `folder`."""
    argv = [str(installed / "bin" / words[0]), *words[1:]]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, cwd=folder, env=clean).stdout


def test_every_module_and_data_file_is_installed(installed: Path) -> None:
    packages = next((installed / "lib").glob("python*")) / "site-packages"
    expected = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    found = {str(file.relative_to(packages)) for file in packages.rglob("*") if file.is_file()}
    assert expected - found == set(), "add the folder to packages or package-data in pyproject.toml"
    assert {"worker.py", "settings.py", "dashboard/dist/index.html", "dashboard/dist/assets/index.js"} <= found


def test_the_command_runs_from_another_folder(installed: Path, tmp_path: Path) -> None:
    assert "evaluate-transitions" in run(installed, tmp_path, "journey", "--help")
    (tmp_path / "log.jsonl").write_text(json.dumps(EVENT | {"duration_seconds": 90}) + "\n")
    simulated = json.loads(run(installed, tmp_path, "journey", "simulate", "log.jsonl", "--json"))
    assert simulated["stages"]["lead"] == 1


def test_migrations_templates_and_dashboard_are_found(installed: Path, tmp_path: Path) -> None:
    check = """
import json
from pathlib import Path
from activities import message_catalogue
from db.schema import revision
from local import dashboard_build
from settings import Settings
print(json.dumps([
    revision.__file__, revision.head(), len(message_catalogue.TEMPLATES),
    Path(Settings().dashboard, "index.html").is_file(), dashboard_build.has_sources(),
]))
"""
    place, head, templates, has_dashboard, has_sources = json.loads(run(installed, tmp_path, "python", "-c", check))
    assert Path(place).is_relative_to(installed)
    assert int(head) >= 10
    assert templates > 5
    assert (has_dashboard, has_sources) == (True, False)
