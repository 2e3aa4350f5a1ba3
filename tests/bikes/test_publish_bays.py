"""Bays with fill as GeoJSON and tiles, the counts behind policies, and the page that says where all of it is."""

import mapbox_vector_tile
import pytest
import shapely

from shaodao.bikes.models import Bay
from shaodao.bikes.publish import facts
from shaodao.foundation.models import District
from tests.bikes.furnished import LAT, LON, METRE, bay, furnished, send, zone

pytestmark = pytest.mark.django_db
Z, X, Y = 16, 53375, 24810  # the tile of the first bays


@pytest.fixture(autouse=True)
def _fresh_facts(settings):
    settings.ORIGIN = "https://district.example"
    facts.forget()
    yield
    facts.forget()


@pytest.fixture
def operator(office, monday):
    return furnished(office, monday)


def tile(client, z: int = Z, x: int = X, y: int = Y) -> list[dict]:
    answer = client.get(f"/bikes/open/tiles/{z}/{x}/{y}.mvt")
    if answer.status_code == 204:
        return []
    assert answer.status_code == 200 and answer["Content-Type"] == "application/vnd.mapbox-vector-tile"
    layers = mapbox_vector_tile.decode(answer.content)
    assert list(layers) == ["bays"] and layers["bays"]["extent"] == 4096
    return layers["bays"]["features"]


def test_bays_with_their_fill(client, operator):
    answer = client.get("/bikes/open/bays.geojson")
    assert answer["Content-Type"] == "application/geo+json" and answer["Access-Control-Allow-Origin"] == "*"
    first, second, third = answer.json()["features"]
    assert first["properties"] == {
        "code": "B-1", "name": "B-1 停放点", "capacity": 16, "vehicles": 3, "fill": 0.188, "updated": "2021-05-24T01:00:00Z",
        "illustrative": False,
    }  # fmt: skip
    assert second["properties"]["vehicles"] == 2 and third["properties"]["fill"] == 0
    assert shapely.from_geojson(str(first["geometry"]).replace("'", '"')).contains(
        shapely.Point(LON + 5 * METRE, LAT + METRE)
    )
    Bay.objects.filter(code="B-1").update(capacity=0, version=2)
    assert client.get("/bikes/open/bays.geojson").json()["features"][0]["properties"]["fill"] is None


def test_a_tile_has_the_bays_where_they_are(client, operator):
    near = tile(client)
    assert [f["properties"]["code"] for f in near] == ["B-1", "B-2", "点位 三"]
    assert near[0]["properties"]["vehicles"] == 3 and near[0]["properties"]["fill"] == 0.188
    shape = shapely.geometry.shape(near[0]["geometry"])
    width = 360 / 2**Z  # of the tile in degrees
    west = X * width - 180
    assert west + shape.bounds[0] / 4096 * width == pytest.approx(LON, abs=width / 4096)
    assert (shape.bounds[2] - shape.bounds[0]) / 4096 * width == pytest.approx(10 * METRE, abs=2 * width / 4096)
    far = tile(client, 12, X >> 4, Y >> 4)
    assert {f["geometry"]["type"] for f in far} == {"Point"} and len(far) == 3
    assert {f["geometry"]["type"] for f in near} == {"Polygon"}
    assert len(tile(client, 0, 0, 0)) == 3


def test_north_is_up(client, operator, monday):
    ring = [[LON, LAT + 0.0005], [LON + 0.0001, LAT + 0.0005], [LON + 0.0001, LAT + 0.0006], [LON, LAT + 0.0005]]
    bay("NORTH", monday, geometry={"type": "Polygon", "coordinates": [ring]}, lat=LAT + 0.00055)
    middle = {f["properties"]["code"]: shapely.geometry.shape(f["geometry"]).centroid.y for f in tile(client)}
    assert middle["NORTH"] > middle["B-1"]  # decoded with y upwards


def test_tiles_without_bays_and_tiles_that_are_none(client, operator):
    assert client.get(f"/bikes/open/tiles/{Z}/{X + 40}/{Y}.mvt").status_code == 204
    for z, x, y in ((21, 0, 0), (2, 4, 0), (2, 0, 4), (10**9, 0, 0), (0, 10**400, 0)):
        answer = client.get(f"/bikes/open/tiles/{z}/{x}/{y}.mvt")
        assert answer.status_code == 404 and answer["Access-Control-Allow-Origin"] == "*"
    assert client.get("/bikes/open/tiles/-1/0/0.mvt").status_code == 404
    assert client.get("/bikes/open/tiles/a/0/0.mvt").status_code == 404


