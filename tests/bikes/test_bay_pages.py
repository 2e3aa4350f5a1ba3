"""The pages of bays and zones: who sees what, import with a look before, every form, exports, and few queries."""

import io
import json
import re
from pathlib import Path

import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from shaodao.bikes.actions import bays
from shaodao.bikes.bays import imports as bayimport
from shaodao.bikes.bays.queries import BAYS, ZONES
from shaodao.bikes.models import Bay, BayVersion, Zone
from shaodao.bikes.views import bayupload
from shaodao.cases.actions import Actor
from shaodao.foundation import district
from shaodao.foundation import kept as uploaded
from shaodao.foundation.models import LogEntry
from tests.bikes.outlines import as_csv, as_geojson, geometry, square

pytestmark = pytest.mark.django_db
HOME = "/bikes/bays/"
THREE = {"A": square(), "B": square(20, 0), "C": square(40, 10)}


@pytest.fixture
def bay(office):
    return bays.add(BAYS, office.hq, "P-1", geometry(square()), {"name": "永泰路口"})


@pytest.fixture
def zone(office):
    return bays.add(ZONES, office.hq, "Z-1", geometry(square(0, 0, 40)), {"kind": "quota", "quota": 30})


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode(errors="replace")


def errors(response):
    return re.findall(r'<p class="field-error".*?<span>(.*?)</span>', response.content.decode(), re.S)


def hidden(text):
    return dict(re.findall(r'<input type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', text))


def look(client, content, name="b.csv", path=f"{HOME}import/", status=200, **more):
    """Send a file; the page that says what it would do."""
    given = {"file": SimpleUploadedFile(name, content), "datum": "WGS-84", **more}
    response = client.post(path, given)
    assert response.status_code == status, response.content.decode()
    return response


def counted(text):
    return {key: int(n) for key, n in re.findall(r'data-count="(\w+)">(\d+)', text)}


def test_a_file_is_looked_at_and_then_imported(office, browse, tmp_path):
    hq = browse("hq")
    rows = dict(THREE, D=square(3, 0))
    content = as_csv(tmp_path / "b.csv", rows, capacity=["", "5", "x", ""]).read_bytes()
    text = look(hq, content, reason="普查").content.decode()
    assert counted(text) == {"new": 3, "changed": 0, "restored": 0, "unchanged": 0, "rejected": 1, "remarks": 1}
    assert "容量应为" in text and "重叠" in text and not Bay.objects.exists()
    [kept] = uploaded.folder("bays").iterdir()
    done = hq.post(f"{HOME}import/", hidden(text))
    assert done.status_code == 302 and done["Location"] == HOME
    assert "新增 3" in page(hq, HOME) and not kept.exists()
    assert list(Bay.objects.values_list("code", "capacity", "source")) == [
        ("A", 10, "b.csv"), ("B", 5, "b.csv"), ("D", 10, "b.csv"),
    ]  # fmt: skip
    assert {(v.changed_by, v.reason) for v in BayVersion.objects.all()} == {(office.hq.person, "普查")}
    again = hq.post(f"{HOME}import/", hidden(text))
    assert again.status_code == 422 and "重新上传" in errors(again)[0]


def test_who_imported_meanwhile_makes_one_look_again(office, browse, tmp_path):
    hq = browse("hq")
    path = as_csv(tmp_path / "b.csv", THREE)
    text = look(hq, path.read_bytes()).content.decode()
    bayimport.carry_out(bayimport.plan(path, BAYS), Actor.system())
    changed = hq.post(f"{HOME}import/", hidden(text))
    assert changed.status_code == 409 and counted(changed.content.decode())["unchanged"] == 3
    assert hq.post(f"{HOME}import/", hidden(changed.content.decode())).status_code == 302
    assert BayVersion.objects.count() == 3


