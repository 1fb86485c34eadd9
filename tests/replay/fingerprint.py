"""A fingerprint of the code that replays: it changes with the code, but not with comments, docstrings or layout.

python -m tests.replay.fingerprint    # records the current fingerprints
"""

import ast
import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORED = Path(__file__).with_name("fingerprints.json")
#: All of workflows/, and of contracts/ what workflows import: not the client side, which never runs inside a workflow.
CLIENT_SIDE = ("event_batches.py", "journey_client.py", "rollouts.py", "rule_previews.py", "schedules.py")
FILES = sorted(
    file for room in ("contracts", "workflows") for file in (ROOT / room).glob("*.py") if file.name not in CLIENT_SIDE
)


def fingerprint(source: str) -> str:
    """Return 16 hexadecimal digits, the same under every version of Python."""
    return hashlib.sha256(_canonical(_without_docstrings(ast.parse(source))).encode()).hexdigest()[:16]


def fingerprints() -> dict[str, str]:
    """Return the current fingerprint of each file."""
    return {file.relative_to(ROOT).as_posix(): fingerprint(file.read_text(encoding="utf-8")) for file in FILES}


def stored() -> dict[str, str]:
    """Return the recorded fingerprint of each file."""
    found: dict[str, str] = json.loads(STORED.read_text(encoding="utf-8"))
    return found


def record() -> None:
    STORED.write_text(json.dumps(fingerprints(), indent=1) + "\n", encoding="utf-8")


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text(line)]
    return tree


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def _canonical(node: object) -> str:
    """Return the tree as text, without empty fields: newer versions of Python add some, and ``ast.dump`` changes."""
    if isinstance(node, ast.AST):
        fields = [f"{name}={_canonical(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return "[" + ",".join(map(_canonical, node)) + "]"
    return repr(node)


if __name__ == "__main__":
    record()
