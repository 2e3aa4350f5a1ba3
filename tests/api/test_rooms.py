"""Catalogue, organisations, places, district: open to everybody, without persons."""

import pytest

from shaodao.catalogue.models import Attribute

pytestmark = pytest.mark.usefixtures("monday")


def test_catalogue(town, anyone):
    assert anyone.get("/schemes").data[0]["code"] == "TEST"
    assert {c["key"] for c in anyone.get("/categories").data} == {"event-0110", "component-0101"}
    assert {c["key"] for c in anyone.get("/categories?kind=event&q=垃圾&public=true").data} == {"event-0110"}
    assert anyone.get("/categories?scheme=OTHER").data == []
    Attribute.objects.create(category=town.pipe, code="WATER", datatype="singlevaluelist", description="水大吗",
                             description_en="Much water?", values=[{"key": "y", "name": "是", "name_en": "Yes"}])  # fmt: skip
    one = anyone.get("/categories/component-0101", Accept_Language="en").data
    assert one["name"] == "Burst pipe" and one["conditions"][0]["lead"]["code"] == "WATER"
    assert one["conditions"][0]["limit_unit"] == "hour" and len(one["conditions"][0]["stages"]) == 2
    assert one["attributes"][0]["values"] == [{"key": "y", "name": "Yes"}]
    assert anyone.get("/categories/event-9999").status_code == 404
    assert anyone.get("/categories/x").status_code == 422


def test_organisations_and_places(town, anyone):
    assert {o["code"] for o in anyone.get("/organisations?kind=street").data} == {"140213050", "140213051"}
    assert anyone.get("/organisations?q=环卫").data[0]["code"] == "SANI"
    assert len(anyone.get("/places").data) == 6
    assert {p["code"] for p in anyone.get("/places?parent=140213050").data} == {"140213050001", "140213050002"}
    assert anyone.get("/places?level=moon").status_code == 422
    assert anyone.get("/district").data["name"] == "测试区"


def test_where_is_a_point(town, anyone):
    found = anyone.get("/places/locate?lon=113.2005&lat=40.0005").data
    assert found["cell"] == "140213050001001" and found["street"]["name"] == "永泰街道" and found["inside"]
    away = anyone.get("/places/locate?lon=116.4&lat=39.9&datum=BD-09").data
    assert not away["inside"] and away["street"] is None and away["source_lon"] == 116.4
    for query in ("lon=181&lat=0", "lon=1", "lon=x&lat=1", "lon=1&lat=1&datum=MOON", "lon=nan&lat=1"):
        assert anyone.get(f"/places/locate?{query}").status_code == 422, query
