"""Photos: what is kept, what is shown, what is refused, and who may see which."""

import io
import struct
import zlib

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image, ImageCms

from shaodao.foundation import uploads
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import LogEntry, Upload
from tests.pictures import SECRET, gps_jpeg, picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


def stored(content: bytes, name: str = "a.jpg") -> Upload:
    return uploads.store(ContentFile(content, name))


def opened(field) -> Image.Image:
    with field.open("rb") as file:
        return Image.open(io.BytesIO(file.read()))


def fault(content: bytes, name: str = "坏.jpg") -> str:
    with pytest.raises(Invalid) as caught:
        stored(content, name)
    assert not Upload.objects.exists()
    return str(caught.value.errors["photos"])


def test_position_and_every_other_metadata_are_gone_from_what_is_shown():
    content = gps_jpeg()
    assert Image.open(io.BytesIO(content)).getexif().get_ifd(0x8825)  # the file that comes in does say where
    assert SECRET in content
    upload = stored(content)
    with upload.original.open("rb") as file:
        assert file.read() == content
    for field in (upload.public, upload.thumbnail):
        with field.open("rb") as file:
            raw = file.read()
        image = Image.open(io.BytesIO(raw))
        assert not image.getexif() and not image.getexif().get_ifd(0x8825)
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert SECRET not in raw and b"Exif" not in raw and b"http" not in raw
        assert not field.name.endswith("/a.jpg") and upload.sha256[:12] not in field.name


@pytest.mark.parametrize(("orientation", "size"), [(1, (600, 300)), (3, (600, 300)), (6, (300, 600)), (8, (300, 600))])
def test_orientation_is_applied(orientation, size):
    upload = stored(gps_jpeg(orientation=orientation, size=(600, 300)))
    assert (upload.width, upload.height) == size
    assert opened(upload.public).size == size


