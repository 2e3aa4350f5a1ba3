"""Positions in files: every form that is understood, every fault with its line, by command and by page."""

import gzip
import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pyarrow import parquet

from shaodao.bikes.actions import feeding
from shaodao.bikes.ingest.positions import NO_TIME
from shaodao.bikes.ingest.sources import bulk, files
from shaodao.bikes.ingest.sources.states import states
from shaodao.bikes.models import FeedQuality, VehicleStatus
from shaodao.cases import tasks
from shaodao.cli import main
from shaodao.foundation import cells, clock, jobs
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import Job, LogEntry
from shaodao.kernel import datum
from tests.bikes.street import LAT, LON, bay

NINE = 1_621_818_000_000  # Monday 24 May 2021, 09:00 in Datong
HEAD = b"vehicle_id,time,lon,lat\n"
ROW = f"a,2021-05-24 08:59:00,{LON},{LAT}\n".encode()
PAGE = "/bikes/operators/BIKE-A/feed/upload/"


@pytest.fixture
def operator(office):
    return office.brought_to("admitted")


@pytest.fixture
def written(tmp_path):
    """written(content, name): a file, opened."""

    def make(content, name="positions.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return files.open_file(path)

    return make


def all_of(file, name="WGS-84"):
    return list(file.positions(name))


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.nodb
@pytest.mark.parametrize("text", [
    "2021-05-24 09:00:00", "2021/5/24 9:00", "2021年5月24日 09:00:00", " 2021-05-24T09:00:00.000 ", "2021-05-24T01:00:00Z",
    "2021-05-24T09:00:00+08:00", "2021-05-24T06:30:00+0530", "2021-05-23T20:00:00-05:00", "1621818000", "1621818000000",
    "1621818000.0", "1.621818e9",
])  # fmt: skip
def test_a_time_in_every_form_is_the_same_moment(text):
    assert cells.times(pa.array([text])).tolist() == [NINE]


@pytest.mark.nodb
@pytest.mark.parametrize("text", [
    None, "", "yesterday", "2021-02-30 09:00:00", "2021-13-01 09:00:00", "2021-05-24", "2021-05-24 24:00:00",
    "2021-05-24 09:60:00", "1e400", "nan", "99999999999999999999", "0000-01-01 00:00:00", "2021-05-24 09:00:00 PM",
])  # fmt: skip
def test_what_is_no_time_is_none(text):
    assert cells.times(pa.array([text], pa.string())).tolist() == [NO_TIME]


@pytest.mark.nodb
def test_times_of_parquet():
    at = datetime(2021, 5, 24, 1, tzinfo=UTC)
    assert cells.times(pa.array([at, None])).tolist() == [NINE, NO_TIME]
    naive = pa.array([datetime(2021, 5, 24, 9), None], pa.timestamp("ns"))  # a wall clock, as it stands
    assert cells.times(naive).tolist() == [NINE, NO_TIME]
    assert cells.times(pa.array([NINE // 1000, NINE, None])).tolist() == [NINE, NINE, NO_TIME]
    assert cells.times(pa.array([NINE / 1000, float("nan"), float("inf")])).tolist() == [NINE, NO_TIME, NO_TIME]


@pytest.mark.nodb
def test_the_wall_clock_follows_the_calendar_of_its_day():
    summer = cells.times(pa.array(["1990-07-01 09:00:00", "1992-07-01 09:00:00"])) / 3_600_000 % 24
    assert summer.tolist() == [0.0, 1.0], "in 1990 China's clocks went an hour ahead in summer"


@pytest.mark.nodb
def test_numbers_names_and_states_take_anything():
    given = pa.array(["1.5", " -2e3 ", "x", None, "", "1_0", "inf", ".5", "1e400"])
    expected = [1.5, -2000.0, np.nan, np.nan, np.nan, np.nan, np.nan, 0.5, np.inf]
    assert np.array_equal(cells.numbers(given), expected, equal_nan=True)
    assert cells.names(pa.array([7, None])).tolist() == ["7", None]
    assert states(pa.array(["骑行中", "AVAILABLE", "whatever", None])).tolist() == [
        "on_trip", "available", "whatever", "",
    ]  # fmt: skip
    assert states(pa.array([], pa.string())).tolist() == []


# ── files that are not whole ─────────────────────────────────────────────────────────────────────────────────────


FAULTS = [
    ("a.csv", b"", "空"),
    ("a.csv", HEAD, "没有数据行"),
    ("a.csv", HEAD + ROW * 5 + b"b,2021-05", "第 7 行有 2 列，应有 4 列"),
    ("a.csv", HEAD + b'"a,2021-05-24 09:00:00,113,40\n' + ROW * 3, "第 2 行"),
    ("a.csv", HEAD + b'"a,2021-05-24 09:00:00,113,40\n' + ROW * 200_000, "引号"),
    ("a.csv", "车辆编号,时间,经度,纬度\n甲,1,2,3\n".encode("gb18030"), "第 1 行不是 UTF-8 编码。看起来是 GBK"),
    ("a.csv", HEAD + ROW * 3 + "甲,1,2,3\n".encode("gb18030"), "第 5 行不是 UTF-8"),
    ("a.csv", HEAD + ROW + b"\xe7\x94", "第 3 行不是 UTF-8"),
    ("a.csv", (HEAD + ROW).decode().encode("utf-16"), "不是 UTF-8"),
    ("a.csv", HEAD + f"a,yesterday,{LON},{LAT}\n".encode(), "“time”列里没有一个能读的时间，例如“yesterday”"),
    ("a.csv", HEAD + b"a,2021-05-24 09:00:00,east,40\n", "“lon”列里没有一个数，例如“east”"),
    ("a.csv", b"plate,time,lon,lat\na,1,2,3\n", "没有“vehicle_id”列"),
    ("a.csv", (HEAD + ROW).replace(b",", b";"), "没有“vehicle_id”列"),
    ("a.csv", b"id,time,lon,lat,lon\na,1621818000,1,2,3\n", "“lon”列有两个"),
    ("a.csv.gz", b"no gzip", "读不出来"),
    ("a.csv.gz", gzip.compress(HEAD + ROW * 9000, mtime=0)[:300], "读不出来"),
    ("a.parquet", b"PAR1 and no more", "Parquet"),
    ("a.xlsx", b"PK\x03\x04", "应为 .csv"),
]


@pytest.mark.nodb
@pytest.mark.parametrize(("name", "content", "what"), FAULTS)
def test_a_file_that_is_not_whole_says_where(written, name, content, what):
    with pytest.raises(Unreadable) as fault:
        written(content, name)
    assert what in str(fault.value), str(fault.value)


@pytest.mark.nodb
def test_a_column_of_a_wrong_type(tmp_path):
    table = pa.table({"vehicle_id": ["a"], "time": [True], "lon": [1.0], "lat": [2.0]})
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(Unreadable, match=r"time.*bool"):
        files.open_file(tmp_path / "a.parquet")


@pytest.mark.nodb
def test_names_in_chinese_packed_and_with_a_mark(written):
    content = "\ufeff车辆编号,定位时间,经度,纬度,状态,备注\n甲1,2021/5/24 9:00:00,113.2,40.0,骑行中,x\n".encode()
    for name, body in (("a.csv", content), ("a.CSV.gz", gzip.compress(content))):
        (part,) = all_of(written(body, name))
        assert (part.vehicle_id[0], part.at_ms[0], part.lon[0], part.state[0]) == ("甲1", NINE, 113.2, "on_trip")


@pytest.mark.nodb
def test_parquet_with_dictionaries_and_whole_numbers(tmp_path):
    state = pa.array(["available", "on_trip", None]).dictionary_encode()
    table = pa.table(
        {"bike_id": [7, 8, None], "timestamp": [NINE] * 3, "lng": [1, 2, 3], "lat": [4.0, 5.0, None], "state": state}
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    (part,) = all_of(files.open_file(tmp_path / "a.parquet"))
    assert part.vehicle_id.tolist() == ["7", "8", None] and part.state.tolist() == ["available", "on_trip", ""]
    assert part.lon.tolist() == [1, 2, 3] and np.isnan(part.lat[2])


# ── taking in ────────────────────────────────────────────────────────────────────────────────────────────────────


def command(*words):
    done = CliRunner().invoke(main, ["bikes", "ingest", *map(str, words)])
    said = done.stdout.strip().splitlines()
    return done.exit_code, json.loads(said[-1]) if said and said[-1].startswith("{") else done.output


def test_the_command_takes_a_file_in_once(operator, tmp_path):
    bay()
    path = tmp_path / "p.csv"
    path.write_bytes(HEAD + ROW + ROW.replace(b"a,", b"b,"))
    code, said = command(path, "--operator", "BIKE-A", "--json")
    assert code == 0 and {k: said[k] for k in ("received", "kept", "rejected")} == {
        "received": 2,
        "kept": 2,
        "rejected": 0,
    }
    assert VehicleStatus.objects.filter(operator=operator, parked__isnull=False).count() == 2
    assert FeedQuality.objects.get().source == "file"
    line = LogEntry.objects.get(action="positions.file")
    assert (line.subject, line.actor_label, line.data["kept"]) == ("operator:BIKE-A", "system", 2)
    code, said = command(path, "--operator", "BIKE-A", "--json")
    assert (code, said["kept"], said["reasons"]) == (0, 0, {"duplicate": 2})


def test_rows_that_are_not_right_are_named_and_the_others_taken(operator, tmp_path):
    bad = [
        b"b" * 10_000 + ROW[1:], b"\x00" + ROW, b"," + ROW[2:], ROW.replace(b"2021", b"2031"), ROW.replace(b"2021", b"2020"),
        ROW.replace(b"2021-05-24 08:59:00", b"soon"), b"c,2021-05-24 08:59:00,0,0\n", b"d,2021-05-24 08:59:00,east,40\n",
    ]  # fmt: skip
    path = tmp_path / "p.csv"
    path.write_bytes(HEAD + ROW + b"".join(bad))
    code, said = command(path, "--operator", "BIKE-A", "--json")
    assert (code, said["kept"], said["rejected"]) == (1, 1, 8)
    why = ["long_id", "no_id", "no_id", "future", "oldest", "no_time", "null_island", "no_position"]
    assert [(row["line"], row["row"], row["why"]) for row in said["examples"]] == [
        (n + 3, n + 1, reason) for n, reason in enumerate(why)
    ]
    code, said = command(path, "--operator", "BIKE-A", "--lang", "en")
    assert code == 1 and "line 3" in said and "longer than 100" in said


def test_the_datum_of_the_file(operator, tmp_path):
    lon, lat = datum.from_wgs84(LON, LAT, "GCJ-02")
    path = tmp_path / "p.csv"
    path.write_bytes(HEAD + f"a,2021-05-24 08:59:00,{lon},{lat}\n".encode())
    assert command(path, "--operator", "BIKE-A", "--datum", "GCJ-02", "--json")[0] == 0
    found = VehicleStatus.objects.get()
    assert (found.lon_e6, found.lat_e6) == (round(LON * 1e6), round(LAT * 1e6))


def test_a_file_in_another_datum_than_given_is_said(operator, browse, tmp_path):
    rng = np.random.default_rng(5)
    lon, lat = LON + rng.uniform(0, 0.02, 60), LAT + rng.uniform(0, 0.02, 60)
    for k in range(60):
        bay(f"B{k}", float(lon[k]), float(lat[k]))
    wrong = datum.from_wgs84(lon, lat, "BD-09")
    path = tmp_path / "p.csv"
    path.write_bytes(
        HEAD + "".join(f"v{k},{NINE - 1000},{x},{y}\n" for k, (x, y) in enumerate(zip(*wrong, strict=True))).encode()
    )
    assert command(path, "--operator", "BIKE-A", "--json")[1]["looks"] == "BD-09"
    assert "像是 BD-09 坐标" in send(browse("owner", operator), path.read_bytes()).content.decode()
    assert command(path, "--operator", "BIKE-A", "--datum", "BD-09", "--json")[1]["looks"] == ""


def test_the_command_says_what_cannot_be_right(office, operator, tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(b"")
    for words, what in (
        ((path, "--operator", "BIKE-A"), "空"),
        ((path, "--operator", "NOBODY"), "no operator"),
        ((tmp_path / "none.csv", "--operator", "BIKE-A"), "does not exist"),
        ((path, "--operator", "BIKE-A", "--datum", "NAD27"), "NAD27"),
    ):
        code, said = command(*words)
        assert code == 2 and what in said, said
    path.write_bytes(HEAD + ROW)
    office.company("BIKE-B")
    code, said = command(path, "--operator", "BIKE-B")
    assert code == 2 and "准入之后" in said and not VehicleStatus.objects.exists()


def test_many_rows_need_no_more_memory_than_few(operator, tmp_path, monkeypatch):
    """Peak of what Python holds while a file is taken in, for a file and one four times as long."""
    monkeypatch.setattr(files, "ROWS", 2_000)
    monkeypatch.setattr(files, "BLOCK", 1 << 17)
    peaks = []
    for many in (10_000, 40_000):
        path = tmp_path / f"{many}.csv"
        lines = [f"v{n % 500},{NINE - 3_000_000 + n},{LON},{LAT}\n" for n in range(many)]
        path.write_bytes(HEAD + "".join(lines).encode())
        file, n = files.open_file(path), 0
        tracemalloc.start()
        for part in file.positions("WGS-84"):
            n += len(part)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert n == many
    assert peaks[1] < 1.5 * peaks[0], peaks


def test_rows_keep_their_numbers_over_the_parts(operator, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS", 10)
    path = tmp_path / "p.csv"
    path.write_bytes(HEAD + b"".join(ROW.replace(b"a,", f"v{n},".encode()) for n in range(33)) + b",,,\n")
    code, said = command(path, "--operator", "BIKE-A", "--json")
    assert (code, said["received"], said["kept"]) == (1, 34, 33)
    assert [(r["row"], r["line"]) for r in said["examples"]] == [(33, 35)]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────


def send(client, content, name="p.csv", path=PAGE, **given):
    return client.post(path, {"file": SimpleUploadedFile(name, content), "datum": "WGS-84"} | given)


def test_an_upload_names_rows(operator, browse):
    own = browse("owner", operator)
    assert PAGE in own.get("/bikes/operators/BIKE-A/feed/").content.decode()
    answer = send(own, HEAD + ROW + b"x" * 10_000 + ROW[1:])
    text = answer.content.decode()
    assert answer.status_code == 200 and 'data-reason="long_id">1<' in text and "收下 1，未收 1" in text
    assert VehicleStatus.objects.count() == 1
    line = LogEntry.objects.get(action="positions.file")
    assert line.actor_id is not None and len(line.data["sha256"]) == 64
    english = send(browse("hq", language="en"), HEAD + ROW).content.decode()
    assert "received before" in english and 'data-reason="duplicate"' in english


@pytest.mark.parametrize(
    ("name", "content", "what"), [*FAULTS, ("", HEAD, ""), ("a\x00.csv", HEAD + ROW + b"b", "第 3 行")]
)
def test_a_faulty_upload_is_answered_beside_the_field(operator, browse, name, content, what):
    answer = send(browse("owner", operator), content, name) if name else browse("hq").post(PAGE, {"file": "x"})
    assert answer.status_code == 422 and what in answer.content.decode()
    assert not VehicleStatus.objects.exists() and not LogEntry.objects.filter(action="positions.file").exists()


def test_a_large_upload_lies_on_disk_and_is_taken_in(operator, browse, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    own = browse("owner", operator)
    assert "收下 1" in send(own, gzip.compress(HEAD + ROW), "p.csv.gz").content.decode()
    table = pa.table({"id": ["b"], "time": [clock.now() - timedelta(minutes=1)], "lon": [LON], "lat": [LAT]})
    out = io.BytesIO()
    parquet.write_table(table, out)
    assert "收下 1" in send(own, out.getvalue(), "p.parquet").content.decode()
    assert send(own, HEAD + ROW, datum="NAD27").status_code == 422


def test_only_parties_and_only_while_admitted(office, operator, browse):
    other = office.brought_to("admitted", "BIKE-B")
    for client in (browse("owner", other), browse("duty_leader"), browse("street")):
        assert client.get(PAGE).status_code == send(client, HEAD + ROW).status_code == 403
    office.act(operator, "withdraw", reason="退出本区")
    own = browse("owner", operator)
    assert "disabled" in own.get(PAGE).content.decode()
    answer = send(own, HEAD + ROW)
    assert answer.status_code == 422 and "准入之后" in answer.content.decode() and not VehicleStatus.objects.exists()
    assert own.get("/bikes/operators/NOBODY/feed/upload/").status_code == 404


def test_the_page_asks_few_and_always_as_many_queries(operator, browse):
    own = browse("owner", operator)
    own.get(PAGE)
    with CaptureQueriesContext(connection) as asked:
        own.get(PAGE)
    assert len(asked) <= 14, [q["sql"][:80] for q in asked]


# ── long files ───────────────────────────────────────────────────────────────────────────────────────────────────


LONG = HEAD + b"".join(ROW.replace(b"a,", f"v{n},".encode()) for n in range(7)) + b",,,\n"


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(feeding, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "ROWS", 3)


def test_a_long_file_is_worked_off_by_the_clock(operator, browse, at_once):
    own = browse("owner", operator)
    answer = send(own, LONG, "夜间.csv")
    page = answer["Location"]
    text = own.get(page).content.decode()
    assert "0 / 8" in text and 'data-job-state="waiting"' in text and "hx-trigger" in text
    assert own.get(PAGE).content.decode().count(page) == 1 and send(own, LONG, "b.csv")["Location"] == page
    jobs.work(seconds=0)
    assert "3 / 8" in own.get(page).content.decode() and VehicleStatus.objects.count() == 3
    assert tasks.tick()["worked"] == 3
    text = own.get(page).content.decode()
    assert "8 / 8" in text and "收下 7，未收 1" in text and ">9<" in text and "hx-trigger" not in text
    assert VehicleStatus.objects.count() == 7
    line = LogEntry.objects.get(action="positions.file").data
    assert (line["kept"], line["rejected"], line["state"]) == (7, 1, "done")
    assert page in own.get("/bikes/operators/BIKE-A/feed/").content.decode()
    send(own, LONG)  # once more: all rows are known
    jobs.work()
    assert Job.objects.first().result["reasons"] == {"duplicate": 7, "no_id": 1}


def test_a_long_file_is_cancelled_by_its_parties_only(office, operator, browse, at_once):
    own, other = browse("owner", operator), browse("owner", office.brought_to("admitted", "BIKE-B"))
    page = send(own, LONG)["Location"]
    foreign = page.replace("BIKE-A", "BIKE-B")
    assert other.get(page).status_code == other.post(page + "cancel/").status_code == 403
    assert other.get(foreign).status_code == other.post(foreign + "cancel/").status_code == 404
    jobs.work(seconds=0)
    assert "已取消" in own.post(page + "cancel/", follow=True).content.decode()
    jobs.work()
    assert VehicleStatus.objects.count() == 3
    assert "已经处理完" in own.post(page + "cancel/", follow=True).content.decode()


def test_who_is_not_admitted_any_more_sends_no_more(office, operator, browse, at_once):
    page = send(browse("owner", operator), LONG)["Location"]
    jobs.work(seconds=0)
    office.act(operator, "withdraw", reason="退出本区")
    jobs.work()
    text = browse("hq").get(page).content.decode()
    assert 'data-job-state="failed"' in text and "准入" in text and VehicleStatus.objects.count() == 3


def test_a_faulty_long_file_is_answered_beside_the_field(operator, browse, at_once):
    answer = send(browse("owner", operator), LONG + b"cut,off")
    assert answer.status_code == 422 and "第 10 行" in answer.content.decode() and not Job.objects.exists()


def test_a_file_of_parquet_goes_on_where_it_stopped(operator, tmp_path):
    path = tmp_path / "p.parquet"
    times = [clock.now() - timedelta(minutes=n) for n in range(25)]
    table = pa.table({"id": [f"v{n}" for n in range(25)], "time": times, "lon": [LON] * 25, "lat": [LAT] * 25})
    parquet.write_table(table, path, row_group_size=10)
    file = files.open_file(path)
    for since in (0, 7, 10, 24, 25):
        parts = list(file.positions("WGS-84", since, 4))
        assert [n for p in parts for n in p.rows.tolist()] == list(range(since, 25))
        assert [v for p in parts for v in p.vehicle_id.tolist()] == [f"v{n}" for n in range(since, 25)]
