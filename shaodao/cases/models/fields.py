"""How the spine refers to others."""

from typing import Any

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL


def ref(to: Any, related: str, *, null: bool = True, on_delete: Any = models.PROTECT) -> Any:
    """A protected foreign key: nothing that a case names can be deleted under it."""
    return models.ForeignKey(to, null=null, blank=null, on_delete=on_delete, related_name=related)
