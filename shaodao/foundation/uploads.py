"""Photos: checked by content, the original kept apart, everybody else shown a copy without metadata.

The original (with its EXIF and position) stays restricted. `public` and `thumbnail` are drawn anew from the pixels,
upright, as sRGB JPEG; nothing of the file that came in survives in them. What is blackened before publication is
blackened for the public only: `clear` and `clear_thumbnail` are what the people who work on the matter see. Who may see
a file is asked of the viewers that the rooms above register: the foundation knows files, not cases.
"""

import hashlib
import io
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import pillow_heif
from django.conf import settings
from django.core import signing
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageDraw, ImageOps

from shaodao.foundation import clock, log
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import Upload

pillow_heif.register_heif_opener(thumbnails=False)

KEPT = ("original", "public", "thumbnail")  # files that every upload has
INSIDE = {
    "clear": "public",
    "clear-thumbnail": "thumbnail",
}  # kinds for staff, and the copy that serves where nothing is blackened
KINDS = (*KEPT, *INSIDE)
FORMATS = {  # Pillow's name: content type and extension of the original
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # a JPEG with further pictures behind it: many phones' ordinary photo
    "PNG": ("image/png", "png"),
    "WEBP": ("image/webp", "webp"),
    "HEIF": ("image/heic", "heic"),
}
STILL = {"JPEG", "MPO", "HEIF"}  # of these the first picture is the photo; several frames of others are an animation
COPY_TYPE = "image/jpeg"
PUBLIC_SIDE, THUMBNAIL_SIDE = 1600, 400  # pixels
MAX_PIXELS = 64_000_000
MAX_BOXES = 60
TICKET_SALT, TICKET_SECONDS = "upload", 2 * 3600

Box = tuple[float, float, float, float]
Viewer = Callable[[HttpRequest, Upload, str], str]  # answers PUBLIC, PRIVATE or NOBODY
PUBLIC, PRIVATE, NOBODY = "public", "private", ""
_viewers: list[Viewer] = []


def picker() -> dict[str, Any]:
    """Attributes of a file input for photos: how many, how large; what is larger the page makes smaller (photos.ts)."""
    return {
        "accept": "image/*,.heic,.heif",
        "data-photos": "",
        "data-max": settings.PHOTO_MAX_COUNT,
        "data-max-mb": settings.PHOTO_MAX_BYTES // 1024 // 1024,
        "data-max-mp": MAX_PIXELS // 1_000_000,
    }


# Storing


def store(file: Any, person: Any = None) -> Upload:
    """Check one file and keep it: a new `Upload` with original, public copy (<= 1600 px) and thumbnail (<= 400 px).

    `file` is an uploaded file or a `ContentFile` with a name; `person` whoever is signed in, or None.
    Raises Invalid({"photos": …}) that names the file and says what is wrong. The same bytes share their files.
    """
    name = name_of(file)
    content = _read(file, name)
    digest = hashlib.sha256(content).hexdigest()
    earlier = Upload.objects.filter(sha256=digest).exclude(public="").order_by("-id").first()
    if earlier and all(getattr(earlier, kind).storage.exists(getattr(earlier, kind).name) for kind in KEPT):
        return _share(earlier, person)
    image, format, (width, height) = _decode(content, name)
    content_type, extension = FORMATS[format]
    upload = Upload(
        sha256=digest,
        content_type=content_type,
        size=len(content),
        width=width,
        height=height,
        uploaded_by=person,
        uploaded_at=clock.now(),
    )
    upload.original.save(f"{digest[:40]}.{extension}", ContentFile(content), save=False)
    _draw_copies(upload, image)
    upload.save()
    return upload


def store_all(files: Iterable[Any], person: Any = None) -> tuple[list[Upload], list[str]]:
    """Store what can be stored: (uploads, one sentence for each file that could not be)."""
    uploads, faults = [], []
    for file in files:
        try:
            uploads.append(store(file, person))
        except Invalid as error:
            faults.append(str(error.errors["photos"]))
    return uploads, faults


def name_of(file: Any) -> str:
    """The sender's name of a file, fit to be shown back: one line, not too long."""
    name = "".join(c for c in str(getattr(file, "name", "") or "") if c.isprintable()).strip()
    return name if len(name) <= 60 else f"{name[:40]}…{name[-12:]}"