@pytest.mark.parametrize(("side", "expected"), [(5000, 1600), (900, 900)])
def test_sizes(side, expected):
    upload = stored(picture("JPEG", (side, side // 2)))
    assert opened(upload.public).size == (expected, expected // 2)
    assert max(opened(upload.thumbnail).size) == 400
    assert (upload.width, upload.height) == (side, side // 2)


@pytest.mark.parametrize(
    ("format", "mode", "type"),
    [
        ("JPEG", "RGB", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("JPEG", "L", "image/jpeg"),
        ("PNG", "RGBA", "image/png"),
        ("PNG", "P", "image/png"),
        ("PNG", "LA", "image/png"),
        ("PNG", "I;16", "image/png"),
        ("PNG", "1", "image/png"),
        ("WEBP", "RGBA", "image/webp"),
        ("HEIF", "RGB", "image/heic"),
        ("MPO", "RGB", "image/jpeg"),
    ],
)
def test_accepted_by_content_not_by_name(format, mode, type):
    upload = stored(picture(format, (120, 80), mode), "anything.txt")
    assert upload.content_type == type and upload.original.name.endswith(uploads.FORMATS[format][1])
    for field in (upload.public, upload.thumbnail):
        image = opened(field)
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (120, 80))


def test_transparent_is_white_and_wide_colours_are_converted():
    assert opened(stored(picture("PNG", (20, 20), "RGBA")).public).getpixel((10, 10)) == (255, 255, 255)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    upload = stored(picture("PNG", (20, 20), "RGB", icc_profile=profile, colour=(200, 30, 30)))
    assert all(abs(a - b) < 8 for a, b in zip(opened(upload.public).getpixel((10, 10)), (200, 30, 30), strict=True))
    stored(picture("JPEG", (20, 20), "RGB", icc_profile=b"broken"))


REFUSED = {
    "empty": (b"", "空"),
    "text": (b"hello, this is no picture" * 20, "不是能识别的照片"),
    "html": (b"<html><script>alert(1)</script></html>", "不是能识别的照片"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "不是能识别的照片"),
    "gif": (picture("GIF", (20, 20), "P"), "不是能识别的照片"),
    "tiff": (picture("TIFF", (20, 20)), "不是能识别的照片"),
    "half a jpeg": (picture("JPEG", (900, 900))[:9000], "不完整"),
    "half a png": (picture("PNG", (300, 300))[:200], "不完整"),
    "half a webp": (picture("WEBP", (300, 300))[:150], "不"),
    "half a heic": (picture("HEIF", (300, 300))[:400], "HEIC|不完整"),
    "jpeg head": (b"\xff\xd8\xff\xe0", "不"),
    "animated webp": (picture("WEBP", (20, 20), frames=3), "动图"),
    "animated png": (picture("PNG", (20, 20), frames=3), "动图"),
    "bomb": (picture("PNG", (9000, 9000), "1"), "像素太多"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_plain_words_with_the_file_name(case):
    content, words = REFUSED[case]
    said = fault(content, "坏照片.jpg")
    assert "坏照片.jpg" in said
    assert any(word in said for word in words.split("|")), said


def test_a_bomb_beyond_pillows_own_limit_is_refused_before_it_is_drawn():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    assert "像素太多" in fault(png)


def test_too_large_is_said_before_reading(settings):
    settings.PHOTO_MAX_BYTES = 1024 * 1024
    assert "1 MB" in fault(b"\xff\xd8" + b"0" * (1024 * 1024 + 1))


def test_names_are_shown_on_one_line_and_not_at_any_length():
    said = fault(b"x", "a\nb\x00" + "长" * 300 + ".jpg")
    assert "\n" not in said and len(said) < 140


def test_the_same_bytes_share_their_files():
    first, second = stored(gps_jpeg()), stored(gps_jpeg(), "again.jpg")
    assert first.pk != second.pk
    assert (first.original.name, first.public.name) == (second.original.name, second.public.name)


def test_store_all_keeps_the_good_and_names_the_bad():
    files = [ContentFile(picture("PNG", (20, 20)), "a.png"), ContentFile(b"", "b.jpg"), ContentFile(b"zz", "c.jpg")]
    kept, faults = uploads.store_all(files)
    assert len(kept) == 1 and len(faults) == 2 and "b.jpg" in faults[0] and "c.jpg" in faults[1]


# ── redaction ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_redaction_blackens_copies_and_leaves_the_original(django_capture_on_commit_callbacks):
    upload = stored(picture("JPEG", (800, 400), colour=(250, 250, 250), plain=True))
    old = upload.public.name
    with django_capture_on_commit_callbacks(execute=True):
        uploads.redact(upload, [(0.25, 0.25, 0.5, 0.75)], reason="人脸")
    upload.refresh_from_db()
    for field in (upload.public, upload.thumbnail):
        image = opened(field)
        w, h = image.size
        assert max(image.getpixel((int(w * 0.375), h // 2))) < 20
        assert min(image.getpixel((int(w * 0.75), h // 2))) > 230
    assert upload.public.name != old
    assert upload.clear.name == old and min(opened(upload.clear).getpixel((300, 200))) > 230  # staff see what is there
    with django_capture_on_commit_callbacks(execute=True):
        uploads.redact(upload, [(0, 0, 1, 1)])
    assert upload.clear.name == old and upload.clear.storage.exists(old)
    with upload.original.open("rb") as file:
        assert min(Image.open(file).getpixel((300, 200))) > 230
    entry = LogEntry.objects.filter(action="upload.redact").earliest("pk")
    assert entry.subject == f"upload:{upload.pk}" and entry.data["boxes"] == [[0.25, 0.25, 0.5, 0.75]]


def test_a_redaction_can_be_taken_back_and_shared_copies_survive(django_capture_on_commit_callbacks):
    upload = stored(picture("JPEG", (80, 40), colour=(250, 250, 250), plain=True))
    other = stored(picture("JPEG", (80, 40), colour=(250, 250, 250), plain=True))
    with django_capture_on_commit_callbacks(execute=True):
        uploads.redact(upload, [(0, 0, 1, 1)])
    assert max(opened(upload.public).getpixel((40, 20))) < 20
    assert min(opened(Upload.objects.get(pk=other.pk).public).getpixel((40, 20))) > 230
    uploads.redact(upload, [])
    assert min(opened(upload.public).getpixel((40, 20))) > 230


@pytest.mark.parametrize(
    "boxes",
    [
        [(0.5, 0, 0.4, 1)],
        [(0, 0, 1)],
        [(-0.1, 0, 1, 1)],
        [("x", 0, 1, 1)],
        [(0, 0, 1, float("nan"))],
        "nope",
        [None],
        [(0, 0, 1, 1)] * 100,
    ],
)
def test_bad_boxes_are_named(boxes):
    upload = stored(picture("JPEG", (80, 40)))
    with pytest.raises(Invalid) as caught:
        uploads.redact(upload, boxes)
    assert "boxes" in caught.value.errors


# ── who may see ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def case(town, monday):
    """A case with one photo, which is the only upload."""
    return town.report(photos=[stored(gps_jpeg())])


def get(client, kind: str, upload: int | None = None, **headers):
    return client.get(reverse("media", args=[kind, upload or Upload.objects.get().pk]), **headers)


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_nothing_of_an_unpublished_case_is_public(client, case):
    for kind in uploads.KINDS:
        assert get(client, kind).status_code == 404


def test_published_copies_are_for_everybody_and_the_original_for_nobody_outside(client, town, case):
    upload = Upload.objects.get()
    town.act("publish", case, "duty_leader", published=True, public_text="垃圾", public_photos=[upload.pk])
    uploads.redact(upload, [(0, 0, 1, 1)])
    for kind in ("clear", "clear-thumbnail"):
        assert get(client, kind).status_code == 404
    for kind in ("public", "thumbnail"):
        response = get(client, kind)
        assert response.status_code == 200
        assert response["Content-Type"] == "image/jpeg" and response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"].startswith("public") and response["Content-Disposition"].startswith("inline")
        assert SECRET not in body(response)
        again = get(client, kind, headers={"if-none-match": response["ETag"]})
        assert again.status_code == 304
    assert get(client, "original").status_code == 404
    town.act("publish", case, "duty_leader", published=False)
    assert get(client, "public").status_code == 404


def test_a_photo_that_was_not_chosen_stays_hidden(client, town, case):
    town.act("publish", case, "duty_leader", published=True, public_text="垃圾", public_photos=[])
    assert get(client, "public").status_code == 404


def test_staff_see_copies_of_their_cases_only(client, town, case):
    client.force_login(town.person("street"))
    response = get(client, "public")
    assert response.status_code == 200 and response["Cache-Control"].startswith("private")
    assert get(client, "original").status_code == 403
    for kind in ("clear", "clear-thumbnail"):
        assert get(client, kind).status_code == 200
    client.force_login(town.person("street", town.other_office))
    for kind in ("public", "clear", "clear-thumbnail"):
        assert get(client, kind).status_code == 403
    client.force_login(town.person("department"))
    assert get(client, "thumbnail").status_code == 403


def test_originals_are_for_the_headquarters_and_each_reading_is_logged(client, town, case):
    person = town.person("intake")
    client.force_login(person)
    response = get(client, "original")
    assert response.status_code == 200 and body(response) == gps_jpeg()
    assert response["Cache-Control"] == "private, no-store" and "attachment" in response["Content-Disposition"]
    entry = LogEntry.objects.get(action="upload.original")
    assert entry.actor == person and entry.subject == f"upload:{Upload.objects.get().pk}"


def test_a_ticket_shows_one_photo_to_its_sender(client, case):
    upload = Upload.objects.get()
    other = stored(picture("PNG", (20, 20)))
    good, foreign = uploads.ticket(upload), uploads.ticket(other)
    assert client.get(reverse("media", args=["thumbnail", upload.pk]), {"ticket": good}).status_code == 200
    assert client.get(reverse("media", args=["thumbnail", upload.pk]), {"ticket": foreign}).status_code == 404
    assert client.get(reverse("media", args=["thumbnail", upload.pk]), {"ticket": good + "x"}).status_code == 404
    assert client.get(reverse("media", args=["original", upload.pk]), {"ticket": good}).status_code == 404


def test_staff_see_what_they_sent_before_it_belongs_to_a_case(client, town):
    person = town.person("department")
    upload = uploads.store(ContentFile(picture("PNG", (20, 20)), "a.png"), person)
    client.force_login(person)
    assert get(client, "thumbnail", upload.pk).status_code == 200
    client.force_login(town.person("department", town.water))
    assert get(client, "thumbnail", upload.pk).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/media/",
        "/media/public/0/",
        "/media/public/99999999999999999999999/",
        "/media/secret/1/",
        "/media/public/../../settings.py",
        "/media/public/1/x",
        "/media/public/abc/",
        "/media/original/1",
    ],
)
def test_nothing_else_is_served(client, case, path):
    assert client.get(path, follow=True).status_code == 404


def test_a_lost_file_is_not_found_and_no_error(client, town, case):
    upload = Upload.objects.get()
    upload.public.storage.delete(upload.public.name)
    client.force_login(town.person("intake"))
    assert get(client, "public").status_code == 404
    assert client.post(reverse("media", args=["thumbnail", upload.pk])).status_code == 405
