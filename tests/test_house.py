"""House rules that no linter checks: determinism, names, file lengths and plain language.

Each failure says what to do instead.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("journey", "contracts", "workflows", "activities", "background", "db", "api", "cli", "local")

NO_CLOCK = "time comes in as an argument (in a workflow: from workflow.now())"
NO_CHANCE = "the same input must give the same output"
NO_MACHINE = "what depends on the machine comes in as an argument"
BANNED = {
    "time": NO_CLOCK,
    "datetime.datetime.now": NO_CLOCK,
    "datetime.datetime.utcnow": NO_CLOCK,
    "datetime.datetime.today": NO_CLOCK,
    "datetime.date.today": NO_CLOCK,
    "random": NO_CHANCE,
    "secrets": NO_CHANCE,
    "uuid": NO_CHANCE,
    "os": NO_MACHINE,
    "subprocess": NO_MACHINE,
    "socket": NO_MACHINE,
    "pathlib": NO_MACHINE,
}


def files(*rooms: str) -> list[Path]:
    """The modules of these rooms."""
    return sorted(file for room in rooms for file in (ROOT / room).rglob("*.py"))


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every (line, full dotted name) that the module imports or reaches through what it imported."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted := dotted_name(node)):
            first, _, rest = dotted.partition(".")
            if first in known:
                yield node.lineno, f"{known[first]}.{rest}"


def dotted_name(node: ast.expr) -> str | None:
    """`a.b.c` of an attribute chain that starts with a plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted_name(node.value)):
        return f"{before}.{node.attr}"
    return None


def offences(source: str, banned: dict[str, str]) -> list[str]:
    """Line and reason of each use of a banned name."""
    found = {
        f"line {line}: {name}: {reason}"
        for line, name in named(ast.parse(source))
        for prefix, reason in banned.items()
        if name == prefix or name.startswith(prefix + ".")
    }
    return sorted(found)


@pytest.mark.parametrize("file", files("journey", "workflows"), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_clock_no_chance_no_machine(file: Path) -> None:
    assert offences(file.read_text(), BANNED) == []


def test_only_workflows_call_temporalios_workflow_api() -> None:
    rule = {"temporalio.workflow": "what waits or schedules belongs in workflows/"}
    rooms = [room for room in ROOMS if room != "workflows"]
    found = {str(file.relative_to(ROOT)): offences(file.read_text(), rule) for file in files(*rooms)}
    assert {file: lines for file, lines in found.items() if lines} == {}


def test_temporal_names_come_from_contracts() -> None:
    literal = re.compile(r"""\b(defn|signal|update|query)\(name=f?["']""")
    modules = files("activities", "workflows")
    found = [str(file.relative_to(ROOT)) for file in modules if literal.search(file.read_text())]
    assert found == [], "each name exists once, as a constant of contracts/names.py"


def test_no_file_is_longer_than_300_lines_without_a_reason() -> None:
    sources = [file for pattern in ("*.ts", "*.tsx") for file in (ROOT / "dashboard/src").rglob(pattern)]
    sources = [file for file in sources if file.name != "generated.ts"]
    long = {}
    for file in [*files(*ROOMS, "tests", "bench"), *ROOT.glob("*.py"), ROOT / "run", *sources]:
        lines = file.read_text().splitlines()
        if len(lines) > 300 and "over 300 lines, because" not in " ".join(lines[:15]).lower():
            long[str(file.relative_to(ROOT))] = len(lines)
    assert long == {}, "split it, or say at its top: Over 300 lines, because …"


#: Default stages that have a role, and the default limit of a high risk.
OF_THE_DEFAULTS = re.compile(r"""^(at_risk|vip|churned)$|['"](at_risk|vip|churned)['"]|(?<![\d.])0\.7(?!\d)""")
#: Where they are defined, and where the default rulebook is meant.
MAY_NAME_DEFAULTS = ("journey/presets.py", "journey/stages.py", "journey/scoring.py", "db/schema/", "local/demo/")


def default_stages_named(source: str) -> list[str]:
    """Each constant of a module that is a key of a default stage, quotes one (as SQL does), or is a high risk."""
    return [
        f"line {node.lineno}: {match.group()}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and (match := OF_THE_DEFAULTS.search(str(node.value)))
    ]


def test_stages_are_known_by_their_roles() -> None:
    found = {}
    for file in [*files(*ROOMS), *ROOT.glob("*.py")]:
        name = str(file.relative_to(ROOT))
        if not name.startswith(MAY_NAME_DEFAULTS) and (lines := default_stages_named(file.read_text())):
            found[name] = lines
    assert found == {}, "a company's stages have other keys: use journey.stages.Role, scoring.high_risk"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("stage == 'vip'", True),
        ('"""select 1 where stage = \'churned\'"""', True),
        ('f"risk > 0.7 and {more}"', True),
        ("risk > 0.7", True),
        ("{'vip_count': 10.75}", False),
        ("Role.AT_RISK", False),
    ],
)
def test_the_check_of_stages_itself(source: str, named: bool) -> None:
    assert bool(default_stages_named(source)) is named