def test_tiles_are_kept_and_have_a_tag(client, operator):
    first = client.get(f"/bikes/open/tiles/{Z}/{X}/{Y}.mvt")
    again = client.get(f"/bikes/open/tiles/{Z}/{X}/{Y}.mvt", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and again["Cache-Control"] == "public, max-age=30"


def test_the_cost_does_not_grow(client, operator, monday, django_assert_num_queries):
    def cost() -> None:
        for path in ("/bikes/open/bays.geojson", f"/bikes/open/tiles/{Z}/{X}/{Y}.mvt"):
            facts.forget()
            client.get("/gbfs/3.0/gbfs.json"), facts.forget()
            with django_assert_num_queries(5):
                assert client.get(path).status_code == 200
            with django_assert_num_queries(1):
                assert client.get(path).status_code == 200
        with django_assert_num_queries(1):
            assert client.get("/bikes/open/").status_code == 200

    cost()
    for n in range(4, 40):
        bay(f"M-{n}", monday, n, geometry=Bay.objects.get(code="B-1").geometry)
    send(operator, monday, *((f"many-{n}", 2, 1, "available") for n in range(200)))
    cost()


def test_the_counts_that_rules_refer_to(client, operator, monday, office):
    send(operator, monday, ("in-zone", 140, 120, "available"), ("riding-there", 141, 121, "on_trip"))
    policies = client.get("/mds/v2/policies").json()["policies"]
    urls = {rule["name"]: rule["value_url"] for one in policies for rule in one["rules"] if "value_url" in rule}
    counts = {}
    for name, url in urls.items():
        assert url.startswith("https://district.example/bikes/open/values/")
        body = client.get(url.removeprefix("https://district.example")).json()
        assert set(body) == {"value", "timestamp", "policy_id"} and body["policy_id"] in url
        counts[name] = body["value"]
    assert counts == {
        "全区共享单车总量上限（各企业合计）": 9,
        "区域Z-3": 1,
    }  # removed is not there; who rides counts, and stands nowhere
    assert client.get("/bikes/open/values/00000000-0000-4000-8000-000000000000.json").status_code == 404


def test_the_page_says_what_is_there(client, operator, office):
    page = client.get("/bikes/open/")
    text = page.content.decode()
    assert page.status_code == 200 and "本区没有给出许可" in text and "bikes@district.example" in text
    for address in ("/gbfs/3.0/gbfs.json", "/bikes/open/bays.geojson", "/mds/v2/policies", "/tiles/{z}/{x}/{y}.mvt"):
        assert address in text
    assert 'data-figure="bays">3<' in text and 'data-figure="vehicles">5<' in text and 'data-figure="zones">3<' in text
    assert "不给出车的位置" in text and "示意" not in text
    Bay.objects.filter(code="B-1").update(illustrative=True, version=2)
    District.objects.update(sample=True)
    office.settle(publish={"licence": "CC BY 4.0", "licence_url": "https://creativecommons.org/licenses/by/4.0/", "vehicles": "none"})  # fmt: skip
    text = client.get("/bikes/open/").content.decode()
    assert "含示意点位" in text and "示例数据" in text and 'rel="license">CC BY 4.0<' in text
    assert "不逐辆列出车辆" in text and "vehicle_status" not in text


def test_the_page_in_english(client, operator):
    text = client.get("/bikes/open/", headers={"Accept-Language": "en"}).content.decode()
    assert "Open data on shared bikes" in text and "A bike in use is in none of it" in text


def test_a_closed_district_has_no_page_and_no_link(client, operator, office):
    assert "/bikes/open/" in client.get("/about/").content.decode()
    office.settle(publish={"open": False})
    for path in ("", "bays.geojson", f"tiles/{Z}/{X}/{Y}.mvt", "values/00000000-0000-4000-8000-000000000000.json"):
        assert client.get(f"/bikes/open/{path}").status_code == 404
    assert "/bikes/open/" not in client.get("/about/").content.decode()


def test_a_district_without_bays(client, office, monday):
    zone("Z", monday)
    assert client.get("/bikes/open/bays.geojson").json()["features"] == [] and tile(client) == []
    assert client.get("/bikes/open/").status_code == 200
