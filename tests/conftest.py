"""A small district for tests: two streets, three communities, a grid, four departments, a catalogue, posts."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations as PostgreSQL
from django.test import override_settings
from django.utils import translation

from shaodao.bikes import ground
from shaodao.foundation import calendar, clock, district

# Pages, formats and rules over tables that other tests write on both databases: one run is enough. `*`: the whole room.
ONCE = {
    "bikes": (
        "admission bay_fuzz bay_pack bay_pages bike_map demo_street effect feed_quality findings_pages gbfs_pull "
        "gbfs_pull_pages operator_api operator_pack operator_pages position_files present present_api publish_bays publish_gbfs publish_mds report_pages scores"
    ),
    "cases": "staff_forms views work_report",
    "catalogue": "*",
    "command": "*",
    "foundation": "assets uploads basemap browser messages voice",
    "organisations": "*",
    "packs": "*",
    "places": "*",
    "portal": "reading follow",
    "sanitation": "book_pages",
}

# The same algorithm by the same code, made cheap: at its real strength a hash takes a third of a second and 100 MB.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 64, 1


def _empty(self, style, tables, *, reset_sequences=False, allow_cascade=False):
    """Rows of the few tables that have any are deleted: to truncate all hundred took PostgreSQL four seconds a test.

    Their foreign keys are checked at the end of the transaction, so the order is of no consequence.
    """
    quoted = [self.quote_name(table) for table in tables]
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT FROM {table})" for table in quoted))
        return [f"DELETE FROM {table}" for table, some in zip(quoted, cursor.fetchone(), strict=True) if some]


PostgreSQL.sql_flush = _empty


def pytest_collection_modifyitems(items):
    for item in items:
        room, name = item.path.parent.name, item.path.stem.removeprefix("test_")
        if "kernel" in item.path.parts:
            item.add_marker(pytest.mark.nodb)
        elif {"*", name} & set(ONCE.get(room, "").split()):
            item.add_marker(pytest.mark.once)


@pytest.fixture(autouse=True)
def _fresh_caches(monkeypatch):
    """Settings and calendar are cached per process for some seconds; each test starts without, and on a slow machine
    reads them no more often than on a fast one, so that its queries can be counted."""
    monkeypatch.setattr(district, "SECONDS", 3600)
    monkeypatch.setattr(calendar, "SECONDS", 3600)
    forget()
    translation.activate(
        "zh-hans"
    )  # a page in English, asked for by the test before, leaves its language in the thread
    yield
    forget()


def forget():
    district.forget()
    calendar.forget()
    ground.forget()  # bays and grid: each test has a database of its own


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    """Uploads and counted limits of a test stay with the test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.POSITIONS_ROOT = tmp_path
    settings.CACHES = settings.CACHES | {
        "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    }


@pytest.fixture(scope="module")
def shared(django_db_setup, django_db_blocker, tmp_path_factory):
    """One transaction around a module's tests, for a town that takes long to make and that each test leaves as it was:
    a fixture of the module makes it, each test works on it inside of its own savepoint (and on a deep copy of objects)."""
    files = tmp_path_factory.mktemp("shared")
    forget()
    translation.activate("zh-hans")
    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=files / "media", POSITIONS_ROOT=files),
        transaction.atomic(),
    ):
        yield files
        transaction.set_rollback(True)
    forget()


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
