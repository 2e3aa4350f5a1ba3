"""Was my road cleaned? A small district's demonstration from plan to proof, and what the public reads of it."""

from datetime import datetime

import pytest

from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from shaodao.organisations.models import Person
from shaodao.sanitation import demo
from shaodao.sanitation.models import BinVisit, DayProof, Road, Segment, ServiceFinding, Vehicle
from tests.sanitation.book import put

NOW = clock.from_local(datetime(2021, 5, 25, 15, 0))


def roads() -> None:
    """Two roads of six segments in a row each; a sweeper that has a morning for them."""
    for n in (1, 2):
        put("road", **{f"R{n}": {"name": f"{n}路"}})
        for k in range(6):
            x, y = 113.2 + 0.0025 * k, 40.0 + 0.001 * n
            line = {"type": "LineString", "coordinates": [[x, y], [x + 0.0025, y]]}
            put("segment", **{f"R{n}-{k}": {"road": f"R{n}", "geometry": line, "length_m": 213.0, "total_m2": 640.0,
                                            "carriageway_m2": 640.0}})  # fmt: skip
    put("depot", D={"lon": 113.2, "lat": 40.0})
    put("crew", C={"depot": "D", "people": 3})
    put("shift", S={"crew": "C", "hours": [[420, 780]], "breaks": []})
    truck = {"type": "sweeper", "tank_m3": 0.0, "working_kmh": 8.0, "transfer_kmh": 25.0, "crew": "C"}
    put("vehicle", **{f"V{n}": truck for n in (1, 2, 3)})
    mode = {"name": "普扫", "name_en": "Sweeping", "kind": "sweep", "passes": 1, "vehicle_type": "sweeper",
            "swath_m": 3.2, "speed_kmh": 8.0, "windows": [[540, 780, 1]], "peaks": [[420, 540]], "months": []}  # fmt: skip
    put("mode", SWEEP=mode)
    put("bin", B1={"road": "R1", "lon": 113.2, "lat": 40.001})


@pytest.mark.once
def test_from_the_demonstration_to_what_the_public_reads(monday, town, client, django_assert_num_queries):
    put("road", R0={"name": "没有路段"})
    assert client.get("/streets/").status_code == 404  # a book without roads says nothing
    roads()
    with clock.freeze(NOW):
        said = client.get("/streets/").content.decode()
        assert "还没有核验过一天" in said and "1路" in said and "没有路段" not in said
        town.person("headquarters")
        Person.objects.update(sample=True)
        assert not demo.play()["passes"]  # a real road keeps the demonstration away
        Segment.objects.update(illustrative=True)
        Road.objects.update(illustrative=True)
        done = demo.play()
        assert done["passes"] == 12 and done["visits"] == 1 and not any(demo.play().values())
        proof = DayProof.objects.get()
        assert proof.closed and proof.figures["all"]["done"] >= 2 and proof.figures["all"]["missing"] >= 6
        assert ServiceFinding.objects.exists() and BinVisit.objects.count() == 1 and "/" not in demo.phone(lambda t: t)
        with django_assert_num_queries(10):
            said = client.get("/streets/?q=路").content.decode()
        assert "核验到 2021-05-24" in said and "1 遍" in said
        assert not any(word in said for word in [*Vehicle.objects.values_list("code", flat=True), "班组手机"])
        found = client.get("/streets.json").json()
        assert [r["code"] for r in found["roads"]] == ["R1", "R2"] and found["sample"]
        service = found["roads"][0]["services"][0]
        assert service["last_day"] == "2021-05-24" and 0 < service["share_done"] <= 1 and service["promised_today"] == 1
        assert "没有这样的路" in client.get("/streets/?q=%00x").content.decode()
        assert "Sweeping" in client.get("/streets/", headers={"Accept-Language": "en"}).content.decode()
        assert "/streets/" in client.get("/about/").content.decode()
        District.objects.update(settings={"sanitation": {"public": False}})
        district.forget()
        assert [client.get(url).status_code for url in ("/streets/", "/streets.json")] == [404, 404]
