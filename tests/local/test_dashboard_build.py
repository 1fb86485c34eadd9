"""Building the dashboard: when it happens, with which Node, and how failures are reported. npm is a stub."""

import os
import sys
from pathlib import Path

import pytest

from local.dashboard_build import BuildFailed, build, fingerprint, is_current

NPM = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1" in
ci) mkdir -p node_modules ;;
run) if [ -e fail ]; then echo "src/main.tsx: no"; exit 3; fi
     rm -rf dist; mkdir dist; echo "<!doctype html>" > dist/index.html ;;
esac
"""


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dashboard's sources on a machine with Node 20.19."""
    folder = tmp_path / "dashboard"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.tsx").write_text("1")
    for name in ("package.json", "package-lock.json", "index.html"):
        (folder / name).write_text("{}")
    script(tmp_path / "bin" / "npm", NPM)
    script(tmp_path / "bin" / "node", "#!/bin/sh\necho v20.19.0\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return folder


def calls(folder: Path) -> list[str]:
    file = folder.parent / "calls"
    found = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line.split()[0] for line in found]


def test_it_is_built_when_missing_or_outdated(folder: Path) -> None:
    steps: list[str] = []
    assert not is_current(folder)
    assert build(steps.append, folder)
    assert steps == ["installing the dashboard's packages (npm ci)", "building the dashboard"]
    assert calls(folder) == ["ci", "run"]
    assert is_current(folder)
    assert not build(steps.append, folder)
    assert calls(folder) == []
    os.utime(folder / "src" / "main.tsx", (1, 1))  # the content counts, not the time
    assert is_current(folder)
    (folder / "src" / "more.tsx").write_text("2")
    assert build(steps.append, folder)
    assert calls(folder) == ["run"]  # the packages have not changed
    (folder / "package-lock.json").write_text('{"other": 1}')
    assert build(steps.append, folder)
    assert calls(folder) == ["ci", "run"]
    (folder / "dist" / "index.html").unlink()
    assert not is_current(folder)


def test_renaming_a_file_changes_the_fingerprint(folder: Path) -> None:
    before = fingerprint(folder)
    (folder / "src" / "main.tsx").rename(folder / "src" / "other.tsx")
    assert fingerprint(folder) != before


def test_a_failed_build_reports_its_output(folder: Path) -> None:
    (folder / "fail").touch()
    with pytest.raises(BuildFailed, match=r"(?s)npm run build exited with code 3.*src/main.tsx: no"):
        build(lambda _: None, folder)
    assert not is_current(folder)


def test_without_sources_nothing_is_built(tmp_path: Path) -> None:
    assert is_current(tmp_path)
    assert not build(lambda _: None, tmp_path)


@pytest.mark.parametrize("node", [None, "v18.20.4", "v20.18.9", "no version at all"])
def test_node_is_installed_from_pypi_if_the_machine_has_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, node: str | None
) -> None:
    if node is None:
        (tmp_path / "bin" / "node").unlink()
    else:
        script(tmp_path / "bin" / "node", f"#!/bin/sh\necho {node}\n")
    venv = tmp_path / "venv" / "bin"
    # this `uv` installs a node and an npm next to itself
    script(
        venv / "uv",
        f'#!/bin/sh\necho "uv $*" >> "$CALLS"; cp {tmp_path}/bin/npm {venv}/npm;'
        f' printf "#!/bin/sh\\necho v24.1.0\\n" > {venv}/node; chmod +x {venv}/node\n',
    )
    monkeypatch.setattr(sys, "executable", str(venv / "python"))
    monkeypatch.setenv("PATH", f"{venv}:{tmp_path / 'bin'}:{_without_node(tmp_path)}")
    steps: list[str] = []
    assert build(steps.append, folder)
    assert steps[0].startswith("installing Node from PyPI")
    assert calls(folder) == ["uv", "ci", "run"]
    (folder / "src" / "main.tsx").write_text("3")
    assert build(steps.append, folder)
    assert calls(folder) == ["run"]  # node is installed by now


def _without_node(tmp_path: Path) -> str:
    """A PATH with the few programs that the stubs need, and no Node."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cp", "mkdir", "rm", "chmod", "echo", "printf"):
        (tools / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    return str(tools)
