"""The pages of the book: who sees what, every kind, each form, tables out and in, roads, weather, the verdict of a day."""

import io
import json
import re
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from shaodao.book import actions, history
from shaodao.book import files as bookfiles
from shaodao.book.queries import history as told
from shaodao.cases.actions import Actor
from shaodao.cases.tasks import Round
from shaodao.cli import main
from shaodao.foundation import clock, district, jobs
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import LogEntry
from shaodao.sanitation.kinds import KINDS
from shaodao.sanitation.models import Bin, Road, Segment, ServiceMode, Vehicle, Weather
from shaodao.sanitation.roads import background
from shaodao.sanitation.room import ROOM
from shaodao.sanitation.views import roadfiles as filepages
from shaodao.sanitation.weather import fetching, readings, stops
from tests.sanitation.book import book, put
from tests.town import Town

NOW = datetime(2026, 6, 15, 1, 0, tzinfo=UTC)
DAY = date(2026, 6, 15)
HOME = "/sanitation/book/"
WEATHER = {"air_c": 20.0, "ground_c": None, "wind_level": None}


@pytest.fixture(scope="module")
def made(shared):
    """A town and its book, with a row of every kind, made once."""
    with clock.freeze(NOW):
        town = Town()
        book()
        put("box", X={"vehicle": "V", "datum": "WGS-84"})
        put("maintenance", M={"vehicle": "V", "first_day": DAY, "last_day": DAY})
        put("round", R={"wipes": 2, "empties": 2, "disinfections": 1, "windows": []})
        put("bin", B={"lon": 113.2, "lat": 40.0, "type": "litter", "round": "R", "road": "R1"})
        put("weather", **{"2026-06-15T03": {"day": DAY, "hour": 3} | WEATHER})
        yield town


@pytest.fixture
def town(made, db):
    with clock.freeze(NOW):
        yield deepcopy(made)  # it remembers the people that a test made


@pytest.fixture
def browse(town):
    def browse(role="headquarters"):
        client = Client()
        client.force_login(town.person(role))
        return client

    return browse


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    return response.content.decode(errors="replace")


def hidden(text):
    return dict(re.findall(r'<input type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', text))


def form_of(client, path):
    """What a form of a page would send."""
    text = page(client, path)
    given = dict(re.findall(r'<input type="text" name="(\w+)" value="([^"]*)"', text)) | hidden(text)
    for name, inner in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', text, re.S):
        given[name] = (re.findall(r'value="([^"]*)" selected', inner) or [""])[0]
    return given


def sheet(rows):
    return SimpleUploadedFile("t.csv", "\n".join(rows).encode())


def test_every_kind_has_its_pages_in_both_languages_and_few_queries(browse):
    hq, counts = browse(), {}
    for name, kind in KINDS.items():
        row = kind.model.objects.first()
        own = f"{HOME}{name}/{row.pk}/"
        for path, language in ((f"{HOME}{name}/", "zh-hans"), (own, "en"), (f"{own}change/", "en")):
            hq.cookies["django_language"] = language
            with CaptureQueriesContext(connection) as asked:
                text = page(hq, path)
            counts[path] = len(asked)
            assert f'lang="{language}"' in text and row.code in text
            if language == "en":
                seen = re.sub(r"<(s|script|option|svg|style)\b.*?</\1>", "", text[text.index("<main") :], flags=re.S)
                assert not re.search("日期|修改|编码|历史|理由|保存|班组|车型", seen), path
    hq.cookies["django_language"] = "zh-hans"
    assert max(counts.values()) <= 16, counts
    put(
        "vehicle",
        **{f"X{n}": {"type": "washer", "crew": "C", "working_kmh": 5.0, "transfer_kmh": 30.0} for n in range(20)},
    )
    with CaptureQueriesContext(connection) as asked:
        page(hq, f"{HOME}vehicle/")
    assert len(asked) == counts[f"{HOME}vehicle/"]
    with CaptureQueriesContext(connection) as asked:
        text = page(hq, HOME)
    assert len(asked) <= 22 and "清洗：每天 1 遍 09:00-13:00" in text and "今天检修 1 辆" in text


