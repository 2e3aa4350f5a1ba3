"""What the front end was built into (tools/assets.py): its lists, read again when they change, and a built file's text."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import shaodao

BUILD = Path(shaodao.__file__).parent / "static" / "build"


@lru_cache(maxsize=8)
def _read_json(path: Path, _modified_ns: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def listed(name: str) -> dict[str, Any] | None:
    """The JSON file `name` of the build; None if nothing has been built."""
    path = BUILD / name
    try:
        return _read_json(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def built(entry: str) -> str | None:
    """The text of the file that the entry (`src/worker.ts`) was built into; None where there is none."""
    chunk = (listed("manifest.json") or {}).get(entry)
    return (BUILD / chunk["file"]).read_text("utf-8") if chunk else None
