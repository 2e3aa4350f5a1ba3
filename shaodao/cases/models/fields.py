"""How the spine refers to others, and how free text leaves its mark in the record without standing in it."""

import hashlib
from typing import Any

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL


def ref(to: Any, related: str, *, null: bool = True, on_delete: Any = models.PROTECT) -> Any:
    """A protected foreign key: nothing that a case names can be deleted under it."""
    return models.ForeignKey(to, null=null, blank=null, on_delete=on_delete, related_name=related)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(name: str) -> Any:
    """A tracked value that stands for free text: its SHA-256, "" for none. A changed text no longer fits its event."""
    return property(lambda row: sha256(text) if (text := getattr(row, name)) else "")