def test_lists_are_searched_filtered_and_sorted(browse):
    hq = browse()
    put("vehicle", A={"type": "sweeper", "working_kmh": 5.0, "transfer_kmh": 30.0, "tank_m3": 2.0})

    def codes(query):
        return re.findall(r'href="/sanitation/book/vehicle/\d+/">(\w+)</a>', page(hq, f"{HOME}vehicle/?{query}"))

    assert codes("") == ["A", "V"] and codes("sort=-tank_m3") == ["V", "A"] and codes("type=washer") == ["V"]
    assert (
        codes("crew=C") == ["V"]
        and codes("q=a") == ["A"]
        and codes("state=gone") == []
        and codes("sort=x%27") == ["A", "V"]
    )
    assert "FLUSH" in page(hq, f"{HOME}mode/?kind=flush") and "R1-1" in page(hq, f"{HOME}segment/?road=R1")
    page(hq, f"{HOME}vehicle/99999999999999999999/", 404)
    page(hq, f"{HOME}nothing/", 404)


def test_who_reads_and_who_writes(browse, town):
    row = Vehicle.objects.get()
    for role, reads in (("street", 200), ("inspector", 200), ("department", 403)):
        client = browse(role)
        for path in (
            "book/",
            "book/map/",
            "book/map.geojson",
            f"book/vehicle/{row.pk}/",
            "feasibility/",
            "book/weather/day/",
        ):
            page(client, f"/sanitation/{path}", reads)
        for path in (
            f"vehicle/{row.pk}/change/",
            f"vehicle/{row.pk}/remove/",
            "vehicle/new/",
            "vehicle/import/",
            "roads/import/",
        ):
            page(client, HOME + path, 403)
            assert client.post(HOME + path, {"version": 1, "reason": "x"}).status_code == 403
        assert client.post(f"{HOME}weather/day/?day=2026-06-15", {"air_c_1": "3"}).status_code == 403
        assert client.post(f"{HOME}weather/fetch/").status_code == 403
        assert reads == 403 or "/change/" not in page(client, f"{HOME}vehicle/{row.pk}/")
    assert Client().get(HOME).status_code == 302


def test_a_row_from_its_beginning_to_its_end(browse):
    hq = browse()
    given = {"code": "N1", "type": "washer", "crew": "C", "working_kmh": "x", "transfer_kmh": "30", "reason": "新购"}
    wrong = hq.post(f"{HOME}vehicle/new/", given)
    assert wrong.status_code == 422 and "不是数字" in wrong.content.decode() and not Vehicle.objects.filter(code="N1")
    assert hq.post(f"{HOME}vehicle/new/", given | {"working_kmh": "6"}).status_code == 302
    row = Vehicle.objects.get(code="N1")
    own = f"{HOME}vehicle/{row.pk}/"
    given = form_of(hq, f"{own}change/") | {"tank_m3": "9.5", "crew": ""}
    assert hq.post(f"{own}change/", given).status_code == 422  # no reason
    assert hq.post(f"{own}change/", given | {"reason": "量过"}).status_code == 302
    text = page(hq, own)
    assert "量过" in text and "9.5" in text and re.search(r"班组：<s class=\"text-secondary\">C</s> → —", text)
    late = hq.post(f"{own}change/", given | {"reason": "晚了", "tank_m3": "1"})
    assert (
        late.status_code == 409
        and "第 2 版" in late.content.decode()
        and hidden(late.content.decode())["version"] == "2"
    )
    assert (
        hq.post(f"{own}change/", given | hidden(late.content.decode()) | {"reason": "再改", "tank_m3": "8"}).status_code
        == 302
    )
    assert hq.post(f"{own}remove/", {"version": 2, "reason": "报废"}).status_code == 409
    assert hq.post(f"{own}remove/", {"version": 3}).status_code == 422  # no reason
    assert hq.post(f"{own}remove/", {"version": 3, "reason": "报废"}).status_code == 302
    assert "已撤销" in page(hq, own) and hq.post(f"{own}restore/", {}).status_code == 302
    crew = KINDS["crew"].model.objects.get()
    assert "用到它" in hq.post(f"{HOME}crew/{crew.pk}/remove/", {"reason": "撤"}, follow=True).content.decode()
    assert history.verify(ROOM)[2] == []


