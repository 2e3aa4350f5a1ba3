"""Bays and zones one by one: who may, what a version says, what was there at a time, and that nobody overwrites anybody."""

from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest
import shapely

from shaodao.bikes import ground
from shaodao.bikes.actions import bays
from shaodao.bikes.bays import queries as bayqueries
from shaodao.bikes.bays.queries import BAYS, ZONES
from shaodao.bikes.models import Bay, BayVersion, Zone, ZoneVersion
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.models import LogEntry
from tests.bikes.outlines import LAT, LON, geometry, square
from tests.town import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def bay(office):
    return bays.add(BAYS, office.hq, "P-1", geometry(square()), {"name": "永泰路口"}, "新划")


def codes(kind, when):
    return [getattr(version, kind.name).code for version in bayqueries.at(kind, when)]


def test_a_new_bay_knows_its_size_its_capacity_and_where_it_is(office, bay):
    assert (bay.version, bay.active, bay.capacity, bay.capacity_given) == (1, True, 10, False)  # 6 m by 0.6
    assert bay.length_m == pytest.approx(6.0, abs=0.05) and bay.area_m2 == pytest.approx(36, abs=0.3)
    assert shapely.contains_xy(square(), bay.lon, bay.lat)
    assert (bay.street, bay.community) == (office.town.street, office.town.communities[0])
    [version] = BayVersion.objects.all()
    assert (version.bay, version.valid_from, version.valid_until) == (bay, clock.now(), None)
    assert (version.changed_by, version.reason, version.name) == (office.hq.person, "新划", "永泰路口")


def test_a_turned_bay_is_measured_along_its_longer_side(office):
    turned = shapely.affinity.rotate(shapely.box(0, 0, 12, 2), 33, origin=(0, 0))
    wide = 1 / 111_320 / np.cos(np.radians(LAT))
    outline = shapely.transform(turned, lambda xy: xy * [wide, 1 / 111_034] + [LON, LAT])
    row = bays.add(BAYS, office.hq, "T", geometry(outline), {})
    assert row.length_m == pytest.approx(12, abs=0.05) and row.area_m2 == pytest.approx(24, abs=0.2)
    assert row.capacity == 20
    tiny = bays.add(BAYS, office.hq, "S", geometry(square(50, 0, 0.3)), {})
    assert tiny.capacity == 1


def test_each_change_is_a_version_and_the_day_says_which(office, bay):
    first, times = bay.geometry, [clock.now()]
    with later(days=1):
        changed = bays.change(BAYS, office.hq, bay.pk, {"capacity": "8"}, version=1, reason="数过")
        times.append(clock.now())
    with later(days=2):
        bays.change(BAYS, office.hq, bay.pk, {}, outline=geometry(square(3)), version=2)
        times.append(clock.now())
    with later(days=3):
        bays.remove(BAYS, office.hq, bay.pk, version=3, reason="修路")
        times.append(clock.now())
    with later(days=4):
        back = bays.restore(BAYS, office.hq, bay.pk, version=4, reason="修完")
        times.append(clock.now())
    assert (changed.version, changed.capacity, changed.capacity_given) == (2, 8, True)
    assert (back.version, back.active, back.capacity) == (5, True, 8)
    rows = list(BayVersion.objects.order_by("version"))
    assert [(v.valid_from, v.valid_until) for v in rows] == [
        (times[0], times[1]), (times[1], times[2]), (times[2], times[3]), (times[3], times[3]), (times[4], None),
    ]  # fmt: skip
    assert [v.reason for v in rows] == ["新划", "数过", "", "修路", "修完"]
    assert [v.geometry == first for v in rows] == [True, True, False, False, False]
    moment = timedelta(seconds=1)
    assert codes(BAYS, times[0] - moment) == []
    found = [list(bayqueries.at(BAYS, at + moment)) for at in times]
    assert [[v.version for v in day] for day in found] == [[1], [2], [3], [], [5]]
    assert codes(BAYS, times[1]) == ["P-1"] and bayqueries.at(BAYS, times[1]).get().version == 2


def test_the_same_again_changes_nothing(office, bay):
    same = bays.change(BAYS, office.hq, bay.pk, {"name": "永泰路口"}, outline=geometry(square()), version=1)
    assert same.version == 1 and BayVersion.objects.count() == 1


def test_what_was_changed_meanwhile_is_a_conflict_with_the_newer(office, bay):
    bays.change(BAYS, office.hq, bay.pk, {"capacity": 9}, version=1)
    for act in (
        lambda: bays.change(BAYS, office.hq, bay.pk, {"capacity": 7}, version=1),
        lambda: bays.remove(BAYS, office.hq, bay.pk, version=1, reason="x"),
        lambda: bays.restore(BAYS, office.hq, bay.pk, version=1),
    ):
        with pytest.raises(Conflict) as caught:
            act()
        assert (caught.value.version, caught.value.seen, caught.value.subject.capacity) == (2, 1, 9)
    assert BayVersion.objects.count() == 2


