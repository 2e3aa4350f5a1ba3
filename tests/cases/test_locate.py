"""Where a case is: taken from words where there is no position, marked until somebody looks, corrected by `locate`."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.cases import history, notices
from shaodao.cases.models import Case, Notice
from shaodao.foundation.errors import Invalid, Refused
from shaodao.places.models import Place
from tests.cases.desk import Desk, errors, key

pytestmark = pytest.mark.usefixtures("monday")
NOWHERE = {"lon": None, "lat": None}
MARK, WORDS = "地点待核对", "地点由地址文字推定，请核对"


def place(case):
    case.refresh_from_db()
    return (case.street and case.street.name, case.community and case.community.name, case.place_guessed)


def whole():
    return history.verify()["broken"] == []


def test_an_address_in_words_names_street_and_community(town):
    case = town.report(**NOWHERE, address="永泰街道社区００１ 3号楼")
    assert place(case) == ("永泰街道", "社区001", True)
    assert (case.lon, case.lat, case.cell) == (None, None, None)  # never a made-up point
    assert case.number in Desk(town, "street").case(case)  # the street sees what is its own
    assert whole()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"address": "古城街道办事处旁"}, ("古城街道", None, True)),
        ({"address": "某处", "text": "我住在古城街道，楼下有垃圾"}, ("古城街道", None, True)),  # weaker: the text
        ({"address": "永泰街道", "text": "古城街道也有"}, ("永泰街道", None, True)),
        ({"address": "不知道"}, (None, None, False)),
        ({"address": "古城街道", "lon": 113.2005, "lat": 40.0005}, ("永泰街道", "社区001", False)),
        ({"address": "古城街道", "cell": "140213050001001"}, ("永泰街道", "社区001", False)),
    ],
)
def test_a_position_decides_and_words_are_only_for_want_of_one(town, said, expected):
    assert place(town.report(**(NOWHERE | said))) == expected


def test_the_mark_stands_on_page_and_list_and_goes_when_somebody_confirms(town):
    case = town.report(**NOWHERE, address="永泰街道")
    desk = Desk(town, "intake")
    page = desk.case(case)
    assert WORDS in page and "街道和社区由地址文字推定" in page and MARK in page
    assert MARK in desk.open("/work/intake/")
    form = desk.open(f"/work/cases/{case.number}/do/locate/")
    assert f'<option value="{town.street.pk}" selected>' in form and "data-map-pick" in form
    desk.do("locate", case, place=town.street.pk)
    page = desk.case(case)
    assert WORDS not in page and MARK not in page and place(case) == ("永泰街道", None, False)
    assert whole()


def test_a_position_brings_cell_community_and_street_with_it(town):
    case = town.report(**NOWHERE, address="永泰街道社区001")
    done = town.act("locate", case, "dispatcher", position="113.2045,40.0005", reason="电话里问清楚了")
    assert place(case) == ("古城街道", "社区001", False) and case.cell_id == "140213051001001"
    assert (case.lon, case.lat) == (113.2045, 40.0005)
    assert done.event.reason == "电话里问清楚了"
    assert [p["name"] for p in done.event.data["before"]] == ["永泰街道", "社区001"]
    told = Notice.objects.get(kind="located")
    assert told.organisation == town.other_office and case.number in notices.words(told)
    assert "原为 永泰街道 社区001，现为 古城街道 社区001" in Desk(town, "duty_leader").case(case)
    assert whole()


def test_a_chosen_place_keeps_a_position_in_it_and_drops_one_outside(town):
    case = town.report()
    town.act("locate", case, "intake", place="140213050")
    assert place(case) == ("永泰街道", "社区001", False) and case.cell_id and case.lon == 113.2005
    town.act("locate", case, "intake", place="140213050002")
    assert place(case) == ("永泰街道", "社区002", False) and (case.lon, case.lat, case.cell) == (None, None, None)
    assert case.reports.get().lon == 113.2005  # what was reported stays
    assert not Notice.objects.filter(kind="located").exists()
    assert whole()


def test_who_may_and_what_is_refused(town):
    case = town.report(**NOWHERE, address="永泰街道")
    for role, organisation in (("street", town.other_office), ("department", None), ("inspector", None)):
        with pytest.raises(Refused):
            town.act("locate", case, role, organisation, place=town.street.pk)
    for given, name in (
        ({}, "position"), ({"position": "100,20"}, "position"), ({"position": "x"}, "position"),
        ({"place": "140213"}, "place"), ({"place": "9" * 30}, "place"), ({"place": "\x00"}, "place"),
        ({"place": [1]}, "place"), ({"place": True}, "place"), ({"place": "１"}, "place"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as fault:
            town.act("locate", case, "intake", **given)
        assert set(fault.value.errors) == {name}, given
    town.act("locate", case, "street", place=town.communities[1].pk)
    assert place(case)[1] == "社区002"
    Place.objects.filter(pk=town.communities[0].pk).update(active=False)
    with pytest.raises(Invalid):
        town.act("locate", case, "intake", place=town.communities[0].pk)


def test_a_whistle_that_waits_keeps_the_case_in_its_street(town):
    case = town.report()
    town.act("whistle_draft", case, "street", kind="emergency", lead="URBAN", reason="急")
    with pytest.raises(Refused):
        town.act("locate", case, "intake", position="113.2045,40.0005")
    town.act("locate", case, "intake", position="113.2025,40.0005")
    assert place(case) == ("永泰街道", "社区002", False)


def test_the_street_that_gives_it_away_is_back_at_its_desk(town):
    case = town.report()
    response = Desk(town, "street").send("locate", case, place=town.other_street.pk)
    assert response.status_code == 302 and response.url == "/work/" and place(case) == ("古城街道", None, False)


def test_the_interface_locates_too(town, client):
    case = town.report(**NOWHERE, address="永泰街道社区001")
    desk = Desk(town, "dispatcher")
    path = f"/api/v1/cases/{case.number}"
    seen = desk.client.get(path).json()
    assert seen["place_guessed"] is True and seen["community"]["code"] == "140213050001"
    send = {"content_type": "application/json", "headers": {"if-match": "*"}}
    bad = desk.client.post(f"{path}/actions/locate", {"data": {"place": "140213"}}, **send)
    assert bad.status_code == 422 and set(bad.json()["errors"]) == {"place"}
    good = desk.client.post(f"{path}/actions/locate", {"data": {"place": "140213051001"}}, **send).json()
    assert good["case"]["place_guessed"] is False and good["case"]["street"]["code"] == "140213051"
    field = next(t for t in client.get("/api/v1/lifecycle").json()["transitions"] if t["action"] == "locate")["fields"][
        1
    ]
    assert field["kind"] == "place" and field["takes"]["type"] == ["string", "integer"]


def test_staff_write_an_address_with_the_districts_names_at_hand(town):
    desk = Desk(town, "hotline")
    page = desk.open("/work/report/")
    assert 'list="place-names"' in page and '<option value="永泰街道社区002">' in page
    sent = {"channel": "hotline", "text": "有垃圾", "address": "永泰街道社区002", "key": key()}
    response = desk.post("/work/report/", **sent)
    assert response.status_code == 302, errors(response)
    assert place(Case.objects.get()) == ("永泰街道", "社区002", True)


def test_split_and_the_public_page_keep_to_it(town, client):
    case = town.report(**NOWHERE, address="永泰街道")
    other = town.report(**NOWHERE, address="永泰街道", join=case.pk)
    split = town.act("split", case, "intake", report=other.reports.last().pk, reason="另一件").result
    assert place(split) == ("永泰街道", None, True)
    town.act("locate", split, "intake", place=town.communities[0].pk)
    town.act("publish", split, "intake", published=True, public_text="垃圾")
    page = client.get(f"/cases/{split.number}/").content.decode()
    assert "核对了地点" in page and "社区001" in page


def test_reading_words_costs_one_query_and_then_none(town):
    town.report()
    counts = []
    for address in ("永泰街道", "古城街道"):
        with CaptureQueriesContext(connection) as found:
            town.report(**NOWHERE, address=address)
        counts.append(len([q for q in found if 'FROM "places_place"' in q["sql"]]))
    assert counts == [1, 0]
