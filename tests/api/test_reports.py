"""Reports over the API: with and without an account, photos, keys, joining, datum, faults."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shaodao.cases.models import Case, Contact, Photo, Report
from shaodao.catalogue.models import Attribute
from shaodao.kernel.datum import from_wgs84
from tests.api.conftest import Caller
from tests.pictures import picture

pytestmark = pytest.mark.usefixtures("monday")
HERE = {"lon": 113.2005, "lat": 40.0005}
LITTER = {"text": "路边有一堆垃圾", "category": "event-0110", **HERE}


def send_photo(caller: Caller, size: tuple[int, int] = (120, 80)):
    file = SimpleUploadedFile("a.jpg", picture("JPEG", size), "image/jpeg")
    return caller.client.post("/api/v1/uploads", {"file": file}, headers=caller.headers)


def test_the_public_reports_without_an_account(town, anyone):
    answer = anyone.post("/reports", {**LITTER, "contact": {"name": "王", "email": "w@example.com", "language": "en"}})
    assert answer.status_code == 201, answer.data
    report = Report.objects.get()
    assert answer.data["follow_code"] == report.follow_code and answer.data["state"] == "received"
    assert report.reporter is None and Contact.objects.get().language == "en"


def test_the_same_key_makes_one_report_but_each_caller_has_own_keys(town, anyone, caller):
    first = anyone.post("/reports", LITTER, Idempotency_Key="k")
    again = anyone.post("/reports", LITTER, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.data["replayed"] and again.data["case"] == first.data["case"]
    other = caller("community").post("/reports", {**LITTER, "client_key": "k"})
    assert other.status_code == 201 and Report.objects.count() == 2
    split = anyone.post("/reports", {**LITTER, "client_key": "a"}, Idempotency_Key="b")
    assert split.status_code == 422 and "client_key" in split.data["errors"]


def test_channels_follow_posts(town, anyone, caller):
    assert anyone.post("/reports", {**LITTER, "channel": "hotline"}).status_code == 403
    made = caller("hotline").post("/reports", {**LITTER, "channel": "hotline"})
    assert made.status_code == 201 and Report.objects.get().organisation == town.hotline


def test_photos_first_then_the_words(town, anyone):
    uploaded = send_photo(anyone)
    assert uploaded.status_code == 201, uploaded.content
    made = anyone.post("/reports", {**LITTER, "text": "", "uploads": [uploaded.json()["id"]]})
    assert made.status_code == 201 and Photo.objects.get().case.number == made.data["case"]
    forged = anyone.post("/reports", {**LITTER, "uploads": ["1"]})
    assert forged.status_code == 422 and "uploads" in forged.data["errors"]
    broken = SimpleUploadedFile("a.jpg", b"no picture", "image/jpeg")
    answer = anyone.client.post("/api/v1/uploads", {"file": broken})
    assert answer.status_code == 422 and "photos" in answer.json()["errors"]
    assert anyone.client.post("/api/v1/uploads", {}).status_code == 422


def test_a_number_gives_nobody_the_photo_of_another(town, caller):
    department = caller("department")
    case = town.handling()
    part = case.assignments.get().pk
    town.act("sign", case, "department", on=part)
    send_photo(caller("intake"), size=(80, 60))
    foreign = Photo.upload.field.related_model.objects.get()
    refused = department.act(case, "finish", on=part, data={"result": "x", "photos": [foreign.pk]})
    assert refused.status_code == 422 and "photos" in refused.data["errors"]
    own = send_photo(department, size=(90, 60)).json()["id"]
    assert department.act(case, "finish", on=part, data={"result": "x", "photos": [own]}).status_code == 200


def test_joining_an_open_case(town, anyone):
    case = town.report()
    joined = anyone.post("/reports", {**LITTER, "join": case.number})
    assert joined.data["joined"] and joined.data["case"] == case.number
    unknown = anyone.post("/reports", {**LITTER, "join": "2021-999999"})
    assert unknown.status_code == 422 and "join" in unknown.data["errors"]


def test_datum_is_converted_and_outside_is_said(town, anyone):
    lon, lat = (float(v) for v in from_wgs84(113.2005, 40.0005, "GCJ-02"))
    made = anyone.post("/reports", {**LITTER, "lon": lon, "lat": lat, "datum": "GCJ-02"})
    assert made.status_code == 201, made.data
    report = Report.objects.get()
    assert report.datum == "GCJ-02" and report.source_lon == lon and abs(report.lon - 113.2005) < 1e-8
    outside = anyone.post("/reports", {**LITTER, "lon": 116.4, "lat": 39.9})
    assert outside.status_code == 422 and "position" in outside.data["errors"] and Case.objects.count() == 1
    by_cell = anyone.post("/reports", {"text": "x", "cell": "140213050001001"})
    assert by_cell.status_code == 201 and by_cell.data["community"]["code"] == "140213050001"
    by_words = anyone.post("/reports", {"text": "x", "address": "迎宾街 5 号"})
    assert by_words.status_code == 201 and by_words.data["street"] is None


def test_every_fault_at_once(town, anyone):
    Attribute.objects.create(category=town.litter, code="HOW", datatype="singlevaluelist", required=True,
                             description="多少", values=[{"key": "much", "name": "很多"}])  # fmt: skip
    bad = {**LITTER, "attributes": {"WHAT": 1}, "contact": {"email": "no"}, "join": "x"}
    answer = anyone.post("/reports", bad)
    assert set(answer.data["errors"]) == {"attributes.WHAT", "attributes.HOW", "contact.email", "join"}
    answer = anyone.post("/reports", {**LITTER, "attributes": {"HOW": "little"}})
    assert "much" in answer.data["errors"]["attributes.HOW"]
    assert anyone.post("/reports", {**LITTER, "attributes": {"HOW": "much"}}).status_code == 201
    assert Report.objects.get().attributes == {"HOW": "much"}
    assert anyone.post("/reports", {**LITTER, "category": "event-9999"}).status_code == 422
    assert anyone.post("/reports", {"text": "x"}).data["errors"].keys() == {"address"}
    assert anyone.post("/reports", {**LITTER, "lon": "1e999"}).status_code == 422


def test_control_characters_do_not_reach_the_database(town, anyone):
    made = anyone.post("/reports", {**LITTER, "attributes": {}, "text": "a\x00b", "address": "c\x00d"})
    assert made.status_code == 201
    assert Report.objects.get().text == "a\ufffdb" and Report.objects.get().address == "c\ufffdd"


def test_callers_without_an_account_are_limited(town, anyone, caller):
    codes = [anyone.post("/reports", {"text": ""}).status_code for _i in range(61)]
    assert codes[59] == 422 and codes[60] == 429
    limited = anyone.post("/reports", LITTER)
    assert limited["Content-Type"] == "application/problem+json" and int(limited["Retry-After"]) > 0
    assert caller("community").post("/reports", LITTER).status_code == 201