def test_a_workbook_goes_out_and_comes_in_unchanged(browse, town):
    hq = browse()
    put("fill", W={"lon": 113.2 + 1e-15 * 29, "lat": 100 / 3, "flow_m3_min": 1 / 3, "bays": 1, "hours": []})
    for name in KINDS:
        out = hq.get(f"{HOME}{name}/?format=xlsx").content
        upload = SimpleUploadedFile("x.xlsx", out)
        upload.seek(0)
        found = bookfiles.plan(KINDS[name], upload)
        assert (found.problems, found.counts["unchanged"]) == ([], KINDS[name].model.objects.count()), name
    titles = [c.value for c in next(load_workbook(io.BytesIO(hq.get(f"{HOME}vehicle/template/").content)).active.rows)]
    row = KINDS["fill"].model.objects.get()
    given = form_of(hq, f"{HOME}fill/{row.pk}/change/") | {"bays": "2", "reason": "多一位"}
    assert hq.post(f"{HOME}fill/{row.pk}/change/", given).status_code == 302
    assert set(told(KINDS["fill"], row)[0].changes) == {"bays"}  # what nobody touched keeps all of its digits
    assert titles[:3] == ["编码", "名称", "英文名称"] and "水箱（立方米）" in titles


def test_a_table_is_looked_at_and_then_taken_in(browse):
    hq = browse()
    rows = [
        "编码,type,班组,working_kmh,transfer_kmh,tank_m3",
        "V,washer,C,5,30,12",
        "N,washer,C,5,30,",
        "Q,ship,C,5,30,1",
        "P,washer,NONE,5,30,1",
    ]
    text = hq.post(f"{HOME}vehicle/import/", {"file": sheet(rows), "reason": "普查"}).content.decode()
    counts = {key: int(n) for key, n in re.findall(r'data-count="(\w+)">(\d+)', text)}
    assert counts == {"new": 1, "changed": 1, "restored": 0, "unchanged": 0, "rejected": 2}
    assert "NONE" in text and "ship" in text and "12" in text and Vehicle.objects.count() == 1
    stale = hq.post(f"{HOME}vehicle/import/", hidden(text) | {"seen_new": "7"})
    assert stale.status_code == 409
    assert hq.post(f"{HOME}vehicle/import/", hidden(text)).status_code == 302
    assert (
        Vehicle.objects.get(code="V").tank_m3 == 12
        and told(KINDS["vehicle"], Vehicle.objects.get(code="V"))[0].reason == "普查"
    )
    assert hq.post(f"{HOME}vehicle/import/", hidden(text)).status_code == 422  # the file is gone
    for bad in (b"", b"\xff\xfe\x00", b"PK\x03\x04x", b"a,b\n1,2", b"code\n"):
        assert hq.post(f"{HOME}vehicle/import/", {"file": SimpleUploadedFile("t.csv", bad)}).status_code == 422
    assert hq.post(f"{HOME}vehicle/import/", {"file": SimpleUploadedFile("t.exe", b"x")}).status_code == 422
    new = hq.post(f"{HOME}segment/import/", {"file": sheet(["code,lanes", "R1-1,2", "NEW,1"])}).content.decode()
    assert "新的要从地图文件导入" in new


