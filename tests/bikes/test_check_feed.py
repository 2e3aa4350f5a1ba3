"""`shaodao bikes check-feed`: folders, the form of the answer, exit codes, languages, speed, the real feed."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from shaodao.bikes.gbfs.audit import SHOWN, audit
from shaodao.cli import main
from shaodao.foundation import clock
from tests import real
from tests.bikes import feeds

pytestmark = pytest.mark.nodb

DATA = real.BIKES


def run(*arguments: str):
    with clock.freeze(feeds.NOW):
        return CliRunner().invoke(main, ["bikes", "check-feed", *arguments])


def answer(result) -> dict:
    return json.loads(result.stdout.splitlines()[-1])


def test_exit_codes_and_form(tmp_path):
    good = feeds.write(feeds.valid(), tmp_path / "good")
    result = run(str(good), "--json")
    assert result.exit_code == 0
    assert answer(result) | {"files": []} == {"errors": [], "warnings": [], "version": "3.0", "files": []}
    feed = feeds.valid()
    feeds.vehicles(feed)[3]["vehicle_id"] = "v00001"
    result = run(str(feeds.write(feed, tmp_path / "bad")), "--json")
    assert result.exit_code == 1
    assert answer(result)["errors"] == [
        {
            "file": "vehicle_status.json",
            "path": "/data/vehicles/3/vehicle_id",
            "what": "编号 v00001 重复，第 1 项已用过（从 0 数起）",
            "check": "duplicate-id",
        }
    ]
    for wrong in ("nowhere", "ftp://bikes.example/gbfs.json", "https://", "http://[", "", "a\0b"):
        assert run(wrong, "--json").exit_code == 2, wrong
    assert run().exit_code == 2
    assert run(str(tmp_path / "good"), "--lang", "fr").exit_code == 2


def test_a_table_for_people_in_both_languages(tmp_path):
    feed = feeds.valid()
    feeds.vehicles(feed)[3].update(lat=0, lon=0)
    folder = str(feeds.write(feed, tmp_path))
    chinese, english = run(folder), run(folder, "--lang", "en")
    assert chinese.exit_code == english.exit_code == 1
    assert "1 个错误，0 个提醒" in chinese.stdout and "没有定位" in chinese.stdout
    assert "1 errors, 0 warnings" in english.stdout
    assert not any("\u4e00" <= c <= "\u9fff" for c in english.stdout)


def test_no_database_is_needed(tmp_path):
    feeds.write(feeds.valid(), tmp_path / "feed")
    environment = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SHAODAO_VAR": str(tmp_path)}
    command = [sys.executable, "-m", "shaodao.cli", "bikes", "check-feed", str(tmp_path / "feed"), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == "" and json.loads(done.stdout)["version"] == "3.0"
    assert not list(tmp_path.glob("*.sqlite3"))


@pytest.mark.parametrize("prefix", ["", "datong_", "2026-05-20 "])
def test_a_folder_with_any_prefix(tmp_path, prefix):
    feeds.write(feeds.valid(), tmp_path, prefix)
    (tmp_path / "notes.json").write_text("{", "utf-8")
    report = audit(str(tmp_path), feeds.NOW)
    assert (report.errors, report.warnings, len(report.files)) == ([], [], 11)


def test_folders_that_lack_something(tmp_path):
    empty = audit(str(tmp_path), feeds.NOW)
    assert [f.check for f in empty.errors] == ["missing-file"]
    feed = feeds.valid()
    del feed["gbfs"]
    report = audit(str(feeds.write(feed, tmp_path / "loose")), feeds.NOW)
    assert report.errors == [] and [(f.check, f.file) for f in report.warnings] == [("missing-file", "gbfs.json")]
    del feed["system_information"]
    report = audit(str(feeds.write(feed, tmp_path / "looser")), feeds.NOW)
    assert [(f.check, f.file) for f in report.errors] == [("missing-file", "system_information.json")]


def test_two_systems_in_one_folder(tmp_path):
    feeds.write(feeds.valid(), tmp_path, "a_")
    (tmp_path / "b_station_status.json").write_text("{}", "utf-8")
    report = audit(str(tmp_path), feeds.NOW)
    assert [(f.check, f.file) for f in report.errors] == [("two-files", "b_station_status.json")]


def test_a_folder_with_a_subfolder_for_each_language(tmp_path):
    feed = feeds.valid("2.3")
    feed["gbfs"]["data"]["en"] = feed["gbfs"]["data"]["zh"]
    feeds.write({"gbfs": feed.pop("gbfs")}, tmp_path)
    feeds.write(feed, tmp_path / "zh")
    feed["system_information"]["data"]["language"] = "en"
    feed["station_status"]["data"]["stations"][2]["station_id"] = "gone"
    feeds.write(feed, tmp_path / "en")
    report = audit(str(tmp_path), feeds.NOW)
    assert [(f.check, f.file) for f in report.errors] == [("unknown-station", "en/station_status.json")]


def test_one_mistake_everywhere_does_not_bury_the_others(tmp_path):
    feed = feeds.valid(vehicles=500)
    for row in feeds.vehicles(feed):
        row["vehicle_type_id"] = "tandem"
    feeds.statuses(feed)[4]["num_vehicles_available"] = 7
    report = audit(str(feeds.write(feed, tmp_path)), feeds.NOW)
    assert len([f for f in report.errors if f.check == "unknown-vehicle-type"]) == SHOWN + 1
    assert f"{500 - SHOWN}" in [f for f in report.errors if f.check == "unknown-vehicle-type"][-1].what
    assert [f.path for f in report.errors if f.check == "sum-of-types"] == ["/data/stations/4/num_vehicles_available"]


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_twelve_thousand_vehicles_of_a_right_feed(version, tmp_path):
    folder = str(feeds.write(feeds.valid(version, vehicles=12_000, bays=2_000), tmp_path))
    report = audit(folder, feeds.NOW)
    assert (report.errors, report.warnings) == ([], [])


@pytest.mark.data
def test_the_real_feed_of_kuala_lumpur():
    if not DATA.is_dir():
        pytest.skip("no ../shared/data/bikes")
    report = audit(str(DATA), feeds.NOW)
    assert report.version == "2.2"
    assert [(f.check, f.file) for f in report.errors] == [
        ("listed-missing", "kuala_lumpur_gbfs.json"),
        ("missing-file", "vehicle_types.json"),
        ("missing-file", "system_pricing_plans.json"),
    ]
    assert {f.check for f in report.warnings} == {"listed-missing", "unlisted-file", "stale", "ring-orientation"}
