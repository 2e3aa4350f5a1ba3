"""The district's own GBFS feed: what it says, what it must never say, that it is valid, and what it costs."""

import gzip
import json
import re
from datetime import timedelta
from itertools import pairwise

import pytest
import shapely
from click.testing import CliRunner
from gbfs_validator import validate_feed

from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.gbfs.audit import audit
from shaodao.bikes.models import Bay, Vehicle, VehicleStatus, Zone
from shaodao.bikes.publish import facts
from shaodao.cli import main
from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from tests import real
from tests.bikes.furnished import bay, furnished, send, zone
from tests.town import later

DATA = real.BIKES
pytestmark = pytest.mark.django_db
NAMES = ["system_information", "vehicle_types", "station_information", "geofencing_zones", "station_status", "vehicle_status"]  # fmt: skip


@pytest.fixture(autouse=True)
def _fresh_facts(settings):
    settings.ORIGIN = "https://district.example"
    facts.forget()
    yield
    facts.forget()


@pytest.fixture
def operator(office, monday):
    return furnished(office, monday)


def get(client, name: str, status: int = 200, **headers):
    answer = client.get(f"/gbfs/3.0/{name}.json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer


def data(client, name: str):
    return get(client, name).json()["data"]


def saved(client, folder):
    """The whole feed as files, as a reader would get them from gbfs.json."""
    index = get(client, "gbfs").json()
    folder.mkdir(exist_ok=True)
    (folder / "gbfs.json").write_text(json.dumps(index), "utf-8")
    for feed in index["data"]["feeds"]:
        assert feed["url"] == f"https://district.example/gbfs/3.0/{feed['name']}.json"
        (folder / f"{feed['name']}.json").write_bytes(get(client, feed["name"]).content)
    return folder


def upstream_errors(folder) -> list:
    """What the published validator finds, with every file that the feed lists."""
    index = json.loads((folder / "gbfs.json").read_text("utf-8"))
    for feed in index["data"]["feeds"]:
        feed["url"] = (folder / f"{feed['name']}.json").as_uri()
    local = folder.parent / f"{folder.name}-local"
    local.mkdir(exist_ok=True)
    (local / "gbfs.json").write_text(json.dumps(index), "utf-8")
    report = validate_feed((local / "gbfs.json").as_uri(), docked=True, freefloating=True)
    assert report["summary"]["version"]["validated"] == "3.0"
    read = {file["file"] for file in report["files"] if file.get("exists")}
    assert {f"{name}.json" for name in NAMES} <= read
    parts = [part for file in report["files"] for part in (file, *file.get("languages", []))]
    found = [part["errors"] for part in parts if part.get("errors")]
    assert report["summary"]["hasErrors"] is bool(found)
    return found


@pytest.mark.parametrize("vehicles", ["bays", "all"])
def test_no_error_by_either_validator(client, operator, office, tmp_path, monday, vehicles):
    Vehicle.objects.create(
        operator=operator, plate="E1", vehicle_id="free-2", kind="ebike", registered_at=monday, updated_at=monday
    )
    office.settle(publish={"contact": "bikes@district.example", "vehicles": vehicles, "ebike_range_m": 40_000})
    folder = saved(client, tmp_path / "feed")
    assert upstream_errors(folder) == []
    report = audit(str(folder), monday)
    assert (report.errors, report.warnings) == ([], []) and report.version == "3.0"
    assert report.files == [f"{name}.json" for name in sorted(["gbfs", *NAMES])]


@pytest.mark.django_db(transaction=True)
def test_no_error_over_the_wire(live_server, settings, office, monday, tmp_path):
    """As a reader comes to it: over HTTP, packed, by the addresses that gbfs.json gives."""
    furnished(office, monday)
    facts.forget()
    settings.ORIGIN = live_server.url
    url = f"{live_server.url}/gbfs/3.0/gbfs.json"
    report = audit(url, clock.now())
    assert report.errors == [] and report.version == "3.0" and len(report.files) == len(NAMES) + 1
    said = validate_feed(url, docked=True, freefloating=True)["summary"]
    assert (said["hasErrors"], said["errorsCount"], said["version"]["validated"]) == (False, 0, "3.0")
    done = CliRunner().invoke(main, ["bikes", "check-feed", url, "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["errors"] == []


def test_a_fault_would_be_seen(client, operator, tmp_path, monday):
    """The two checks above read what is served: a station that is broken on its way is found by both."""
    folder = saved(client, tmp_path / "feed")
    path = folder / "station_status.json"
    path.write_text(
        path.read_text("utf-8").replace('"num_vehicles_available":2', '"num_vehicles_available":-2'), "utf-8"
    )
    assert upstream_errors(folder)
    assert {f.file for f in audit(str(folder), monday).errors} == {"station_status.json"}


def test_bays_are_virtual_stations(client, operator):
    first, _second, third = data(client, "station_information")["stations"]
    assert first["station_id"] == "B-1" and first["is_virtual_station"] is True and first["capacity"] == 16
    assert first["name"] == [{"text": "B-1 停放点", "language": "zh"}, {"text": "B-1 停放点", "language": "en"}]
    assert re.fullmatch(r"[!-~]+", third["station_id"]) and third["name"][0]["text"] == "点位 三"
    ((outer,),) = first["station_area"]["coordinates"]
    assert outer[0] == outer[-1]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(outer))
    assert area > 0  # counterclockwise, though it was drawn clockwise


def test_a_bay_says_what_stands_in_it(client, operator, monday):
    first, second, third = data(client, "station_status")["stations"]
    assert (first["num_vehicles_available"], first["num_vehicles_disabled"], first["num_docks_available"]) == (2, 0, 13)
    assert first["vehicle_types_available"] == [{"vehicle_type_id": "bicycle", "count": 2}]
    assert (second["num_vehicles_available"], second["num_vehicles_disabled"], second["num_docks_available"]) == (
        1,
        1,
        14,
    )
    assert (third["num_vehicles_available"], third["num_docks_available"]) == (0, 16)
    assert first["last_reported"] == "2021-05-24T01:00:00Z"


def test_a_bay_is_never_less_than_full(client, operator, monday):
    Bay.objects.filter(code="B-1").update(capacity=1, version=2)
    assert data(client, "station_status")["stations"][0]["num_docks_available"] == 0


def test_bikes_at_bays_are_listed_without_their_positions(client, operator):
    vehicles = data(client, "vehicle_status")["vehicles"]
    assert sorted((v["station_id"], v["is_reserved"], v["is_disabled"]) for v in vehicles) == [
        ("B-1", False, False), ("B-1", False, False), ("B-1", True, False), ("B-2", False, True)]  # fmt: skip
    assert not any("lat" in v or "lon" in v for v in vehicles)
    body = get(client, "vehicle_status").content.decode()
    assert not any(v.vehicle_id in body for v in VehicleStatus.objects.all())


def test_the_pack_says_how_much_is_told_of_bikes(client, operator, office):
    office.settle(publish={"vehicles": "all"})
    vehicles = data(client, "vehicle_status")["vehicles"]
    assert len(vehicles) == 5 and all({"lat", "lon"} <= v.keys() for v in vehicles)
    assert len([v for v in vehicles if "station_id" not in v]) == 1  # the stray; the ridden one is nowhere
    office.settle(publish={"vehicles": "none"})
    get(client, "vehicle_status", 404)
    assert "vehicle_status" not in [f["name"] for f in data(client, "gbfs")["feeds"]]
    assert data(client, "station_status")["stations"][0]["num_vehicles_available"] == 2
    office.settle(publish={"open": False})
    for name in ["gbfs", *NAMES]:
        assert get(client, name, 404).json()["title"] == "本区没有公开共享单车数据"


def ids(client) -> set[str]:
    return {v["vehicle_id"] for v in data(client, "vehicle_status")["vehicles"]}


def test_an_id_lasts_as_long_as_a_bike_stands_and_no_longer(client, operator, monday, office):
    before = ids(client)
    with later(minutes=5):
        send(operator, clock.now(), ("free-1", 2.5, 1, "available"))
        assert ids(client) == before  # GPS drifts
    with later(minutes=10):
        send(operator, clock.now(), ("free-1", 2, 1, "on_trip"))
        riding = ids(client)
        assert riding < before and len(riding) == len(before) - 1  # and is nowhere while it is ridden
    with later(minutes=20):
        send(operator, clock.now(), ("free-1", 2, 1, "available"))
        after = ids(client)
    assert len(after) == len(before) and len(after - before) == 1  # back at the same bay: another id
    assert all(re.fullmatch(r"[a-z2-7]{24}", name) for name in before | after)


def test_ids_need_the_secret(client, operator, settings):
    before = ids(client)
    facts.forget()
    settings.SECRET_KEY = "another"
    assert not ids(client) & before


def test_only_bikes_of_admitted_operators_are_offered(client, operator, office, monday):
    office.act(operator, "suspend", reason="秩序混乱")
    facts.forget()
    assert data(client, "vehicle_status")["vehicles"] == []
    first = data(client, "station_status")["stations"][0]
    assert first["num_vehicles_available"] == 0 and first["num_docks_available"] == 13  # they still take up room


def test_a_silent_bike_is_counted_nowhere_and_a_silent_feed_says_since_when(client, operator, monday):
    with later(hours=5):
        send(operator, clock.now(), ("free-2", 4, 1, "available"))
        first = data(client, "station_status")["stations"][0]
        assert (first["num_vehicles_available"], first["num_docks_available"]) == (1, 15)
        assert len(ids(client)) == 1
    with later(hours=12):
        first = data(client, "station_status")["stations"][0]
        assert first["num_vehicles_available"] == 1 and first["last_reported"] == "2021-05-24T06:00:00Z"
        assert ids(client) == set()


def test_zones_speak_gbfs(client, operator, monday):
    found = data(client, "geofencing_zones")
    assert found["global_rules"] == [{
        "ride_start_allowed": True, "ride_end_allowed": False, "ride_through_allowed": True, "station_parking": True}]  # fmt: skip
    riding, parking, quota = [f["properties"] for f in found["geofencing_zones"]["features"]]
    assert riding["_kind"] == "no_riding" and set(riding["rules"][0].values()) == {False}
    assert (parking["rules"][0]["ride_start_allowed"], parking["rules"][0]["ride_end_allowed"]) == (True, False)
    assert parking["rules"][0]["station_parking"] is False  # not even in a bay
    assert quota["_maximum_vehicles"] == 40 and quota["rules"] == found["global_rules"]
    assert not any("start" in p or "end" in p for p in (riding, parking, quota))


def test_temporary_zones_and_zones_with_hours(client, operator, office, monday):
    Zone.objects.all().delete()
    zone("EVENT", monday, begins_at=monday + timedelta(days=1), ends_at=monday + timedelta(days=2))
    zone("PAST", monday, ends_at=monday - timedelta(days=3))
    zone("SCHOOL", monday, daily_from="07:30", daily_until="08:30", weekdays="12345")
    zone("NIGHT", monday, daily_from="22:00", daily_until="05:00", weekdays="5")
    features = data(client, "geofencing_zones")["geofencing_zones"]["features"]
    times = {}
    for f in features:
        times.setdefault(f["properties"]["_zone_id"], []).append((f["properties"]["start"], f["properties"]["end"]))
    assert times["EVENT"] == [("2021-05-25T01:00:00Z", "2021-05-26T01:00:00Z")] and "PAST" not in times
    assert [begin[8:10] for begin, _end in times["SCHOOL"]] == ["23", "24", "25", "26", "27"]  # UTC: the evening before
    assert times["SCHOOL"][0] == ("2021-05-23T23:30:00Z", "2021-05-24T00:30:00Z")
    assert times["NIGHT"] == [("2021-05-28T14:00:00Z", "2021-05-28T21:00:00Z")]


def test_the_feed_says_whose_it_is_and_that_samples_are_samples(client, operator, office):
    said = data(client, "system_information")
    assert said["feed_contact_email"] == "bikes@district.example" and said["languages"] == ["zh", "en"]
    assert [n["text"] for n in said["name"]] == ["测试区共享单车停放点位", "Shared bike bays of Test District"]
    assert "license_url" not in said
    District.objects.update(sample=True)
    office.settle(publish={"licence": "CC BY 4.0", "licence_url": "https://creativecommons.org/licenses/by/4.0/"})
    said = data(client, "system_information")
    assert "示例数据" in said["name"][0]["text"] and "ample data" in said["name"][1]["text"]
    assert said["license_url"].startswith("https://creativecommons.org/")


def test_caches_are_told_and_asked(client, operator, office):
    first = get(client, "station_information")
    assert first["Access-Control-Allow-Origin"] == "*" and first["Cache-Control"] == "public, max-age=600"
    assert first["Last-Modified"] == "Mon, 24 May 2021 01:00:00 GMT" and "Cookie" not in first["Vary"]
    same = get(client, "station_information", 304, **{"If-None-Match": first["ETag"]})
    assert same.content == b"" and same["ETag"] == first["ETag"]
    get(client, "station_information", 304, **{"If-Modified-Since": first["Last-Modified"]})
    packed = get(client, "station_information", **{"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip" and gzip.decompress(packed.content) == first.content
    assert get(client, "station_status")["Cache-Control"] == "public, max-age=30"
    with later(minutes=1):
        bay("B-9", clock.now(), 3)
        changed = get(client, "station_information", **{"If-None-Match": first["ETag"]})
        assert (
            len(changed.json()["data"]["stations"]) == 4
            and changed.json()["last_updated"] > first.json()["last_updated"]
        )


def test_new_positions_show_after_the_ttl(client, operator):
    assert data(client, "station_status")["stations"][0]["num_vehicles_available"] == 2
    with later(seconds=20):
        send(operator, clock.now(), ("new", 8, 1, "available"), ago_s=1)
        assert data(client, "station_status")["stations"][0]["num_vehicles_available"] == 2
    with later(seconds=31):
        assert data(client, "station_status")["stations"][0]["num_vehicles_available"] == 3


def test_other_methods_and_names(client, operator):
    assert client.post("/gbfs/3.0/gbfs.json").status_code == 405
    assert client.options("/gbfs/3.0/gbfs.json")["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert client.head("/gbfs/3.0/gbfs.json").status_code == 200
    get(client, "free_bike_status", 404)
    get(client, "constructor", 404)


def test_nothing_is_published_before_there_is_a_district(client, db):
    district.forget()
    get(client, "gbfs", 404)


def test_an_empty_district_is_valid_too(client, office, tmp_path, monday):
    office.settle(publish={"contact": "bikes@district.example"})
    folder = saved(client, tmp_path / "feed")
    assert upstream_errors(folder) == [] and audit(str(folder), monday).errors == []


@pytest.mark.slow
@pytest.mark.data
def test_the_real_bays_of_xiamen_make_a_valid_feed(client, office, tmp_path, monday):
    """8,301 bays as people drew them: bent, tiny, some overlapping."""
    path = DATA / "xiamen_bays.csv"
    if not path.is_file():
        pytest.skip("no ../shared/data/bikes")
    office.settle(publish={"contact": "bikes@district.example"})
    found = bayfiles.read(path)
    Bay.objects.bulk_create(
        Bay(
            code=code, geometry=json.loads(shapely.to_geojson(area)), lon=area.representative_point().x,
            lat=area.representative_point().y, length_m=6, area_m2=10, capacity=10, valid_from=monday,
        )
        for code, area in zip(found.ids, found.shapes, strict=True)
    )  # fmt: skip
    folder = saved(client, tmp_path / "feed")
    assert len(data(client, "station_information")["stations"]) == len(found.ids) > 8_000
    assert upstream_errors(folder) == [] and audit(str(folder), monday).errors == []


def test_the_cost_does_not_grow_with_bays_or_bikes(client, operator, monday, django_assert_num_queries):
    def cost(name: str, fresh: int, kept: int) -> None:
        facts.forget()
        get(client, "gbfs"), facts.forget()  # the district's settings are cached
        with django_assert_num_queries(fresh):
            get(client, name)
        with django_assert_num_queries(kept):
            get(client, name)

    cost("station_information", 3, 1)
    cost("vehicle_status", 5, 1)
    for n in range(4, 40):
        bay(f"M-{n}", monday, n)
    send(operator, monday, *((f"many-{n}", 240 + n, 1, "available") for n in range(300)))
    cost("station_information", 3, 1)
    cost("vehicle_status", 5, 1)
    cost("station_status", 5, 1)


@pytest.mark.parametrize("wrong", [{"ttl_s": 0}, {"vehicles": "some"}, {"contact": "nobody"}, {"licence_url": "x"}, {"ebike_range_m": -1}, {"vehicle": "none"}])  # fmt: skip
def test_the_pack_is_told_what_is_wrong(wrong):
    import msgspec

    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        district.parse_block("bikes", {"publish": wrong})