@pytest.mark.parametrize(
    ("source", "clean"),
    [
        ("import time\nnow = time.time()", False),
        ("from datetime import datetime as d\nd.now()", False),
        ("import datetime\ndatetime.datetime.now(datetime.UTC)", False),
        ("from os import environ", False),
        ("from datetime import datetime, timedelta\ndatetime.fromtimestamp(0)\ntimedelta(days=1)", True),
        ("time = 3\nevent.time", True),
    ],
)
def test_the_check_itself(source: str, clean: bool) -> None:
    assert (offences(source, BANNED) == []) is clean


#: phrase (a case-insensitive pattern of whole words) → what to say instead
PHRASES = {
    r"(stands?|stood) (in|twice|otherwise)": "is stored in, is listed in, occurs twice, differs",
    r"(is|are|was|were|been) told|tells": "is notified, receives; reports, says",
    r"(is|are|was|were|been) asked(?! (to|about|for) )": "is queried, is requested",
    r"of (no )?account": "used by, relevant; ignored",
    r"(that|who|which) (is|are) none": "invalid",
    r"the way (out|to|from)": "name the thing",
    r"(?<!in )(?<!around )the world": "name the external system",
    r"of ours": "our, or nothing",
    r"(goes|went|going) on": "continues",
    r"lies": "is, is stored",
    r"so long": "meanwhile, until then",
    r"mend(s|ed|ing)?": "fix, repair",
    r"(is|are|was|were|be|being|for which each was) away": "unavailable, down",
    r"upon": "on",
    r"for ever": "permanently, indefinitely, forever",
    r"one signs in": "the user signs in",
    r"by hand": "manually",
    r"leaves? word": "enqueue, notify",
    r"whoever": "anyone who, the user, or the role",
    r"he|his|him|himself": "they, their, them",
}
ANY_PHRASE = re.compile("|".join(rf"\b(?P<p{i}>{phrase})\b" for i, phrase in enumerate(PHRASES)), re.IGNORECASE)
WRITTEN = {
    ".py",
    ".ts",
    ".tsx",
    ".css",
    ".html",
    ".md",
    ".txt",
    ".mako",
    ".sql",
    ".sh",
    ".json",
    ".yml",
    ".yaml",
    ".toml",
    ".ini",
}
#: generated or recorded, or lists of such phrases
NOT_WRITTEN = (
    "dashboard/src/api/generated.ts",
    "dashboard/package-lock.json",
    "dashboard/tests/strings.test.ts",
    "tests/deploy/compose-spec.json",
    "tests/replay/histories/",
    "tests/test_house.py",
)


def tired_phrases(text: str) -> list[tuple[int, str, str]]:
    """The line, phrase and replacement of each phrase of the list."""
    found = []
    for match in ANY_PHRASE.finditer(text):
        number = next(int(name[1:]) for name, value in match.groupdict().items() if value)
        found.append((text.count("\n", 0, match.start()) + 1, match.group(), list(PHRASES.values())[number]))
    return found


def test_the_language_is_plain() -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a Git checkout")
    found = []
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if (file.suffix in WRITTEN or name == "run") and not name.startswith(NOT_WRITTEN) and file.exists():
            for line, phrase, instead in tired_phrases(file.read_text(encoding="utf-8")):
                found.append(f"{name}:{line}: {phrase!r} → say instead: {instead}")
    assert found == [], "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("It stands in the ledger, whoever he is.", ["stands in", "whoever", "he"]),
        ("Upon\ncommit it goes on.", ["Upon", "goes on"]),
        ("Customers are asked. They are asked to wait.", ["are asked"]),
        ("amendment, replies, the thesis, coupons, Hello world", []),
    ],
)
def test_the_check_of_language_itself(text: str, phrases: list[str]) -> None:
    assert [phrase for _, phrase, _ in tired_phrases(text)] == phrases
