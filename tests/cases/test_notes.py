"""Two choices for a progress note: tell the reporter, show it on the public page; the second only after a look."""

import re

import pytest

from shaodao.cases import history
from shaodao.cases.models import Note
from shaodao.foundation.models import Delivery
from tests.cases.desk import Desk

pytestmark = pytest.mark.usefixtures("monday")
TEXT = "联系王先生 13812345678，明天清"


def test_four_ways_of_a_note(town, client):
    """What is told goes to the reporter, what is public to the page; whoever reported sees both, the rest stays in."""
    case = town.handling(email="wang@example.com")
    town.act("publish", case, "intake", published=True, public_text="垃圾")
    Delivery.objects.all().delete()
    for told in (True, False):
        for public in (True, False):
            town.act("note", case, "department", text=f"told {told} public {public}", told=told, public=public)
    queued = " ".join(Delivery.objects.exclude(channel="webhook").values_list("body", flat=True))
    page = client.get(f"/cases/{case.number}/").content.decode()
    sent = {"number": case.number, "code": case.reports.get().follow_code}
    own = client.post("/follow/", sent, follow=True).content.decode()
    for told in (True, False):
        for public in (True, False):
            text = f"told {told} public {public}"
            assert (text in queued, text in page, text in own) == (told, public, told or public), text
    assert history.verify()["broken"] == []


def test_a_public_note_is_looked_at_before_it_is_written(town):
    case = town.handling()
    desk = Desk(town, "department")
    first = desk.send("note", case, text=TEXT, public="1", told="1")
    page = first.content.decode()
    assert first.status_code == 200 and not Note.objects.exists()
    assert "公众将会读到" in page and "王先生 138****5678" in page and "号码已自动遮盖" in page and "还没有公开" in page
    seal = re.search(r'name="previewed" value="([0-9a-f]+)"', page).group(1)
    other = desk.send("note", case, text="换了一段文字", public="1", previewed=seal)
    assert (
        other.status_code == 200 and "换了一段文字</blockquote>" in other.content.decode() and not Note.objects.exists()
    )
    desk.do("note", case, text=TEXT, public="1", told="1", previewed=seal)
    note = Note.objects.get()
    assert (note.text, note.told, note.public) == (TEXT, True, True)
    desk.do("note", case, text="只记一笔")
    desk.do("note", case, text="只告诉上报人", told="1")
    page = desk.case(case)
    assert page.count("已告知上报人") == 2 and page.count("案件公开后可见") == 1


def test_who_publishes_sees_the_notes_that_come_out_with_it(town):
    case = town.handling()
    town.act("note", case, "department", text=TEXT, public=True)
    town.act("note", case, "department", text="内部话", told=True)
    page = Desk(town, "duty_leader").open(f"/work/cases/{case.number}/do/publish/")
    assert "王先生 138****5678" in page and "内部话" not in page


def test_the_interface_takes_and_gives_both(town, client):
    case = town.handling()
    desk = Desk(town, "department")
    sent = {"data": {"text": "x", "told": True}}
    headers = {"if-match": f'"{case.version}"'}
    path = f"/api/v1/cases/{case.number}"
    answer = desk.client.post(f"{path}/actions/note", sent, content_type="application/json", headers=headers)
    assert answer.status_code == 200 and answer.json()["event"]["data"] | {"note": 0} == {
        "note": 0,
        "told": True,
        "public": False,
    }
    note = desk.client.get(path).json()["notes"][0]
    assert note["told"] is True and note["public"] is False