def roads(n=1):
    line = lambda k: {"type": "LineString", "coordinates": [[113.2, 40.01 + k / 1000], [113.21, 40.01 + k / 1000]]}  # noqa: E731
    features = [
        {"type": "Feature", "geometry": line(k), "properties": {"id": f"E{k}", "name": f"路{k}"}} for k in range(n)
    ]
    features.append({"type": "Feature", "geometry": None, "properties": {"id": "none"}})
    return SimpleUploadedFile("r.geojson", json.dumps({"type": "FeatureCollection", "features": features}).encode())


def test_roads_come_from_a_file_at_once_or_in_the_background(browse, monkeypatch):
    hq, path = browse(), f"{HOME}roads/import/"
    text = hq.post(path, {"file": roads(), "datum": "WGS-84", "reason": "测绘"}).content.decode()
    assert 'data-count="new">2<' in text and 'data-count="rejected">1<' in text
    assert hq.post(path, hidden(text)).status_code == 302 and Segment.objects.filter(source="r.geojson").count() == 2
    monkeypatch.setattr(filepages, "AT_ONCE", 1)
    text = hq.post(path, {"file": roads(3), "datum": "WGS-84"}).content.decode()
    done = hq.post(path, hidden(text))
    job = background.all_jobs().get()
    assert done["Location"].endswith(f"/{job.pk}/") and "等待处理" in page(hq, done["Location"])
    jobs.work()
    assert 'data-count="new">4<' in page(hq, done["Location"]) and Road.objects.filter(active=True).count() >= 3
    assert hq.post(path, {"file": SimpleUploadedFile("r.geojson", b"{}"), "datum": "WGS-84"}).status_code == 422
    assert history.verify(ROOM)[2] == []


def test_the_map_says_each_area(browse):
    found = json.loads(page(browse("street"), f"{HOME}map.geojson"))["features"]
    assert [f["properties"]["layer"] for f in found] == ["road", "road", "depot", "fill", "bin"]
    assert "车行道（平方米） 4000" in found[0]["properties"]["text"] and Bin.objects.get().code == "B"
    assert len(json.loads(page(browse(), f"{HOME}map.geojson?show=bin"))["features"]) == 1


def test_a_day_of_weather_is_typed_in_all_at_once(browse, town):
    hq, path = browse(), f"{HOME}weather/day/?day=2026-06-15"
    given = hidden(page(hq, path))
    hours = {
        "air_c_9": "5",
        "ground_c_9": "2.1",
        "air_c_10": "5",
        "ground_c_10": "2.5",
        "air_c_11": "x",
        "wind_level_11": "9" * 400,
    }
    wrong = hq.post(path, given | hours)
    assert wrong.status_code == 422 and "不是数字" in wrong.content.decode()
    assert hq.post(path, given | hours | {"air_c_11": "6", "wind_level_11": "3"}).status_code == 302
    assert sorted(Weather.objects.filter(active=True).values_list("hour", flat=True)) == [9, 10, 11]  # 3 was emptied
    assert "Flushing" not in page(hq, HOME) and "清洗 09:00–11:00 停：地温 2.1℃ 低于 3℃" in page(hq, HOME)
    assert hq.post(path, given | {"air_c_9": "7"}).status_code == 409
    row = ServiceMode.objects.get()
    row.wind_level, row.cold_c = 3, None
    assert [str(s) for s in stops.of(DAY, [row])] == ["清洗 11:00–12:00 停：风力 3 级，到 3 级就停"]


def answer(**more):
    hours = [f"2026-06-15T{h:02}:00" for h in range(24)] + ["2026-06-20T00:00"]
    hourly = {
        "time": hours,
        "temperature_2m": [21.44] * 25,
        "soil_temperature_0cm": [None] * 25,
        "wind_speed_10m": [36.0] * 25,
    }
    units = {"temperature_2m": "°C", "soil_temperature_0cm": "°C", "wind_speed_10m": "km/h"}
    return json.dumps({"utc_offset_seconds": 28800, "hourly": hourly, "hourly_units": units} | more).encode()