def test_who_may(office, bay):
    for who in ("hq", "department", "system"):
        assert bays.may_edit(office.actor(who))
    for who in ("street", "street_leader", "dispatcher", "intake", "admin", "inspector", "community", "duty_leader"):
        actor = office.actor(who)
        for act in (
            lambda actor=actor: bays.add(BAYS, actor, "X", geometry(square(20)), {}),
            lambda actor=actor: bays.change(BAYS, actor, bay.pk, {"capacity": 1}),
            lambda actor=actor: bays.remove(BAYS, actor, bay.pk, reason="x"),
            lambda actor=actor: bays.restore(BAYS, actor, bay.pk),
            lambda actor=actor: bays.bring_in(BAYS, [], actor),
        ):
            with pytest.raises(Refused) as caught:
                act()
            assert caught.value.forbidden
    other = Actor.of(office.town.person("department", office.town.water))
    assert not bays.may_edit(other)
    operator = office.company()
    assert not bays.may_edit(office.actor("owner", operator)) and not bays.may_edit(Actor.public())
    assert Bay.objects.get().version == 1


@pytest.mark.parametrize(
    ("field", "code", "outline", "values"),
    [
        ("code", "", None, {}),
        ("code", "x" * 41, None, {}),
        ("code", "a\x00b", None, {}),
        ("code", "P-1", None, {}),
        ("outline", "X", "", {}),
        ("outline", "X", "{", {}),
        ("outline", "X", '{"type": "Point", "coordinates": [113, 40]}', {}),
        ("outline", "X", '{"type": "Polygon", "coordinates": [[[113,40],[114.5,40],[114.5,41.5],[113,40]]]}', {}),
        ("outline", "X", '{"type": "Polygon", "coordinates": [[[113,40],[113.1,40.1],[113.1,40],[113,40.1],[113,40]]]}', {}),
        ("capacity", "X", None, {"capacity": "-1"}),
        ("capacity", "X", None, {"capacity": "0"}),
        ("capacity", "X", None, {"capacity": "许多"}),
        ("capacity", "X", None, {"capacity": True}),
        ("tolerance_m", "X", None, {"tolerance_m": "nan"}),
        ("tolerance_m", "X", None, {"tolerance_m": "201"}),
        ("name", "X", None, {"name": "长" * 101}),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_named_by_its_field(office, bay, field, code, outline, values):
    with pytest.raises(Invalid) as caught:
        bays.add(BAYS, office.hq, code, geometry(square(20)) if outline is None else outline, values)
    assert list(caught.value.errors) == [field] and caught.value.errors[field]
    assert Bay.objects.count() == 1


def test_an_empty_cell_takes_a_number_away_and_the_rule_comes_back(office, bay):
    bays.change(BAYS, office.hq, bay.pk, {"capacity": "3", "tolerance_m": "15"})
    row = bays.change(BAYS, office.hq, bay.pk, {"name": ""})
    assert (row.capacity, row.tolerance_m, row.name) == (3, 15, "")
    row = bays.change(BAYS, office.hq, bay.pk, {"capacity": "", "tolerance_m": ""})
    assert (row.capacity, row.capacity_given, row.tolerance_m, row.version) == (10, False, None, 4)


def test_taking_away_needs_a_reason_and_happens_once(office, bay):
    with pytest.raises(Invalid, match="理由"):
        bays.remove(BAYS, office.hq, bay.pk, reason=" ")
    with pytest.raises(Refused):
        bays.restore(BAYS, office.hq, bay.pk)
    bays.remove(BAYS, office.hq, bay.pk, reason="x")
    for act in (
        lambda: bays.remove(BAYS, office.hq, bay.pk, reason="x"),
        lambda: bays.change(BAYS, office.hq, bay.pk, {"capacity": 1}),
    ):
        with pytest.raises(Refused):
            act()
    assert list(LogEntry.objects.order_by("pk").values_list("action", flat=True))[-2:] == ["bay.change", "bay.remove"]


def test_the_ground_follows_every_change(office, bay):
    lon, lat = np.array([bay.lon]), np.array([bay.lat])

    def found():
        here = ground.ground()
        answer = here.judge(lon, lat, None, clock.now())
        return here.codes[int(answer.bay[0])].as_py() if answer.bay[0] >= 0 else None

    assert found() == "P-1"
    bays.change(BAYS, office.hq, bay.pk, {}, outline=geometry(square(60)))
    assert found() is None
    bays.change(BAYS, office.hq, bay.pk, {}, outline=geometry(square()))
    assert found() == "P-1"
    bays.remove(BAYS, office.hq, bay.pk, reason="x")
    assert found() is None
    bays.restore(BAYS, office.hq, bay.pk)
    assert found() == "P-1"


def test_bays_of_another_province_do_not_stop_the_judging_of_the_others(office, bay):
    """The kernel's index refuses areas so far apart; a wrong file must not make every position fail."""
    far = square(lon=118.1, lat=24.5)
    bays.add(BAYS, office.hq, "A-far", geometry(far), {})
    bays.add(ZONES, office.hq, "Z-far", geometry(far), {"kind": "no_parking"})
    bays.add(ZONES, office.hq, "Z", geometry(square(-30, 0, 5)), {"kind": "no_parking"})
    here = ground.ground()
    lon = np.array([bay.lon, bay.lon + 0.5, far.centroid.x, np.nan, square(-30, 0, 5).centroid.x])
    lat = np.array([bay.lat, bay.lat, far.centroid.y, 40, square(-30, 0, 5).centroid.y])
    for accuracy in (None, np.full(5, 1.0)):
        answer = here.judge(lon, lat, accuracy, clock.now())
        named = [here.codes[int(n)].as_py() if n >= 0 else None for n in answer.bay]
        assert named == ["P-1", None, None, None, None]
        assert answer.parked.tolist() == [2, 0, 0, 4, 0]
        zones = {zone.pk: zone.code for zone in Zone.objects.all()}
        assert [zones.get(int(key)) for key in answer.zone] == [None, None, None, None, "Z"]
    counts = here.index.assign(lon, lat).counts
    assert counts.tolist() == [1] and here.codes.to_pylist() == ["P-1"]


# ── zones ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_zone_with_times_in_versions(office):
    values = {
        "kind": "禁停区", "name": "校门口", "begins_at": "2021-05-20 08:00", "ends_at": "2021-06-20T00:00:00+08:00",
        "daily_from": "7:30", "daily_until": "08:30", "weekdays": "53142",
    }  # fmt: skip
    row = bays.add(ZONES, office.hq, "Z-1", geometry(square(0, 0, 50)), values)
    assert (row.kind, row.weekdays, row.daily_from) == ("no_parking", "12345", time(7, 30))
    assert row.begins_at == datetime(2021, 5, 20, tzinfo=UTC) and row.ends_at == datetime(2021, 6, 19, 16, tzinfo=UTC)
    start = clock.now()
    with later(hours=1):
        row = bays.change(ZONES, office.hq, row.pk, {"kind": "quota", "quota": "40"}, version=1)
    with later(hours=2):
        bays.remove(ZONES, office.hq, row.pk, reason="活动结束", version=2)
    rows = list(ZoneVersion.objects.order_by("version"))
    assert [(v.kind, v.quota, v.daily_until) for v in rows[:2]] == [
        ("no_parking", None, time(8, 30)),
        ("quota", 40, time(8, 30)),
    ]
    assert [v.kind for v in bayqueries.at(ZONES, start)] == ["no_parking"]
    assert [v.kind for v in bayqueries.at(ZONES, start + timedelta(minutes=90))] == ["quota"]
    assert not bayqueries.at(ZONES, start + timedelta(hours=3)).exists()
    back = bays.restore(ZONES, office.hq, row.pk)
    assert (back.version, back.quota, back.active) == (4, 40, True)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kind", {}),
        ("kind", {"kind": "禁止"}),
        ("quota", {"kind": "quota"}),
        ("quota", {"kind": "quota", "quota": "many"}),
        ("ends_at", {"kind": "no_riding", "begins_at": "2021-05-21", "ends_at": "2021-05-20"}),
        ("begins_at", {"kind": "no_riding", "begins_at": "明天"}),
        ("daily_from", {"kind": "no_riding", "daily_from": "25:00"}),
        ("daily_until", {"kind": "no_riding", "daily_from": "07:00", "daily_until": "07:00"}),
        ("weekdays", {"kind": "no_riding", "weekdays": "128"}),
    ],
)
def test_a_zone_that_cannot_be_right(office, field, values):
    with pytest.raises(Invalid) as caught:
        bays.add(ZONES, office.hq, "Z", geometry(square()), values)
    assert field in caught.value.errors
    assert not Zone.objects.exists()


def test_a_change_is_checked_with_what_stands(office):
    row = bays.add(ZONES, office.hq, "Z", geometry(square()), {"kind": "quota", "quota": 5})
    with pytest.raises(Invalid, match="quota"):
        bays.change(ZONES, office.hq, row.pk, {"quota": ""})
    with pytest.raises(Invalid, match="ends_at"):
        bays.change(ZONES, office.hq, row.pk, {"begins_at": "2021-05-21", "ends_at": "2021-05-21"})
