"""Write the API's OpenAPI document to ``openapi.json``, from which the dashboard's types are generated.

Run ``python dashboard/openapi.py`` in the project's environment. ``--check`` writes nothing and exits with 1 if the
file is out of date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "dashboard" / "openapi.json"


def document() -> str:
    """Return the OpenAPI document of the API with default settings, formatted as in the file."""
    sys.path.insert(0, str(ROOT))
    from api.app import create_app
    from settings import Settings

    return json.dumps(create_app(Settings()).openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(document())
    elif DOCUMENT.read_text() != document():
        sys.exit("dashboard/openapi.json is out of date: run `npm run types:fetch` in dashboard/")