@pytest.mark.nodb
def test_open_meteo_s_hours():
    drafts = readings.open_meteo(answer())
    assert drafts[0].values == {"day": DAY, "hour": 0, "air_c": 21.4, "ground_c": None, "wind_level": 5}
    assert [readings.beaufort(v) for v in (0, 0.3, 3.4, 17.2, 60)] == [0, 1, 3, 8, 17]
    utc = readings.open_meteo(answer(utc_offset_seconds=0))
    assert utc[0].values["hour"] == 8
    for bad in (b"", b"[]", b"{}", b'{"hourly":{"time":[1],"temperature_2m":["x"]}}', answer(hourly={"time": [1]}),
                answer(hourly_units={"wind_speed_10m": "?"}), b'{"hourly":{"time":["?"],"temperature_2m":[1]}}'):  # fmt: skip
        with pytest.raises(Unreadable):
            readings.open_meteo(bad)


def test_the_service_is_asked_and_what_people_wrote_stays(browse, town, monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/ok" else 500)
            self.end_headers()
            self.wfile.write(answer())

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    actions.add(
        KINDS["weather"], Actor.of(town.person("headquarters")), "", {"day": "2026-06-15", "hour": "5", "air_c": "1"}
    )
    base, now = f"http://127.0.0.1:{server.server_port}", district.block("sanitation")
    ask = lambda path: monkeypatch.setattr(  # noqa: E731
        fetching.settings, "current", lambda: type(now)(weather_url=base + path if path else "")
    )
    try:
        ask("/ok")
        with pytest.raises(Unreadable, match="内部地址"):
            fetching.fetch()
        monkeypatch.setenv("SHAODAO_WEBHOOK_PRIVATE", "1")
        assert "取到 24 个小时" in browse().post(f"{HOME}weather/fetch/", follow=True).content.decode()
        assert (
            Weather.objects.get(code="2026-06-15T05").air_c == 1
            and Weather.objects.get(code="2026-06-15T06").air_c == 21.4
        )
        for hours, taken in ((0, 0), (1, 24)):  # the clock asks once an hour
            round = Round(NOW + timedelta(hours=hours))
            fetching.follow(round)
            assert round.counts["weather"] == taken
        ask("/broken")
        with pytest.raises(Unreadable, match="500"):
            fetching.fetch()
        ask("")
        with pytest.raises(Unreadable):
            fetching.fetch()
    finally:
        server.shutdown()
        server.server_close()
    assert LogEntry.objects.filter(action=fetching.ACTION).count() == 5


def test_the_command_takes_a_table_of_weather(town, tmp_path):
    good, bad = tmp_path / "w.csv", tmp_path / "b.csv"
    good.write_text("day,hour,air_c,ground_c\n2026-12-01,6,1.5,-2\n2026-12-01,25,1,1\n", "utf-8")
    bad.write_text("a,b\n1,2\n", "utf-8")
    run = CliRunner()
    done = run.invoke(main, ["sanitation", "weather", str(good), "--json"])
    found = json.loads(done.stdout.splitlines()[-1])
    assert (done.exit_code, found["new"], found["rejected"]) == (1, 1, 1) and ":3 [hour]" in done.stderr
    assert run.invoke(main, ["sanitation", "weather", str(bad)]).exit_code == 2
    assert run.invoke(main, ["sanitation", "weather"]).exit_code == 2


def test_the_verdict_of_a_day(browse):
    client = browse("street")
    with CaptureQueriesContext(connection) as asked:
        text = page(client, "/sanitation/feasibility/?day=2026-06-15")
    assert 'data-feasible="no"' in text and "加 " in text and len(asked) <= 18
    book_ = load_workbook(io.BytesIO(client.get("/sanitation/feasibility/?day=2026-06-15&format=xlsx").content))
    assert [c.value for c in book_.worksheets[0][2]][:3] == ["清洗", "做不完", "09:00-13:00"]
    assert 'data-feasible="nothing"' in page(client, "/sanitation/feasibility/?day=2026-12-15")
    for day in ("nonsense", "0001-01-01", "9999-12-31"):
        page(client, f"/sanitation/feasibility/?day={day}")
