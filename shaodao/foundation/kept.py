"""An uploaded file that is looked at before it is taken in.

Between the two steps it lies in a folder under a name that only its sender can give; it is removed when it was taken in,
and otherwise with the sender's next upload.
"""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from shaodao.foundation.maps import Unreadable

LARGEST_BYTES = 20 * 1024 * 1024


def folder(name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / name


def keep(file: Any, name: str, person: Any, suffixes: Sequence[str]) -> Path:
    """Write an upload down for its sender, and drop what they left in this folder before. Raises Unreadable."""
    if file is None:
        raise Unreadable(_("请选择文件"))
    if file.size > LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})
    suffix = Path(str(file.name)).suffix.lower()
    if suffix not in suffixes:
        raise Unreadable(_("不认识的文件：应为 %(kinds)s 之一") % {"kinds": " ".join(suffixes)})
    where = folder(name)
    where.mkdir(parents=True, exist_ok=True)
    for old in where.glob(f"{person}-*"):
        old.unlink(missing_ok=True)
    path = where / f"{person}-{secrets.token_hex(16)}{suffix}"
    with path.open("wb") as out:
        for part in file.chunks():
            out.write(part)
    return path


def kept(token: str, name: str, person: Any) -> Path | None:
    """The file of that token, if it is this person's."""
    if not re.fullmatch(rf"{person}-[0-9a-f]{{32}}\.[a-z]{{3,7}}", token):
        return None
    path = folder(name) / token
    return path if path.is_file() else None


def called(request: HttpRequest) -> str:
    """The file's own name, as its source."""
    given = getattr(request.FILES.get("file"), "name", "") or request.POST.get("name", "")
    return "".join(c for c in str(given) if c.isprintable())[:100] or "upload"
