"""Names of master data in the language of the page."""

from typing import Any

from django.utils.translation import get_language


def english() -> bool:
    """Is the page (or the call) asked for in English?"""
    return (get_language() or "").startswith("en")


def named(row: Any, field: str = "name") -> str:
    """The name of a row (or of a mapping) in the page's language, Chinese where there is no English one; "" for None."""
    if row is None:
        return ""
    read = row.get if isinstance(row, dict) else lambda key, default="": getattr(row, key, default)
    return str((read(f"{field}_en", "") if english() else "") or read(field, "") or "")
