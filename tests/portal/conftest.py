import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from shaodao.cases.models import Report
from tests.pictures import gps_jpeg

NAME, PHONE, MAIL = "王小明", "13812345678", "wang@example.org"
SAID = "路口堆了三天垃圾我住三单元"


@pytest.fixture
def fields():
    """What somebody types into the report form: a fresh key each time it is asked for."""

    def make(**given):
        values = {
            "text": SAID, "category": "event-0110", "lon": "113.2005", "lat": "40.0005", "datum": "wgs84",
            "name": NAME, "phone": PHONE, "email": MAIL, "key": str(uuid.uuid4()),
        }  # fmt: skip
        return {k: v for k, v in (values | given).items() if v is not None}

    return make


@pytest.fixture
def send(client, fields):
    """Send the form as a browser without scripts does; the answer to follow by hand."""
    return lambda **given: client.post(reverse("report"), fields(**given))


def photo(name: str = "现场.jpg", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, gps_jpeg() if content is None else content, content_type="image/jpeg")


def last() -> Report:
    return Report.objects.latest("id")
