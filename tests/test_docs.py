"""Every link and every path that the documentation names exists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
#: `room/…`: a path of the repository, unless it has a placeholder or is made by a build
PATH = re.compile(
    r"`((?:activities|api|background|bench|cli|contracts|dashboard|db|deploy|docs|journey|local|tests|workflows)"
    r"/[\w./-]*)`"
)
MADE = ("dashboard/dist",)


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """Every file of the repository and every folder that has one."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a Git checkout")
    files = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    return files | {str(parent) for name in files for parent in Path(name).parents}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_path_exists(page: Path, tracked: set[str]) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [path for path in PATH.findall(text) if path.rstrip("/") not in tracked and not path.startswith(MADE)]
    for target, anchor in LINK.findall(text):
        linked = (page.parent / target).resolve() if target else page
        if not linked.exists():
            wrong.append(target)
        elif anchor and linked.suffix == ".md" and anchor not in anchors(linked):
            wrong.append(f"{target}#{anchor}")
    assert not wrong, f"{page.relative_to(ROOT)} names what does not exist: {', '.join(wrong)}"


def rooms(text: str) -> Iterator[str]:
    """Every path in the list of rooms of docs/architecture.md, relative to the root."""
    room = ""
    for line in text.split("## Rooms")[1].split("```")[1].splitlines():
        names = re.split(r" {2,}", line.strip())[0].split()
        if not line.startswith(" "):
            room = names[0] if names and names[0].endswith("/") else ""
            yield from names
        else:
            yield from (room + name for name in names)


def test_the_rooms_are_those_of_the_tree(tracked: set[str]) -> None:
    named = {name.rstrip("/") for name in rooms((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))}
    assert not named - tracked, "docs/architecture.md names what does not exist"
    folders = {name for name in tracked if "/" not in name and (ROOT / name).is_dir() and not name.startswith(".")}
    assert not folders - named, "docs/architecture.md does not describe these rooms"
