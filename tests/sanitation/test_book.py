"""The book: who may write, chained events, versions, conflicts; and a pack that says which row is wrong."""

import shutil
from pathlib import Path

import pytest

from shaodao.book import actions, history
from shaodao.book.queries import as_at
from shaodao.book.queries import history as told
from shaodao.foundation import chain, clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.pack import Pack
from shaodao.sanitation import pack, queries
from shaodao.sanitation.hours import parse_windows, said
from shaodao.sanitation.kinds import KINDS, months
from shaodao.sanitation.models import BookEvent, Vehicle
from shaodao.sanitation.room import ROOM
from tests.sanitation.book import SYSTEM, book, put

EXAMPLE = Path(__file__).parents[2] / "districts" / "example"
VEHICLE = KINDS["vehicle"]


def test_a_change_has_a_reason_an_event_and_a_version(monday, town):
    book()
    hq = town.actor("headquarters")
    row = Vehicle.objects.get()
    with pytest.raises(Invalid, match="理由"):
        actions.change(VEHICLE, hq, row.pk, {"tank_m3": "12"})
    before = clock.now()
    with clock.freeze(monday.replace(hour=5)):
        row = actions.change(VEHICLE, hq, row.pk, {"tank_m3": "12"}, version=1, reason="换箱")
        with pytest.raises(Conflict):
            actions.change(VEHICLE, hq, row.pk, {"tank_m3": "9"}, version=1, reason="晚了")
        event = told(VEHICLE, row)[0]
        assert (row.version, event.changes, event.reason) == (2, {"tank_m3": [10.0, 12.0]}, "换箱")
        assert actions.change(VEHICLE, hq, row.pk, {"tank_m3": "12"}, reason="一样").version == 2
        assert as_at(VEHICLE, row, before)["tank_m3"] == 10 and as_at(VEHICLE, row, clock.now())["tank_m3"] == 12
        with pytest.raises(Refused, match="用到"):
            actions.remove(KINDS["crew"], hq, row.crew_id, reason="撤")
        gone = actions.remove(VEHICLE, hq, row.pk, reason="报废")
        assert not gone.active and as_at(VEHICLE, gone, clock.now()) is None
        assert actions.restore(VEHICLE, hq, row.pk).active
    assert history.verify(ROOM)[2] == [] and "sanitation" in [found.name for found in chain.books()]
    Vehicle.objects.update(tank_m3=99)
    BookEvent.objects.filter(subject="vehicle:V", seq=2).update(reason="另一个")
    assert {fault["what"] for fault in history.verify(ROOM)[2]} == {"projection", "hash"}


def test_only_the_keepers_write_and_faults_are_named_by_column(monday, town):
    book()
    row = Vehicle.objects.get()
    for role in ("street", "department", "inspector"):
        with pytest.raises(Refused):
            actions.change(VEHICLE, town.actor(role), row.pk, {"tank_m3": "1"}, reason="x")
    with pytest.raises(Invalid) as wrong:
        actions.change(VEHICLE, town.actor("headquarters"), row.pk, {"tank_m3": "-1", "type": "ship"}, reason="x")
    assert set(wrong.value.errors) == {"tank_m3", "type"}
    with pytest.raises(Invalid, match="没有编码"):
        put("shift", X={"crew": "NONE", "hours": [[0, 60]]})


@pytest.mark.nodb
def test_hours_and_months_as_people_write_them():
    assert parse_windows("22:00-05:00*2；9:00–12:00") == [[1320, 300, 2], [540, 720, 1]]
    assert said(parse_windows("22:00-05:00*2; 09:00-12:00")) == "22:00-05:00*2; 09:00-12:00"
    assert months("11-3") == [1, 2, 3, 11, 12] and months("4，6-7") == [4, 6, 7]
    for text in ("25:00-26:00", "9-12", "09:00-09:00", "x"):
        with pytest.raises(actions.Bad):
            parse_windows(text)


@pytest.mark.nodb
@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        ("fleet.csv", "washer,C1,10", "washer,C1,0", ("sanitation/fleet.csv", 2, "tank_m3")),
        ("fleet.csv", "washer,C1", "washer,C9", ("sanitation/fleet.csv", 2, "crew")),
        ("services.yaml", "22:00-05:00", "22-05", ("sanitation/services.yaml", 1, "windows")),
        ("roads.yaml", "total_km: 1.4", "total_km: 52", ("sanitation/roads.yaml", 0, "")),
        ("roads.yaml", "km: 0.8", "km: 9.0", ("sanitation/roads.yaml", 0, "")),
        ("bins.csv", "litter,R1", "litter,R7", ("sanitation/bins.csv", 2, "road")),
    ],
)
def test_a_pack_s_faults_have_file_row_and_column(tmp_path, file, old, new, where):
    shutil.copytree(EXAMPLE, tmp_path / "p")
    path = tmp_path / "p" / "sanitation" / file
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    given = Pack(tmp_path / "p")
    found = [*pack.check(given), *given.problems]
    assert where in [(p.file, p.row, p.column) for p in found], found


def test_a_pack_loads_once_and_leaves_people_s_rows(monday, town):
    pack.load(Pack(EXAMPLE))
    n = BookEvent.objects.count()
    pack.load(Pack(EXAMPLE))
    assert BookEvent.objects.count() == n and queries.sums()["total_m2"] == pytest.approx(42_000)
    row = Vehicle.objects.get(code="X1")
    actions.change(VEHICLE, town.actor("headquarters"), row.pk, {"tank_m3": "8"}, reason="量过")
    put("vehicle", OWN={"type": "washer", "working_kmh": 5.0, "transfer_kmh": 30.0})
    pack.load(Pack(EXAMPLE))
    assert Vehicle.objects.get(code="X1").tank_m3 == 8 and Vehicle.objects.get(code="OWN").active
    assert history.verify(ROOM)[2] == [] and SYSTEM.person is None
