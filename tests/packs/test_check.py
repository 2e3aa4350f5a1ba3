"""A broken pack is told apart by file, row and column, with what would be right; nothing is written."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shaodao.foundation.models import District, LogEntry
from shaodao.foundation.pack import PackError, check_pack, load_pack, result
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place
from tests.packs.conftest import DISTRICTS


def problems_of(root):
    counts, problems = check_pack(root)
    assert counts == {}
    return problems


def only(root):
    problems = problems_of(root)
    assert len(problems) == 1, [str(p) for p in problems]
    return problems[0]


def test_example_is_clean(example):
    counts, problems = check_pack(example)
    assert problems == []
    wanted = {"streets": 2, "communities": 3, "villages": 1, "organisations": 10, "categories": 7, "conditions": 8}
    assert wanted.items() <= counts.items()
    assert counts["map"] == 2
    assert counts["cells"] > 80


def test_pingcheng_is_clean_and_complete(pingcheng):
    counts, problems = check_pack(pingcheng)
    assert problems == []
    assert (counts["streets"], counts["communities"], counts["villages"]) == (18, 155, 47)
    assert 20_000 < counts["cells"] < 26_000
    assert counts["organisations"] >= 18 + 202 + 30
    assert counts["map"] >= 190
    assert counts["calendar_days"] > 400


def test_json_contract(example, edit):
    good = json.loads(json.dumps(result(*check_pack(example))))
    assert good["ok"] is True
    assert good["errors"] == []
    assert good["counts"]["streets"] == 2
    edit("places.csv", "999901001,东门街道", "99990101,东门街道")
    bad = json.loads(json.dumps(result(*check_pack(example))))
    assert bad["ok"] is False
    assert set(bad["errors"][0]) == {"file", "row", "column", "what", "hint"}


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("decline,not_ours", "close,not_ours", 2, "action"),
        ("decline,not_ours", "decline,Nicht unser", 2, "code"),
        ("decline,not_ours", "decline,", 2, "code"),
        ("send_back,not_ours", "decline,not_ours", 3, "code"),
        (",您反映的问题不属于本区管理职责。,", ",,", 2, "text"),
        ("不属于本区职责", "长" * 61, 2, "title"),
    ],
)
def test_faults_of_texts(example, edit, old, new, row, column):
    edit("texts.csv", old, new)
    found = only(example)
    assert (found.file, found.row, found.column) == ("texts.csv", row, column)


@pytest.mark.parametrize(
    ("file", "old", "new", "row", "column"),
    [
        (
            "places.csv",
            "999901002201,柳湾村,Liuwan Village,village,999901002",
            "999901002201,柳湾村,,village,999901009",
            8,
            "parent",
        ),
        ("places.csv", "999901001002,钟楼社区", "999901001001,钟楼社区", 6, "code"),
        ("places.csv", "999901001002,钟楼社区", "999902001002,钟楼社区", 6, "code"),
        ("places.csv", "Liuwan Village,village", "Liuwan Village,hamlet", 8, "level"),
        (
            "places.csv",
            "999901001002,钟楼社区,Zhonglou Community,community,999901001,true",
            "999901001002,,,community,999901001,true",
            6,
            "name",
        ),
        ("places.csv", "community,999901001,true,invented", "community,999901001,maybe,invented", 5, "illustrative"),
        (
            "organisations.csv",
            "ENFORCE,综合行政执法队,Law Enforcement Team,department,HQ",
            "ENFORCE,综合行政执法队,,department,NOBODY",
            8,
            "parent",
        ),
        ("organisations.csv", "street,HQ,999901001", "street,HQ,999901001001", 5, "place"),
        ("organisations.csv", "department,HQ,999901,true", "department,HQ,999909,true", 8, "place"),
        ("catalogue/conditions.csv", "已复原,2,hour", "已复原,-2,hour", 2, "limit_value"),
        ("catalogue/conditions.csv", "已复原,2,hour", "已复原,0,hour", 2, "limit_value"),
        ("catalogue/conditions.csv", "已复原,2,hour", "已复原,2,fortnight", 2, "limit_unit"),
        ("catalogue/conditions.csv", "已复原,2,hour,,SUPPLY,MUNICIPAL", "已复原,2,hour,,SUPPLIES,MUNICIPAL", 2, "lead"),
        ("catalogue/conditions.csv", "SUPPLY,MUNICIPAL;ENFORCE", "SUPPLY,MUNICIPAL;SUPPLY", 8, "supports"),
        ("catalogue/conditions.csv", "event,0406,1", "event,0407,1", 7, "code"),
        ("catalogue/conditions.csv", "围护并停水抢修 3 hour", "围护并停水抢修 hour", 8, "stages"),
        ("catalogue/conditions.csv", "component,0101,2,车过时", "component,0101,1,车过时", 3, "seq"),
        ("catalogue/categories.csv", "EXAMPLE,event,0406,04", "EXAMPLE,event,0406,05", 5, "code"),
        ("catalogue/categories.csv", "EXAMPLE,event,0406", "GB,event,0406", 5, "scheme"),
        ("catalogue/attributes.csv", "singlevaluelist", "string", 2, "values"),
        ("catalogue/map.csv", "EXAMPLE-2,06010,exact", "EXAMPLE-2,06011,exact", 2, "to_code"),
        ("catalogue/schemes.csv", 'new version",false', 'new version",true', 3, "active"),
        ("calendar.csv", "2026-10-10", "2026-13-10", 2, "date"),
        ("demo/accounts.csv", "street,999901001", "street,MUNICIPAL", 8, "role"),
    ],
)
def test_one_wrong_cell_is_named(example, edit, file, old, new, row, column):
    edit(file, old, new)
    problems = problems_of(example)
    where = {(p.file, p.row, p.column) for p in problems}
    assert (file, row, column) in where, [str(p) for p in problems]
    assert all(p.what for p in problems)


@pytest.mark.parametrize(
    ("value", "hint"),
    [("101", "0101"), ("1.01E+02", "文本"), ("0101.0", "文本")],
)
def test_codes_that_excel_changed_are_recognised(example, edit, value, hint):
    edit("catalogue/categories.csv", "component,0101", f"component,{value}")
    found = [p for p in problems_of(example) if p.file == "catalogue/categories.csv" and p.column == "code"]
    assert found[0].row == 2
    assert hint in found[0].hint


def test_place_code_without_leading_zeros_or_in_scientific_notation(example, edit):
    edit("places.csv", "999901001001,槐树", "9.99901E+11,槐树")
    problem = problems_of(example)[0]
    assert (problem.file, problem.row, problem.column) == ("places.csv", 5, "code")
    assert "科学计数" in problem.hint


def test_parents_in_a_circle(example, edit):
    edit(
        "organisations.csv",
        "HOTLINE,热线受理席,Hotline Desk,hotline,HQ",
        "HOTLINE,热线受理席,Hotline Desk,hotline,INSPECT",
    )
    edit("organisations.csv", "inspection,HQ", "inspection,HOTLINE")
    problem = only(example)
    assert (problem.file, problem.column) == ("organisations.csv", "parent")
    assert "圈" in problem.what


def test_missing_file(example):
    (example / "places.csv").unlink()
    problem = next(p for p in problems_of(example) if p.file == "places.csv")
    assert "缺少文件" in problem.what
    assert "code,name" in problem.hint


def test_missing_and_unknown_column(example, edit):
    edit("organisations.csv", "code,name,name_en,kind", "code,name,name_en,sort")
    found = {(p.row, p.column) for p in problems_of(example) if p.file == "organisations.csv"}
    assert found == {(1, "kind"), (1, "sort")}


def test_empty_file(example):
    (example / "places.csv").write_text("")
    assert any(p.file == "places.csv" and "空" in p.what for p in problems_of(example))


def test_gbk_file_is_recognised(example):
    path = example / "organisations.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk"))
    problem = next(p for p in problems_of(example) if p.file == "organisations.csv")
    assert "UTF-8" in problem.what
    assert "GBK" in problem.hint


def test_byte_order_mark_and_blank_lines_are_fine(example):
    path = example / "places.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\n,,,,,,\n")
    assert check_pack(example)[1] == []


def test_broken_quotes(example):
    path = example / "calendar.csv"
    path.write_text('date,kind,name,source\n2026-10-10,workday,"x,y\n', encoding="utf-8")
    problem = only(example)
    assert (problem.file, problem.row) == ("calendar.csv", 2)


def test_too_many_cells(example, edit):
    edit("calendar.csv", "调休上班,State", "调休上班,one,two,State")
    assert (only(example).row, only(example).file) == (2, "calendar.csv")


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("watch_days: 30", "watch_day: 30", "settings.watch_day"),
        ("watch_days: 30", "watch_days: many", "settings.watch_days"),
        ("unit: hour", "unit: minute", "settings.limits.arrive"),
        ("arrive:", "arrival:", "settings.limits.arrival"),
        ("watch_days: 30", "second_factor: sometimes", "settings.second_factor"),
        ("watch_days: 30", "second_factor: {required_for: [boss]}", "settings.second_factor.required_for"),
        ('code: "999901"', "code: 99901", "code"),
        ("centre: [113.3060, 40.0045]", "centre: [40.0045, 113.3060]", "centre"),
        ("datum: WGS-84", "datum: WGS84", "datum"),
    ],
)
def test_settings_are_typed(example, edit, old, new, column):
    edit("district.yaml", old, new)
    found = [p for p in problems_of(example) if p.file == "district.yaml"]
    assert column in {p.column for p in found}, [str(p) for p in found]


@pytest.mark.parametrize("value", ["off", "optional", "{required_for: [admin, headquarters]}"])
def test_the_second_factor_of_a_district(example, edit, value):
    edit("district.yaml", "watch_days: 30", f"second_factor: {value}")
    assert check_pack(example)[1] == []


def test_yaml_that_does_not_parse_names_the_line(example):
    (example / "district.yaml").write_text("code: '1'\nname: [\n", encoding="utf-8")
    problem = next(p for p in problems_of(example) if p.file == "district.yaml")
    assert problem.row == 3


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda f: f["properties"].pop("code"), "code"),
        (lambda f: f["properties"].update(code="123456"), "code"),
        (lambda f: f.update(geometry={"type": "Point", "coordinates": [113.3, 40.0]}), "geometry"),
        (lambda f: f["geometry"].update(coordinates=[[[40, 113], [40, 114], [41, 114], [40, 113]]]), "geometry"),
        (
            lambda f: f["geometry"].update(coordinates=[[[113, 40], [114, 41], [114, 40], [113, 41], [113, 40]]]),
            "geometry",
        ),
        (lambda f: f["geometry"].update(coordinates="no"), "geometry"),
    ],
)
def test_bad_shapes_are_named(example, change, column):
    path = example / "outline.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["features"][0])
    path.write_text(json.dumps(data), encoding="utf-8")
    found = [p for p in problems_of(example) if p.file == "outline.geojson"]
    assert found
    assert (found[0].row, found[0].column) == (1, column)


def test_a_community_may_not_have_more_than_999_cells(example, edit):
    edit("grid.yaml", "cell_m: 100", "cell_m: 10")
    found = problems_of(example)
    assert all((p.file, p.column) == ("grid.yaml", "cell_m") for p in found)
    assert found


def test_no_such_folder(tmp_path):
    assert "文件夹" in only(tmp_path / "nowhere").what


@pytest.mark.django_db
def test_a_broken_pack_changes_nothing(example, edit):
    edit("catalogue/conditions.csv", "已复原,2,hour", "已复原,x,hour")
    with pytest.raises(PackError) as caught:
        load_pack(example)
    assert caught.value.problems[0].column == "limit_value"
    assert not District.objects.exists()
    assert not Place.objects.exists()
    assert not Organisation.objects.exists()
    assert not LogEntry.objects.exists()


FILES = sorted(
    str(p.relative_to(DISTRICTS / "example")) for p in (DISTRICTS / "example").rglob("*.*") if p.suffix != ".md"
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_a_file_ends_in_a_traceback(tmp_path, data):
    """Whatever is cut out of a file or put into it, the check answers with counts or with problems."""
    root = tmp_path / "damaged"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(DISTRICTS / "example", root)
    path = root / data.draw(st.sampled_from(FILES))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=6)) + content[end:])
    counts, problems = check_pack(root)
    assert bool(counts) != bool(problems)
    json.dumps(result(counts, problems))
