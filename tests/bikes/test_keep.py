"""Positions into Parquet: each once, whenever the program stops in between; trips apart and soon gone."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from pyarrow import dataset

from shaodao.bikes.ingest import keep, receive
from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import PositionBatch
from shaodao.foundation import clock
from tests.bikes.street import bay, fix, sent, zone


@pytest.fixture
def operator(office):
    return office.brought_to("admitted")


def take(operator, *fixes):
    return ingest(operator, sent(*fixes), "mds", clock.now())


def rows(root=None):
    root = root or keep.positions()
    if not list(root.rglob("*.parquet")):
        return []
    table = dataset.dataset(root, partitioning=dataset.partitioning(flavor="hive"), format="parquet").to_table()
    return sorted(table.to_pylist(), key=lambda r: (r["vehicle_id"], r["time"]))


def files(root=None):
    root = root or keep.positions()
    return [str(path.relative_to(root).parent) for path in sorted(root.rglob("*.parquet"))]


def everything():
    return keep.keep(clock.now(), all_of_it=True)


def test_by_day_and_operator_with_codes_that_mean_something(operator, office):
    one, forbidden = bay(), zone(half_m=100)
    take(operator, fix("a", 10), fix("b", 10 * 3600, accuracy_m=4.0))
    take(office.brought_to("admitted", "BIKE-B"), fix("x", 5))
    assert everything() == 3 and not PositionBatch.objects.exists()
    assert files() == [
        "day=2021-05-23/operator=BIKE-A",
        "day=2021-05-24/operator=BIKE-A",
        "day=2021-05-24/operator=BIKE-B",
    ]
    a, b, x = rows()
    assert (a["bay"], a["street"], a["zone"], a["operator"]) == (one.code, "140213050", forbidden.code, "BIKE-A")
    assert (a["accuracy"], b["accuracy"], str(b["day"]), x["operator"]) == (None, 4.0, "2021-05-23", "BIKE-B")


def test_bikes_in_use_are_apart_and_gone_after_their_hours(operator):
    take(operator, fix("rides", state="on_trip"), fix("stands"))
    everything()
    assert [r["vehicle_id"] for r in rows()] == ["stands"]
    assert files(keep.trips()) == ["hour=2021-05-24T09/operator=BIKE-A"]
    assert keep.end_retention(clock.now() + timedelta(hours=24)) == 0
    assert keep.end_retention(clock.now() + timedelta(hours=26)) == 1
    assert files(keep.trips()) == [] and len(rows()) == 1


def test_days_are_kept_as_long_as_the_pack_says(operator, office):
    office.settle(ingest={"raw_days": 3})
    take(operator, fix())
    everything()
    assert keep.end_retention(clock.now() + timedelta(days=3)) == 0
    assert keep.end_retention(clock.now() + timedelta(days=4)) == 1
    assert not list(keep.positions().iterdir())


def test_it_waits_for_others_or_for_many(operator, monkeypatch):
    take(operator, fix("a"), fix("b"))
    assert keep.keep(clock.now()) == 0
    monkeypatch.setattr(keep, "MANY", 2)
    assert keep.keep(clock.now()) == 2
    monkeypatch.undo()
    take(operator, fix("c"))
    assert keep.keep(clock.now() + timedelta(minutes=9)) == 0
    assert keep.keep(clock.now() + timedelta(minutes=10)) == 1
    assert keep.keep(clock.now() + timedelta(minutes=20)) == 0


def test_more_than_fits_at_once(operator, monkeypatch):
    monkeypatch.setattr(keep, "AT_ONCE", 3)
    for n in range(7):
        take(operator, fix("a", 60 - n), fix("b", 60 - n))
    assert everything() == 14 and len(rows()) == 14 and len(files()) == 4


@pytest.mark.parametrize("stop", ["write", "rename", "delete"])
def test_a_stop_at_any_point_loses_nothing_and_doubles_nothing(operator, monkeypatch, stop):
    take(operator, fix("a", 10), fix("b", 20 * 3600))
    with monkeypatch.context() as patched:
        _stop_at(patched, stop)
        with pytest.raises(KeyboardInterrupt):
            everything()
    assert PositionBatch.objects.count() == 1
    take(operator, fix("c"))  # the next file ends at another batch
    everything()
    assert [r["vehicle_id"] for r in rows()] == ["a", "b", "c"]
    assert everything() == 0


def _stop_at(patched, stop):
    def stopped(*_args, **_named):
        raise KeyboardInterrupt

    if stop == "write":
        patched.setattr(keep.parquet, "write_table", stopped)
    elif stop == "rename":  # of the second of two files
        real, seen = Path.replace, []

        def replace(self, target):
            seen.append(target)
            return real(self, target) if len(seen) == 1 else stopped()

        patched.setattr(Path, "replace", replace)
    else:
        patched.setattr(PositionBatch.objects, "filter", _once_then(PositionBatch.objects.filter, stopped))


def _once_then(real, stopped):
    def filter(*args, **named):
        return stopped() if "pk__in" in named and "operator" not in named else real(*args, **named)

    return filter


def test_numbers_of_a_restored_database_do_not_overwrite_what_is_kept(operator):
    take(operator, fix("a"))
    batch = PositionBatch.objects.get()
    everything()
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        take(operator, fix("b"))
        PositionBatch.objects.update(id=batch.pk)
        everything()
    assert [r["vehicle_id"] for r in rows()] == ["a", "b"]


# ── days that are over ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def two_parts(operator):
    take(operator, fix("b", 10), fix("a", 10))
    everything()
    take(operator, fix("a", 5))
    everything()
    return operator


def tomorrow():
    return clock.now() + timedelta(days=1)


def test_a_day_that_is_over_is_one_file_in_order(two_parts):
    assert keep.close_days(clock.now()) == 0
    before = rows()
    assert keep.close_days(tomorrow()) == 1 and len(files()) == 1
    assert rows() == before and keep.close_days(tomorrow()) == 0


def test_late_ones_join_and_copies_fall_out(two_parts):
    keep.close_days(tomorrow())
    with clock.freeze(tomorrow()):
        take(two_parts, fix("late", 24 * 3600 - 3600))
        everything()
        whole = keep.positions() / "day=2021-05-24" / "operator=BIKE-A"
        part = next(whole.glob("part-*"))
        table = pa.parquet.read_table(part, partitioning=None)
        pa.parquet.write_table(pa.concat_tables([table, table]), part)
        assert keep.close_days(clock.now()) == 1
    assert [r["vehicle_id"] for r in rows()] == ["a", "a", "b", "late"]


def test_what_an_older_program_kept_has_no_confidence_and_goes_on(operator, monkeypatch):
    """Files and batches without the column are read with it empty, and join with new ones."""
    bay()
    with monkeypatch.context() as older:
        plain = receive.SCHEMA.remove(receive.SCHEMA.get_field_index("confidence"))
        original = pa.RecordBatch.from_arrays
        older.setattr(receive, "SCHEMA", plain)
        older.setattr(
            receive.pa, "RecordBatch", SimpleNamespace(from_arrays=lambda a, schema: original(a[:-1], schema=schema))
        )
        take(operator, fix("old", 10))
        older.setattr(keep, "SCHEMA", plain)
        everything()
        take(operator, fix("waits", 9))
    take(operator, fix("new", 8))
    everything()
    oldest = min(keep.positions().rglob("part-*"), key=lambda part: int(part.name.split("-")[1]))
    assert "confidence" not in pa.parquet.read_schema(oldest).names
    assert keep.close_days(tomorrow()) == 1
    assert [(r["vehicle_id"], r["confidence"] is None) for r in rows()] == [
        ("new", False),
        ("old", True),
        ("waits", True),
    ]


def test_a_stop_between_the_whole_and_the_end_of_its_parts(two_parts, monkeypatch):
    before = rows()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_a, **_k: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            keep.close_days(tomorrow())
    assert len(files()) == 3
    keep.close_days(tomorrow())
    assert len(files()) == 1 and rows() == before


def test_what_is_kept_can_be_analysed(operator):
    from shaodao.bikes.analysis import files as analysis

    take(operator, fix("a", accuracy_m=5.0))
    everything()
    (group,) = analysis.find(keep.positions())
    assert (group.columns.named, group.columns.accuracy) == ("BIKE-A", "accuracy")