def _fault(name: str, what: str) -> Invalid:
    return Invalid({"photos": _("照片“%(name)s”：%(what)s") % {"name": name or "?", "what": what}})


def _read(file: Any, name: str) -> bytes:
    limit = settings.PHOTO_MAX_BYTES
    if getattr(file, "size", 0) and file.size > limit:
        raise _fault(name, _("超过 %(mb)d MB，请压缩或换一张") % {"mb": limit // 1024 // 1024})
    file.seek(0)
    content = file.read(limit + 1)
    if not content:
        raise _fault(name, _("文件是空的，请重新选择"))
    if len(content) > limit:
        raise _fault(name, _("超过 %(mb)d MB，请压缩或换一张") % {"mb": limit // 1024 // 1024})
    return content


def _share(earlier: Upload, person: Any) -> Upload:
    """A new row over the files of an earlier upload of the same bytes."""
    return Upload.objects.create(
        sha256=earlier.sha256,
        original=earlier.original.name,
        public=earlier.public.name,
        thumbnail=earlier.thumbnail.name,
        clear=earlier.clear.name,
        clear_thumbnail=earlier.clear_thumbnail.name,
        content_type=earlier.content_type,
        size=earlier.size,
        width=earlier.width,
        height=earlier.height,
        uploaded_by=person,
        uploaded_at=clock.now(),
    )


# Pixels


def _decode(content: bytes, name: str) -> tuple[Image.Image, str, tuple[int, int]]:
    """The upright RGB picture without any metadata, the file's format, and its full size (width, height) upright."""
    try:
        image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "HEIF"))
    except Image.DecompressionBombError:
        raise _fault(name, _("像素太多，请缩小后再传")) from None
    except Exception:  # decoders of hostile bytes raise anything
        if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
            raise _fault(name, _("HEIC 照片读不出来，文件可能不完整；请重拍或改用 JPEG")) from None
        raise _fault(name, _("不是能识别的照片；请用 JPEG、PNG、WebP 或 HEIC")) from None
    format, full = image.format or "", image.size
    if full[0] * full[1] > MAX_PIXELS:
        raise _fault(name, _("像素太多（%(w)d×%(h)d），请缩小后再传") % {"w": full[0], "h": full[1]})
    if format not in STILL and getattr(image, "n_frames", 1) > 1:
        raise _fault(name, _("是动图，请换成普通照片"))
    try:
        image.draft("RGB", (PUBLIC_SIDE, PUBLIC_SIDE))  # a large JPEG is decoded at a fraction of its size
        image.load()
        turned = image.getexif().get(0x0112, 1) >= 5  # EXIF orientations 5 to 8 swap width and height
        upright = _plain(ImageOps.exif_transpose(image))
    except Exception:
        raise _fault(name, _("文件不完整或已损坏，请重新选择")) from None
    return upright, format, (full[1], full[0]) if turned else full


def _plain(image: Image.Image) -> Image.Image:
    """As 8-bit sRGB on white, with nothing attached."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        image = white.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        with suppress(ImageCms.PyCMSError, OSError, ValueError):  # a broken profile: the numbers as they are
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    image = image.convert("RGB")
    image.info = {}
    return image


def _draw_copies(upload: Upload, image: Image.Image) -> None:
    """Write public copy and thumbnail; their names are new each time, so no cache shows an older copy."""
    for field, side, quality in ((upload.public, PUBLIC_SIDE, 82), (upload.thumbnail, THUMBNAIL_SIDE, 78)):
        copy = image.copy()
        copy.thumbnail((side, side), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        copy.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
        field.save(f"{get_random_string(24).lower()}.jpg", ContentFile(out.getvalue()), save=False)


# Redaction


def redact(upload: Upload, boxes: Sequence[Sequence[float]], person: Any = None, reason: str = "") -> Upload:
    """Blacken rectangles in public copy and thumbnail, drawn anew from the original; no boxes: nothing is blackened.

    The copies without rectangles stay for staff, as `clear` and `clear_thumbnail`.
    `boxes`: (left, top, right, bottom) as fractions 0..1 of the upright picture. Raises Invalid({"boxes": …}).
    Logged with the boxes. Copies that no other upload shares are deleted.
    """
    checked = _check(boxes)
    with upload.original.open("rb") as file:
        image, _format, _size = _decode(file.read(), name_of(upload.original))
    pen, (width, height) = ImageDraw.Draw(image), image.size
    for left, top, right, bottom in checked:  # outwards, so that no half pixel of a face stays
        corner = math.ceil(right * width), math.ceil(bottom * height)
        pen.rectangle([math.floor(left * width), math.floor(top * height), *corner], fill="black")
    old = [name for name in (upload.public.name, upload.thumbnail.name) if name]
    with transaction.atomic():
        if not upload.clear:
            upload.clear, upload.clear_thumbnail = upload.public.name, upload.thumbnail.name
        _draw_copies(upload, image)
        upload.save(update_fields=["public", "thumbnail", "clear", "clear_thumbnail"])
        log.write("upload.redact", f"upload:{upload.pk}", actor=person, reason=reason, data={"boxes": checked})
        transaction.on_commit(lambda: _discard(upload.public, old))
    return upload


def _check(boxes: Any) -> list[Box]:
    if not isinstance(boxes, list | tuple) or len(boxes) > MAX_BOXES:
        raise Invalid({"boxes": _("最多遮盖 %(n)d 处") % {"n": MAX_BOXES}})
    checked: list[Box] = []
    for number, box in enumerate(boxes, 1):
        try:
            left, top, right, bottom = (float(value) for value in box)
            good = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
        except (TypeError, ValueError):
            good = False
        if not good:
            raise Invalid({"boxes": _("第 %(n)d 处应为 左,上,右,下，都在 0 与 1 之间") % {"n": number}})
        checked.append((left, top, right, bottom))
    return checked


def _discard(field: Any, names: list[str]) -> None:
    storage = field.storage
    for name in names:
        used = Q(public=name) | Q(thumbnail=name) | Q(clear=name) | Q(clear_thumbnail=name)
        if name and not Upload.objects.filter(used).exists():
            storage.delete(name)


# Who may see


def register_viewer(viewer: Viewer) -> None:
    """A room says who may see the files that it uses; called once, when the program starts.

    `viewer(request, upload, kind)` answers PUBLIC (everybody, may be cached), PRIVATE (this person) or NOBODY.
    """
    if viewer not in _viewers:
        _viewers.append(viewer)


def sight(request: HttpRequest, upload: Upload, kind: str) -> str:
    """PUBLIC, PRIVATE or NOBODY: the widest answer of the viewers; copies also for who sent the file or has a ticket."""
    answers = {viewer(request, upload, kind) for viewer in _viewers}
    if PUBLIC in answers:
        return PUBLIC
    if PRIVATE in answers:
        return PRIVATE
    if kind != "original" and (_sent_by(request, upload) or ticket_fits(upload, request.GET.get("ticket", ""))):
        return PRIVATE
    return NOBODY


def _sent_by(request: HttpRequest, upload: Upload) -> bool:
    return upload.uploaded_by_id is not None and upload.uploaded_by_id == getattr(request.user, "pk", None)


def ticket(upload: Upload | int) -> str:
    """A signed word that lets its holder see the copies of one upload and use it in a form, for two hours."""
    return signing.dumps(upload if isinstance(upload, int) else upload.pk, salt=TICKET_SALT)


def from_ticket(text: str) -> int | None:
    """The id of the upload that a ticket names; None for a forged, foreign or expired one."""
    try:
        found = signing.loads(text, salt=TICKET_SALT, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        return None
    return found if isinstance(found, int) else None


def kept(tickets: Sequence[str], most: int) -> list[Upload]:
    """The uploads that these tickets name, in their order, `most` at most; forged and expired ones are passed over."""
    ids = [found for text in tickets[:most] if (found := from_ticket(text))]
    rows = Upload.objects.in_bulk(list(dict.fromkeys(ids))) if ids else {}
    return [rows[pk] for pk in dict.fromkeys(ids) if pk in rows]


def ticket_fits(upload: Upload, text: str) -> bool:
    return bool(text) and from_ticket(text) == upload.pk


def served(upload: Upload, kind: str) -> tuple[FieldFile, str, str]:
    """What is sent for a kind: (the stored file, content type, file name for the person who saves it)."""
    if kind == "original":
        extension = next(e for t, e in FORMATS.values() if t == upload.content_type)
        return upload.original, upload.content_type, f"original-{upload.pk}.{extension}"
    stored = getattr(upload, kind.replace("-", "_")) or getattr(upload, INSIDE.get(kind, kind))
    return stored, COPY_TYPE, f"photo-{upload.pk}.jpg"
