"""MDS policies, geographies, jurisdictions, requirements: their form, what follows from zones and quotas, their cost."""

import re
from datetime import timedelta
from uuid import UUID

import jsonschema_rs
import pytest

from shaodao.bikes.models import Bay, Zone, ZoneVersion
from shaodao.bikes.publish import facts
from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from tests.bikes.furnished import bay, furnished, zone
from tests.town import later

pytestmark = pytest.mark.django_db

ID = {"type": "string", "format": "uuid"}
AT = {"type": "integer", "minimum": 1_400_000_000_000, "maximum": 5_000_000_000_000}
TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}
STATES = ["available", "non_operational", "reserved", "on_trip", "non_contactable", "removed", "missing", "elsewhere"]


def record(required: dict, **optional) -> dict:
    """An object with these fields and no others."""
    return {
        "type": "object", "properties": {**required, **optional}, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


def several(of: dict, least: int = 0) -> dict:
    return {"type": "array", "items": of, "minItems": least, "uniqueItems": True}


RULE = {
    **record(
        {"name": TEXT, "rule_id": ID, "rule_type": {"enum": ["count", "time", "speed", "user"]}, "geographies": several(ID, 1),
         "states": {"type": "object", "propertyNames": {"enum": STATES}, "additionalProperties": several({"type": "string"})}},
        rule_units={"enum": ["seconds", "minutes", "hours", "days", "mph", "kph", "devices"]},
        minimum={"type": "integer"}, maximum={"type": "integer"}, start_time=TIME, end_time=TIME,
        days=several({"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, 1),
        messages={"type": "object", "propertyNames": {"pattern": "^[a-z]{2}-[A-Z]{2}$"}, "additionalProperties": TEXT},
        value_url={"type": "string", "format": "uri"},
    ),
    "oneOf": [
        {"properties": {"rule_type": {"const": "count"}, "rule_units": {"const": "devices"}}, "required": ["rule_units"]},
        {"properties": {"rule_type": {"const": "speed"}, "rule_units": {"enum": ["mph", "kph"]}}, "required": ["rule_units"]},
        {"properties": {"rule_type": {"const": "time"}, "rule_units": {"enum": ["seconds", "minutes", "hours", "days"]}},
         "required": ["rule_units"]},
        {"properties": {"rule_type": {"const": "user"}}, "not": {"required": ["rule_units"]}},
    ],
}  # fmt: skip
POLICY = record(
    {"name": TEXT, "mode_id": {"const": "micromobility"}, "policy_id": ID, "description": TEXT, "start_date": AT,
     "published_date": AT, "rules": several(RULE, 1)},
    provider_ids=several(ID), end_date=AT, prev_policies=several(ID),
)  # fmt: skip
SHAPES = record({
    "type": {"const": "FeatureCollection"},
    "features": several(record({
        "type": {"const": "Feature"},
        "properties": {"type": "object"},
        "geometry": record({"type": {"const": "MultiPolygon"}, "coordinates": {"type": "array", "minItems": 1}}),
    }), 1),
})  # fmt: skip
GEOGRAPHY = record(
    {"name": TEXT, "geography_id": ID, "geography_json": SHAPES, "published_date": AT},
    geography_type=TEXT, effective_date=AT, retire_date=AT, prev_geographies=several(ID), description=TEXT,
)  # fmt: skip
JURISDICTION = record(
    {"jurisdiction_id": ID, "agency_key": TEXT, "description": TEXT, "mode_ids": several({"const": "micromobility"}, 1), "timestamp": AT},
    agency_name=TEXT, geography_id=ID,
)  # fmt: skip
URL = {"type": "string", "format": "uri"}
REQUIREMENTS = record({
    "metadata": record({
        "mds_release": {"const": "2.0.0"}, "file_version": {"type": "integer", "minimum": 1}, "last_updated": AT,
        "max_update_interval": {"type": "string", "pattern": "^P"}, "agency_id": ID, "agency_name": TEXT, "agency_timezone": TEXT,
        "agency_language": TEXT, "agency_currency": {"type": "string", "pattern": "^[A-Z]{3}$"}, "agency_website_url": URL, "url": URL,
    }),
    "programs": several(record({
        "description": TEXT, "program_website_url": URL, "provider_ids": several(ID), "vehicle_types": several(TEXT),
        "start_date": AT, "end_date": {"type": ["integer", "null"]},
        "required_data_specs": several(record({
            "data_spec_name": {"const": "MDS"}, "version": {"const": "2.0.0"}, "required_apis": {"type": "array"},
            "available_apis": several(record({
                "api_name": TEXT, "available_endpoints": several(record({"endpoint_name": TEXT, "url": URL}), 1)}), 1),
        }), 1),
    }), 1),
})  # fmt: skip
FORMS = {
    "policies": several(POLICY), "geographies": several(GEOGRAPHY), "geography": GEOGRAPHY,
    "jurisdictions": several(JURISDICTION, 1), "requirements": REQUIREMENTS,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _fresh_facts(settings):
    settings.ORIGIN = "https://district.example"
    facts.forget()
    yield
    facts.forget()


@pytest.fixture
def operator(office, monday):
    return furnished(office, monday)


def get(client, path: str, status: int = 200, **query):
    answer = client.get(f"/mds/v2/{path}", query)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/vnd.mds+json;version=2.0"
    return answer.json()


def read(client, path: str, name: str = "", **query):
    """What stands under `name`, checked against its form."""
    name = name or path
    body = get(client, path, **query)
    assert set(body) == {"version", "last_updated", name} and body["version"] == "2.0.0"
    faults = list(jsonschema_rs.Draft202012Validator(FORMS[name], validate_formats=True).iter_errors(body[name]))
    assert faults == [], faults
    return body[name]


def named(rows: list, text: str) -> dict:
    (found,) = [row for row in rows if text in row["name"]]
    return found


def test_every_answer_has_its_form_and_every_reference_is_there(client, operator):
    policies, areas = read(client, "policies"), read(client, "geographies")
    known = {area["geography_id"] for area in areas}
    used = {key for one in policies for rule in one["rules"] for key in rule["geographies"]}
    assert len(policies) == 6 and used <= known
    places = read(client, "jurisdictions")
    assert {place["geography_id"] for place in places if "geography_id" in place} <= known
    assert [place["agency_key"] for place in places] == ["140213"]
    read(client, "requirements")
    for one in policies:
        assert one["start_date"] >= one["published_date"] + 20 * 60_000
        (same,) = read(client, f"policies/{one['policy_id']}", "policies")
        assert same == one
    for area in areas:
        assert read(client, f"geographies/{area['geography_id']}", "geography") == area
    assert read(client, f"jurisdictions/{places[0]['jurisdiction_id']}", "jurisdictions") == places


def test_a_wrong_form_would_be_seen():
    check = jsonschema_rs.Draft202012Validator(POLICY, validate_formats=True)
    assert not check.is_valid({"name": "x", "policy_id": "no"})


def test_zones_become_rules(client, operator):
    policies = read(client, "policies")
    (parking,) = named(policies, "区域Z-1")["rules"]
    assert (parking["rule_type"], parking["rule_units"], parking["maximum"]) == ("time", "minutes", 0)
    assert "on_trip" not in parking["states"] and set(parking["messages"]) == {"zh-CN", "en-US"}
    assert parking["messages"]["en-US"] == "No parking of shared bikes here"
    riding, also = named(policies, "区域Z-2")["rules"]
    assert (riding["rule_type"], riding["maximum"], list(riding["states"])) == ("speed", 0, ["on_trip"])
    assert also["rule_type"] == "time"
    (quota,) = named(policies, "区域Z-3")["rules"]
    assert (quota["rule_type"], quota["maximum"]) == ("count", 40)
    inside, outside = named(policies, "共享单车停在停放点位内")["rules"]
    assert "maximum" not in inside and outside["maximum"] == 0  # the special rule stands before the general one


def test_the_ceiling_and_each_operators_quota(client, operator, office, monday):
    policies = read(client, "policies")
    (rule,) = named(policies, "总量上限")["rules"]
    assert rule["maximum"] == 12_000 and "on_trip" in rule["states"] and "removed" not in rule["states"]
    own = named(policies, "单车BIKE-A配额")
    assert own["rules"][0]["maximum"] == 1000 and len(own["provider_ids"]) == 1
    assert own["end_date"] - own["start_date"] > 363 * 24 * 3_600_000
    with later(days=1):
        office.act(operator, "change_quota", quota=1500, reason="秩序良好")
        new = named(read(client, "policies"), "单车BIKE-A配额")
        assert new["rules"][0]["maximum"] == 1500 and new["prev_policies"] == [own["policy_id"]]
        office.act(operator, "suspend", reason="秩序混乱")
        assert not [one for one in read(client, "policies") if "配额" in one["name"]]


def test_a_changed_zone_is_another_policy_that_names_the_one_before(client, operator, monday):
    before = named(read(client, "policies"), "区域Z-1")
    at = monday + timedelta(days=1)
    row = Zone.objects.get(code="Z-1")
    ZoneVersion.objects.create(
        zone=row, version=1, valid_from=monday, valid_until=at, kind=row.kind, name=row.name, geometry=row.geometry
    )
    Zone.objects.filter(pk=row.pk).update(version=2, valid_from=at, kind="quota", quota=5)
    with clock.freeze(at + timedelta(hours=1)):
        after = named(read(client, "policies"), "区域Z-1")
        assert after["policy_id"] != before["policy_id"] and after["prev_policies"] == [before["policy_id"]]
        (old,) = read(client, f"policies/{before['policy_id']}", "policies")
        assert old["rules"] == before["rules"] and old["end_date"] == int(at.timestamp() * 1000)
        areas = {area["geography_id"]: area for area in read(client, "geographies")}
        new = areas[after["rules"][0]["geographies"][0]]
        (gone,) = new["prev_geographies"]
        assert areas[gone]["retire_date"] == old["end_date"] and gone == before["rules"][0]["geographies"][0]


def test_ids_are_the_same_on_every_machine_and_after_a_restart(client, operator):
    first = [one["policy_id"] for one in read(client, "policies")]
    facts.forget()
    assert [one["policy_id"] for one in read(client, "policies")] == first
    assert all(UUID(key).version == 5 for key in first) and len(set(first)) == len(first)


def test_hours_and_spans(client, operator, monday):
    Zone.objects.all().delete()
    zone("SCHOOL", monday, daily_from="07:30", daily_until="08:30", weekdays="12345")
    zone("NIGHT", monday, daily_from="22:00", daily_until="05:00", weekdays="57")
    zone("EVENT", monday, begins_at=monday + timedelta(days=2), ends_at=monday + timedelta(days=3))
    policies = read(client, "policies")
    (school,) = named(policies, "SCHOOL")["rules"]
    assert (school["start_time"], school["end_time"]) == ("07:30:00", "08:30:00")
    assert school["days"] == ["mon", "tue", "wed", "thu", "fri"]
    evening, morning = named(policies, "NIGHT")["rules"]
    assert (evening["start_time"], evening["end_time"], evening["days"]) == ("22:00:00", "23:59:59", ["fri", "sun"])
    assert (morning["start_time"], morning["end_time"], morning["days"]) == ("00:00:00", "05:00:00", ["mon", "sat"])
    assert named(policies, "EVENT")["start_date"] == int((monday + timedelta(days=2)).timestamp() * 1000)
    with later(days=4):
        assert not [one for one in read(client, "policies") if "EVENT" in one["name"]]
        at = int((monday + timedelta(days=2, hours=5)).timestamp() * 1000)
        assert named(read(client, "policies", start_date=at, end_date=at), "EVENT")
    assert not [
        one for one in read(client, "policies", end_date=at) if "EVENT" in one["name"] and one["start_date"] > at
    ]


def test_what_is_made_up_says_so(client, operator, monday):
    assert not any("示例" in one["description"] for one in read(client, "policies"))
    drawn = {area["name"]: area.get("description") for area in read(client, "geographies")}
    assert drawn == {
        "测试区": "示意，不是真实边界",
        "共享单车停放点位": None,
        "区域Z-1": None,
        "区域Z-2": None,
        "区域Z-3": None,
    }
    Zone.objects.filter(code="Z-1").update(illustrative=True, version=2)
    Bay.objects.filter(code="B-1").update(illustrative=True, version=2)
    District.objects.update(sample=True)
    district.forget()
    facts.forget()
    assert all("示例数据" in one["description"] for one in read(client, "policies"))
    drawn = {area["name"]: "description" in area for area in read(client, "geographies")}
    assert drawn["区域Z-1"] and drawn["共享单车停放点位"] and not drawn["区域Z-2"]


def test_zones_at_the_edge(client, operator, monday):
    Zone.objects.all().delete()
    zone("BRIEF", monday, begins_at=monday, ends_at=monday + timedelta(minutes=10))
    zone("ENDLESS", monday, "quota")
    zone("NEVER", monday, daily_from="08:00", daily_until="08:00")
    policies = read(client, "policies")
    brief = named(policies, "BRIEF")
    assert brief["start_date"] == brief["published_date"] < brief["end_date"]
    assert "maximum" not in named(policies, "ENDLESS")["rules"][0]  # no number was given, so none is invented
    (never,) = named(policies, "NEVER")["rules"]
    assert never["start_time"] == never["end_time"] == "08:00:00"
    features = client.get("/gbfs/3.0/geofencing_zones.json").json()["data"]["geofencing_zones"]["features"]
    assert [f["properties"]["_zone_id"] for f in features] == ["BRIEF", "ENDLESS"]


def test_what_cannot_be_asked(client, operator):
    for wrong in ("x", "-1", "9" * 30, "", "１２３"):
        assert get(client, "policies", 400, start_date=wrong)["error"] == "bad_param"
    for path in ("policies", "geographies", "jurisdictions"):
        body = get(client, f"{path}/00000000-0000-4000-8000-000000000000", 404)
        assert body["error"] == "not_found" and body["error_details"] == []
    assert client.post("/mds/v2/policies").status_code == 405
    assert client.get("/mds/v2/policies", headers={"Accept": "application/vnd.mds+json;version=1.2"}).status_code == 406
    for fine in ("application/vnd.mds+json;version=2.0", "*/*", "application/json", "application/vnd.mds+json;version=1.2, application/vnd.mds+json;version=2.0"):  # fmt: skip
        assert client.get("/mds/v2/policies", headers={"Accept": fine}).status_code == 200


def test_what_is_not_published(client, operator, office):
    office.settle(publish={"open": False})
    for path in ("policies", "geographies", "jurisdictions", "requirements"):
        assert get(client, path, 404)["error"] == "not_found"
    office.settle(publish={"only_in_bays": False})
    assert not [one for one in read(client, "policies") if "停放点" in one["name"]]


def test_a_district_with_an_outline_and_streets(client, operator, town):
    ring = [[113.2, 40.0], [113.21, 40.0], [113.21, 40.01], [113.2, 40.0]]
    District.objects.update(outline={"type": "Polygon", "coordinates": [ring]})
    town.street.geometry = {"type": "Polygon", "coordinates": [ring]}
    town.street.save()
    Bay.objects.update(active=False, version=2)
    facts.forget()
    places = read(client, "jurisdictions")
    assert [place["agency_name"] for place in places] == ["测试区", "永泰街道"]
    areas = read(client, "geographies")
    assert named(areas, "测试区")["geography_json"]["features"][0]["geometry"]["coordinates"][0][0] == ring
    assert named(areas, "永泰街道")["geography_type"] == "political_district"
    assert not [one for one in read(client, "policies") if "停放点" in one["name"]]  # there are none


def test_requirements_name_the_operators_and_the_addresses(client, operator):
    found = read(client, "requirements")
    (program,) = found["programs"]
    assert program["provider_ids"] == named(read(client, "policies"), "配额")["provider_ids"]
    apis = {api["api_name"]: api for api in program["required_data_specs"][0]["available_apis"]}
    assert apis["geography"]["available_endpoints"][0]["url"] == "https://district.example/mds/v2/geographies"
    assert [e["endpoint_name"] for e in apis["agency"]["available_endpoints"]] == ["vehicles", "telemetry", "events"]
    assert found["metadata"]["agency_timezone"] == "Asia/Shanghai"


def test_the_texts_do_not_depend_on_the_reader(client, operator):
    chinese = get(client, "policies")
    english = client.get("/mds/v2/policies", headers={"Accept-Language": "en"}).json()
    assert chinese == english and re.search("停放点", str(chinese))


@pytest.mark.parametrize("path", ["policies", "geographies", "jurisdictions", "requirements"])
def test_the_cost_does_not_grow(client, operator, monday, django_assert_max_num_queries, path):
    def cost(fresh: int, kept: int) -> None:
        facts.forget()
        get(client, path), facts.forget()
        with django_assert_max_num_queries(fresh):
            get(client, path)
        with django_assert_max_num_queries(kept):
            get(client, path)

    cost(9, 3)
    for n in range(4, 30):
        bay(f"M-{n}", monday, n)
        zone(f"N-{n}", monday, "quota", 60 * n, quota=3)
    cost(9, 3)


def test_caches_and_other_sites(client, operator):
    for path in ("policies", "geographies"):
        first = client.get(f"/mds/v2/{path}")
        assert first["Access-Control-Allow-Origin"] == "*" and first["Cache-Control"] == "public, max-age=60"
        again = client.get(f"/mds/v2/{path}", headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 304
