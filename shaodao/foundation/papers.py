"""Papers that somebody hands in: PDF, JPEG or PNG, judged by content, kept as they came, with no copy for anybody else.

An `Upload` without a public copy is a paper: no viewer of photos shows it, only the page of the room that took it in.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from PIL import Image

from shaodao.foundation import clock, uploads
from shaodao.foundation.models import Upload

PDF = "application/pdf"
TYPES = {PDF: "pdf", "image/jpeg": "jpg", "image/png": "png"}
PICTURES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png"}
ACCEPT = ".pdf,.jpg,.jpeg,.png"


class Unfit(ValueError):
    """What is wrong with a file, in plain words."""


@dataclass(frozen=True)
class Paper:
    """A file that was read and found to be what it says."""

    name: str  # as the sender called it: one line, at most 100 characters
    content: bytes
    content_type: str
    size: tuple[int, int] = (0, 0)  # pixels of a picture

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read(file: Any) -> Paper:
    """Read an uploaded file (or a named `ContentFile`) and judge it by its bytes. Raises Unfit; stores nothing."""
    limit = settings.PHOTO_MAX_BYTES
    too_large = _("文件超过 %(mb)d MB") % {"mb": limit // 1024 // 1024}
    if getattr(file, "size", 0) and file.size > limit:
        raise Unfit(too_large)
    file.seek(0)
    content = file.read(limit + 1)
    if not content:
        raise Unfit(_("文件是空的，请重新选择"))
    if len(content) > limit:
        raise Unfit(too_large)
    name = "".join(c for c in str(getattr(file, "name", "") or "") if c.isprintable()).strip()
    name = name if len(name) <= 100 else f"{name[:80]}…{name[-18:]}"
    if b"%PDF-" in content[:1024]:
        if b"startxref" not in content or b"%%EOF" not in content[-2048:]:
            raise Unfit(_("PDF 文件不完整，请重新导出后再传"))
        return Paper(name or "paper.pdf", content, PDF)
    content_type, size = _picture(content)
    return Paper(name or "paper", content, content_type, size)


def _picture(content: bytes) -> tuple[str, tuple[int, int]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
            kind, size = PICTURES[image.format or ""], image.size
            if size[0] * size[1] > uploads.MAX_PIXELS:
                raise Unfit(_("像素太多，请缩小后再传"))
            image.load()
    except Unfit:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unfit(_("像素太多，请缩小后再传")) from None
    except Exception:  # decoders of hostile bytes raise anything
        raise Unfit(_("不是完好的 PDF、JPEG 或 PNG 文件")) from None
    return kind, size


def keep(paper: Paper, person: Any) -> Upload:
    """Store a paper: a new `Upload` with the file as it came. The same bytes share their file."""
    digest = paper.sha256
    upload = Upload(
        sha256=digest,
        content_type=paper.content_type,
        size=len(paper.content),
        width=paper.size[0],
        height=paper.size[1],
        uploaded_by=person,
        uploaded_at=clock.now(),
    )
    earlier = Upload.objects.filter(sha256=digest, public="").order_by("-id").first()
    if earlier and earlier.original.storage.exists(earlier.original.name or ""):
        upload.original = earlier.original.name  # type: ignore[assignment]
    else:
        upload.original.save(f"{digest[:40]}.{TYPES[paper.content_type]}", ContentFile(paper.content), save=False)
    upload.save()
    return upload
