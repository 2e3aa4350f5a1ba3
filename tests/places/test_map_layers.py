"""Map layers: GeoJSON of the outline, streets, communities and cells, with ETag; bad questions are answered as such."""

import json

import pytest

from shaodao.foundation.models import District
from shaodao.places.models import Cell, Place

pytestmark = pytest.mark.django_db
SQUARE = {"type": "Polygon", "coordinates": [[[113.2, 40], [113.21, 40], [113.21, 40.01], [113.2, 40.01], [113.2, 40]]]}


def layer(client, path, status=200, **query):
    response = client.get(path, query)
    assert response.status_code == status, response.content
    return json.loads(response.content)


def test_outline_and_streets_with_their_marks(client, town):
    assert layer(client, "/map/district.geojson")["features"] == []
    District.objects.update(outline=SQUARE)
    Place.objects.filter(pk=town.street.pk).update(geometry=SQUARE, name_en="Yongtai")
    found = layer(client, "/map/district.geojson")["features"][0]
    assert found["properties"]["layer"] == "district" and found["properties"]["illustrative"] is True
    (street,) = layer(client, "/map/streets.geojson")["features"]  # those without a shape are left out
    assert (street["properties"]["code"], street["properties"]["label"]) == ("140213050", "永泰街道")
    client.cookies["django_language"] = "en"
    assert layer(client, "/map/streets.geojson")["features"][0]["properties"]["label"] == "Yongtai"


def test_communities_of_one_street(client, town):
    Place.objects.filter(level="community").update(geometry=SQUARE)
    assert len(layer(client, "/map/communities.geojson")["features"]) == 3
    assert len(layer(client, "/map/communities.geojson", street="140213051")["features"]) == 1
    assert layer(client, "/map/communities.geojson", street="140213999")["features"] == []
    assert "street" in layer(client, "/map/communities.geojson", 400, street="x'--")["errors"]


def test_cells_by_box(client, town):
    cells = layer(client, "/map/cells.geojson", bbox="113.2001,40.0001,113.2009,40.0009")["features"]
    assert [c["properties"]["code"] for c in cells] == ["140213050001001"]
    assert cells[0]["geometry"]["coordinates"][0][0] == [113.2, 40.0] and cells[0]["properties"]["illustrative"] is True
    assert (
        len(layer(client, "/map/cells.geojson", bbox="113.19,39.99,113.21,40.01")["features"]) == Cell.objects.count()
    )
    assert layer(client, "/map/cells.geojson", bbox="100,30,120,45")["features"] == []  # too wide to be read


@pytest.mark.parametrize(
    "box", ["", "1,2,3", "a,b,c,d", "nan,nan,nan,nan", "inf,0,1,1", "2,0,1,1", "0,2,1,1", "1,2,3,4,5", "1e999,0,1,1"]
)
def test_a_box_that_is_none_is_refused(client, town, box):
    assert "bbox" in layer(client, "/map/cells.geojson", 400, bbox=box)["errors"]


def test_etag_saves_the_second_answer_and_changes_with_the_pack(client, town):
    first = client.get("/map/streets.geojson")
    assert first["ETag"] and "max-age" in first["Cache-Control"] and first["Content-Type"] == "application/geo+json"
    assert client.get("/map/streets.geojson", headers={"if-none-match": first["ETag"]}).status_code == 304
    District.objects.update(pack_digest="new")
    assert client.get("/map/streets.geojson", headers={"if-none-match": first["ETag"]}).status_code == 200
    assert client.post("/map/streets.geojson").status_code == 405