def test_a_file_is_only_its_senders(office, browse, tmp_path):
    text = look(browse("hq"), as_csv(tmp_path / "b.csv", THREE).read_bytes()).content.decode()
    other = browse("department").post(f"{HOME}import/", hidden(text))
    assert other.status_code == 422 and not Bay.objects.exists()
    for token in ("../../etc/passwd", "", "x" * 999, "1-" + "0" * 32 + ".csv"):
        wrong = browse("hq").post(f"{HOME}import/", hidden(text) | {"token": token})
        assert wrong.status_code == 422 and not Bay.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("b.csv", b"", "空"),
        ("b.csv", b"a,b\n1,2", "corners_lon_lat"),
        ("b.csv", b"\x00\x00", "边界"),
        ("b.txt", b"x", ".gpkg"),
        ("b.shp", b"x", ".gpkg"),
        ("b\x00.geojson", b"{", "GeoJSON"),
        ("b.zip", b"PK", "打不开"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(office, browse, name, content, said):
    found = look(browse("hq"), content, name, status=422)
    assert len(errors(found)) == 1 and (said in errors(found)[0] or "空" in errors(found)[0])
    assert not re.search("[0-9a-f]{32}", errors(found)[0])  # the sender knows the file by its own name
    assert not uploaded.folder("bays").exists() or not list(uploaded.folder("bays").iterdir())


def test_too_much_and_no_such_datum(office, browse, tmp_path, monkeypatch):
    content = as_csv(tmp_path / "b.csv", THREE).read_bytes()
    hq = browse("hq")
    assert "坐标系" in errors(look(hq, content, status=422, datum="GCJ-03"))[0]
    assert "请选择文件" in errors(hq.post(f"{HOME}import/", {"datum": "WGS-84"}))[0]
    monkeypatch.setattr(bayupload, "MOST_ROWS", 2)
    assert "行数" in errors(look(hq, content, status=422))[0]
    monkeypatch.setattr(uploaded, "LARGEST_BYTES", 20)
    assert "太大" in errors(look(hq, content, status=422))[0]


def test_one_bay_through_its_life(office, browse):
    hq = browse("hq")
    made = hq.post(f"{HOME}new/", {"code": "P-9", "outline": json.dumps(geometry(square())), "capacity": ""})
    row = Bay.objects.get()
    own = f"{HOME}{row.pk}/"
    assert made["Location"] == own and "按长度计算" in page(hq, own)
    given = hidden(page(hq, f"{own}change/")) | {
        "outline": json.dumps(geometry(square(2))),
        "capacity": "7",
        "reason": "量过",
    }
    assert hq.post(f"{own}change/", given)["Location"] == own
    late = hq.post(f"{own}change/", given | {"capacity": "8"})
    assert late.status_code == 409 and "量过" in late.content.decode()
    fresh = hidden(late.content.decode())
    assert hq.post(f"{own}change/", given | fresh | {"capacity": "8"}).status_code == 302
    assert (
        "没有变化" in hq.post(f"{own}change/", given | {"version": "3", "capacity": "8"}, follow=True).content.decode()
    )
    assert errors(hq.post(f"{own}remove/", {"version": "3", "reason": ""}))
    assert hq.post(f"{own}remove/", {"version": "2", "reason": "修路"}).status_code == 409
    assert hq.post(f"{own}remove/", {"version": "3", "reason": "修路"}).status_code == 302
    text = page(hq, own)
    assert "修路" in text and f"{own}restore/" in text and f"{own}change/" not in text
    assert hq.post(f"{own}change/", given | {"version": "4"}).status_code == 302  # back to its page, which says why not
    assert "先恢复" in page(hq, own)
    assert "P-9" not in page(hq, HOME) and "P-9" in page(hq, f"{HOME}?state=gone")
    assert hq.post(f"{own}restore/", {"version": "4", "reason": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.version, row.active, row.capacity) == (5, True, 8)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": ""}, "编码"),
        ({"code": "P-1"}, "编码"),
        ({"outline": ""}, "在地图上画"),
        ({"outline": "\x00"}, "GeoJSON"),
        ({"capacity": "-3"}, "容量"),
        ({"tolerance_m": "1e9"}, "容差"),
        ({"reason": "长" * 301}, "300"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_kept(office, browse, bay, given, field):
    hq = browse("hq")
    whole = {"code": "N", "outline": json.dumps(geometry(square(50))), "name": "新的"} | given
    wrong = hq.post(f"{HOME}new/", whole)
    assert wrong.status_code == 422 and len(errors(wrong)) == 1 and field in errors(wrong)[0]
    assert "新的" in wrong.content.decode() and Bay.objects.count() == 1


def test_zones_have_the_same_pages(office, browse, zone, tmp_path):
    hq = browse("hq")
    own = f"/bikes/zones/{zone.pk}/"
    assert "限量区" in page(hq, "/bikes/zones/") and "限量区" in page(hq, own)
    given = {"kind": "no_parking", "begins_at": "2021-06-01T08:00", "daily_from": "07:30", "daily_until": "09:00",
             "weekdays": "12345", "outline": json.dumps(zone.geometry), "version": "1"}  # fmt: skip
    assert hq.post(f"{own}change/", given).status_code == 302
    text = page(hq, own)
    assert "2021-06-01 08:00" in text and "07:30–09:00" in text and "禁停区" in text and "星期一至星期五" in text
    assert "<h1>电子围栏</h1>" in page(hq, "/bikes/zones/") and "区域" not in page(hq, "/bikes/zones/")
    assert 'value="2021-06-01T08:00"' in page(hq, f"{own}change/")
    wrong = hq.post("/bikes/zones/new/", {"code": "Z-2", "outline": json.dumps(zone.geometry), "kind": "quota"})
    assert wrong.status_code == 422 and "限量区" in errors(wrong)[0]
    unsaid = hq.post("/bikes/zones/new/", {"code": "Z-2", "outline": json.dumps(zone.geometry), "kind": ""})
    assert unsaid.status_code == 422 and "请选择类型" in errors(unsaid)[0] and "no_riding" not in errors(unsaid)[0]
    content = as_csv(tmp_path / "z.csv", THREE).read_bytes()
    path = "/bikes/zones/import/"
    text = look(hq, content, path=path, kind="no_riding").content.decode()
    assert hq.post(path, hidden(text))["Location"] == "/bikes/zones/"
    assert Zone.objects.filter(kind="no_riding").count() == 3
    assert "Z-1" not in page(hq, "/bikes/zones/?kind=no_riding")


def test_who_may_see_and_who_may_change(office, browse, bay, zone):
    operator = office.company()
    seen = [HOME, f"{HOME}{bay.pk}/", "/bikes/zones/", f"/bikes/zones/{zone.pk}/"]
    changes = [f"{HOME}new/", f"{HOME}import/", f"{HOME}{bay.pk}/change/", f"{HOME}{bay.pk}/remove/",
               f"{HOME}{bay.pk}/restore/", "/bikes/zones/new/", f"/bikes/zones/{zone.pk}/change/"]  # fmt: skip
    for who in ("hq", "department"):
        for path in [*seen, *changes]:
            page(browse(who), path)
    for who in ("street", "community", "inspector", "duty_leader", "admin", "owner"):
        client = browse(who, operator)
        for path in seen:
            assert "/change/" not in page(client, path)
        for path in changes:
            page(client, path, 403)
            assert client.post(path, {"version": "1", "reason": "x", "code": "X"}).status_code == 403
    client = Client()
    client.force_login(office.town.person("hotline"))
    for path in [*seen, *changes]:
        page(client, path, 403)
    assert Client().get(HOME)["Location"].startswith("/login/")
    hq = browse("hq")
    for path in (f"{HOME}999/", f"{HOME}{10**30}/", f"{HOME}999/change/", "/bikes/other/", "/bikes/zones/999/remove/"):
        page(hq, path, 404)
    bay.refresh_from_db()
    assert bay.version == 1 and BayVersion.objects.count() == 1


def test_search_filter_and_exports_that_come_back_unchanged(office, browse, bay, tmp_path):
    bays.add(BAYS, office.hq, "P-2", geometry(square(0, 5000)), {"capacity": "3", "tolerance_m": "12"})
    bays.remove(BAYS, office.hq, bays.add(BAYS, office.hq, "GONE", geometry(square(9)), {}).pk, reason="x")
    hq = browse("hq")
    for query, wanted in (
        ("q=永泰", {"P-1"}), ("q=p-", {"P-1", "P-2"}), ("q=%00", {"P-1", "P-2"}), ("q=nothing", set()),
        ("street=140213050", {"P-1"}), ("street=none", {"P-2"}), ("state=gone", {"GONE"}), ("state=all", {"P-1", "P-2", "GONE"}),
        ("state=odd&page=99", {"P-1", "P-2"}),
    ):  # fmt: skip
        text = page(hq, f"{HOME}?{query}")
        assert {code for code in ("P-1", "P-2", "GONE") if f">{code}</a>" in text} == wanted, query
    found = json.loads(page(hq, f"{HOME}?format=geojson"))
    assert [f["properties"]["code"] for f in found["features"]] == ["P-1", "P-2"]
    path = tmp_path / "export.geojson"
    path.write_text(json.dumps(found), "utf-8")
    assert bayimport.plan(path, BAYS).counts["unchanged"] == 2
    book = load_workbook(io.BytesIO(hq.get(f"{HOME}?format=xlsx&state=all").content)).active
    rows = list(book.iter_rows(values_only=True))
    assert rows[0][:4] == ("编码", "名称", "街道", "社区") and [r[0] for r in rows[1:]] == ["GONE", "P-1", "P-2"]
    assert LogEntry.objects.filter(action="bays.export").count() == 2


def test_zones_exported_come_back_unchanged(office, browse, zone, tmp_path):
    bays.add(ZONES, office.hq, "Z-2", geometry(square(60)),
             {"kind": "no_parking", "ends_at": "2021-07-01 08:00", "daily_from": "07:00", "weekdays": "67"})  # fmt: skip
    hq = browse("hq")
    path = tmp_path / "export.geojson"
    path.write_text(page(hq, "/bikes/zones/?format=geojson"), "utf-8")
    found = bayimport.plan(path, ZONES)
    assert found.counts["unchanged"] == 2, found.counts
    book = load_workbook(io.BytesIO(hq.get("/bikes/zones/?format=xlsx").content)).active
    assert [r[2] for r in book.iter_rows(values_only=True)] == ["类型", "限量区", "禁停区"]


def test_illustrative_bays_are_marked_everywhere(office, browse):
    draft_of = bayimport.bayrows.Draft
    bays.bring_in(BAYS, [draft_of("DEMO", square())], Actor.system(), illustrative=True)
    bays.bring_in(ZONES, [draft_of("DEMO", square(), {"kind": "no_riding"})], Actor.system(), illustrative=True)
    hq = browse("hq")
    own = [f"{HOME}{Bay.objects.get().pk}/", f"/bikes/zones/{Zone.objects.get().pk}/"]
    for path in (HOME, "/bikes/zones/", *own, *(f"{at}{do}/" for at in own for do in ("change", "remove"))):
        assert 'class="illustrative"' in page(hq, path)
    assert 'class="illustrative"' not in page(hq, f"{HOME}?q=nothing").split("card card-body")[1]


def test_pages_cost_the_same_queries_for_one_and_for_many(office, browse, bay, tmp_path, monkeypatch):
    monkeypatch.setattr(district, "SECONDS", 1e9)  # or it is read again in between
    hq = browse("hq")
    paths = (HOME, f"{HOME}{bay.pk}/", f"{HOME}{bay.pk}/change/", f"{HOME}?format=geojson", f"{HOME}?format=xlsx")

    def costs():
        found = []
        for path in paths:
            page(hq, path)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                page(hq, path)
            found.append(len(queries))
        return found

    before = costs()
    path = as_csv(tmp_path / "b.csv", {f"A{n}": square(n % 50 * 10, n // 50 * 10) for n in range(300)})
    bayimport.carry_out(bayimport.plan(path, BAYS), office.hq)
    for n in range(5):
        bays.change(BAYS, office.hq, bay.pk, {"capacity": str(n + 20)})
    assert costs() == before and max(before) <= 16


def test_in_english(office, browse, bay, tmp_path):
    hq = browse("hq", language="en")
    hq.cookies["django_language"] = "en"
    for path in (HOME, f"{HOME}{bay.pk}/", f"{HOME}{bay.pk}/change/", f"{HOME}{bay.pk}/remove/", f"{HOME}import/"):
        text = page(hq, path)
        assert "Bays" in text or "bay" in text.lower()
        assert "停放点位" not in text and "容量" not in text


def test_the_folder_of_uploads_is_none_of_the_public(office, browse, tmp_path):
    look(browse("hq"), as_geojson(tmp_path / "b.json", THREE).read_bytes(), "b.geojson")
    [kept] = uploaded.folder("bays").iterdir()
    assert Client().get(f"/media/bays/{kept.name}").status_code == 404
    look(browse("hq"), as_csv(tmp_path / "b.csv", THREE).read_bytes())
    [fresh] = uploaded.folder("bays").iterdir()
    assert not kept.exists() and Path(fresh).suffix == ".csv"


def test_a_bay_drawn_by_hand_is_looked_at_as_one_of_a_file_is(office, browse):
    """A rectangle drawn over half a town is kept, and said."""
    hq = browse("hq")
    given = {"code": "P-9", "outline": json.dumps(geometry(square())), "capacity": ""}
    assert "请再看一眼" not in page(hq, hq.post(f"{HOME}new/", given)["Location"])
    wide = hq.post(f"{HOME}new/", given | {"code": "P-10", "outline": json.dumps(geometry(square(side=300)))})
    assert "请再看一眼" in page(hq, wide["Location"])
    overlapping = hidden(page(hq, f"{HOME}{Bay.objects.get(code='P-9').pk}/change/")) | {
        "outline": json.dumps(geometry(square(side=100))), "capacity": "", "reason": "x",
    }  # fmt: skip
    assert "重叠" in page(hq, hq.post(f"{HOME}{Bay.objects.get(code='P-9').pk}/change/", overlapping)["Location"])


def test_a_zone_drawn_over_a_bay_is_said(office, browse, bay):
    hq = browse("hq")
    over = json.dumps(geometry(shapely.box(*shapely.from_geojson(json.dumps(bay.geometry)).buffer(0.001).bounds)))
    drawn = hq.post("/bikes/zones/new/", {"code": "Z-9", "outline": over, "kind": "no_parking"})
    assert "请再看一眼" in page(hq, drawn["Location"])
