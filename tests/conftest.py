"""A small district for tests: two streets, three communities, a grid, four departments, a catalogue, posts."""

from datetime import UTC, datetime

import pytest
from django.utils import translation

from shaodao.foundation import calendar, clock, district


def pytest_collection_modifyitems(items):
    for item in items:
        if "kernel" in item.path.parts:
            item.add_marker(pytest.mark.nodb)


@pytest.fixture(autouse=True)
def _fresh_caches(monkeypatch):
    """Settings and calendar are cached per process for some seconds; each test starts without, and on a slow machine
    reads them no more often than on a fast one, so that its queries can be counted."""
    monkeypatch.setattr(district, "SECONDS", 3600)
    monkeypatch.setattr(calendar, "SECONDS", 3600)
    district.forget()
    calendar.forget()
    translation.activate(
        "zh-hans"
    )  # a page in English, asked for by the test before, leaves its language in the thread
    yield
    district.forget()
    calendar.forget()


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    """Uploads and counted limits of a test stay with the test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.POSITIONS_ROOT = tmp_path
    settings.CACHES = settings.CACHES | {
        "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    }


@pytest.fixture
def monday():
    """Monday 24 May 2021, 09:00 in Datong: an ordinary working morning."""
    at = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)
    with clock.freeze(at):
        yield at


@pytest.fixture
def town(db):
    from tests.town import Town

    return Town()
