"""Write the gateway's OpenAPI to ``openapi.json`` beside this file: what the dashboard's types are made from.

``python dashboard/openapi.py`` in the project's environment. ``--check`` writes nothing and exits 1 where it differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "dashboard" / "openapi.json"


def document() -> str:
    """The OpenAPI of a gateway with default settings, as the text of the file."""
    sys.path.insert(0, str(ROOT))
    from api.app import create_app
    from settings import Settings

    return json.dumps(create_app(Settings()).openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(document())
    elif DOCUMENT.read_text() != document():
        sys.exit("dashboard/openapi.json is not the gateway's: run `npm run types` in dashboard/")
