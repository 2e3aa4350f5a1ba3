"""Hatchling's hook for wheels: build the front end and compile the translations, so that `pip install .` needs no Node.

An editable install skips it: there `make` calls the same two tools.
"""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    """Runs before the wheel's files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring `shaodao/static/build/` and the `.mo` files up to date; a failure ends the build with its reason."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "tools"))
        try:
            import assets  # type: ignore[import-not-found]
            import messages  # type: ignore[import-not-found]

            assets.build()
            messages.compile_all()
        finally:
            sys.path.pop(0)
