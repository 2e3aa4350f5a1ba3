"""Letters come in whole or are named with a reason; their times and the working calendar are the true ones."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from shaodao.cases import history, letters
from shaodao.cases.models import Case, CaseEvent, Clock, Report
from shaodao.cases.topics import Topics
from shaodao.catalogue.models import Category, Scheme
from shaodao.foundation import calendar, clock
from shaodao.foundation.models import CalendarDay

HEADER = ["letter_id", "subject", "sent_at", "body", "reply", "replied_at"]
GOOD = ["7", "路灯不亮", "2019-04-25 09:32:09", "桥头的路灯坏了", "已修好，谢谢。", "2019-05-10 14:00:00"]


@pytest.fixture
def catalogue(town):
    scheme, common = Scheme.objects.get(), {"major_code": "99", "major_name": "其他"}
    Category.objects.create(scheme=scheme, kind="event", code="other", name="其他", **common)
    Category.objects.create(scheme=scheme, kind="component", code="0137", name="路灯", **common)
    return town


@pytest.fixture
def bring(tmp_path, catalogue):
    """Write rows (or bytes) to a file and import it."""

    def write(*rows, header=HEADER, content: bytes | None = None, encoding="utf-8"):
        file = tmp_path / "letters.csv"
        if content is None:
            text = io.StringIO()
            csv.writer(text).writerows([header, *rows])
            content = text.getvalue().encode(encoding)
        file.write_bytes(content)
        return letters.import_letters(file)

    return write


def reasons(result) -> list[str]:
    assert result["read"] == result["imported"] + result["rejected"]
    assert result["rejected"] == len(result["rejections"])
    return [r["reason"] for r in result["rejections"]]


def test_a_letter_is_a_report_when_sent_and_an_answer_when_replied(bring):
    result = bring(GOOD)
    assert {k: result[k] for k in ("read", "imported", "rejected")} == {"read": 1, "imported": 1, "rejected": 0}
    case, row = Case.objects.get(), Report.objects.get()
    assert (case.state, case.outcome, case.channel, case.watch_until) == ("closed", "answered", "letter", None)
    assert case.created_at == row.created_at == datetime(2019, 4, 25, 1, 32, 9, tzinfo=UTC)
    assert case.closed_at == datetime(2019, 5, 10, 6, 0, tzinfo=UTC)
    assert (row.topic, row.category.name, row.external_id) == ("路灯不亮", "路灯", "letter:answered:7")
    note = case.notes.get()
    assert (note.text, note.told, note.public, note.created_at) == ("已修好，谢谢。", True, False, case.closed_at)
    assert list(case.events.values_list("action", "at")) == [
        ("report", case.created_at), ("note", case.closed_at), ("answer", case.closed_at),
    ]  # fmt: skip
    assert not case.assignments.exists() and not case.verifications.exists()  # nothing is made up
    assert all(c.cancelled for c in Clock.objects.filter(case=case))  # no limit of the loop is judged
    assert history.verify()["broken"] == []


def test_an_open_letter_waits_with_its_votes_and_its_topic_kept(bring):
    header = ["down_votes", "body", "letter_id", "up_votes", "sent_at", "subject", "writer", "weather"]
    bring(["2", "为什么涨价", "8", "15", "2019/4/5 9:05", "关于气价", "A0001", "晴"], header=header)
    case, row = Case.objects.get(), Report.objects.get()
    assert (case.state, row.category.name, row.topic) == ("received", "其他", "关于气价")
    assert row.attributes == {"subject": "关于气价", "writer": "A0001", "up_votes": 15, "down_votes": 2}
    assert row.external_id == "letter:open:8"
    assert case.created_at == clock.from_local(datetime(2019, 4, 5, 9, 5))


def test_a_label_is_the_topic_and_a_subject_is_not_needed(bring):
    bring(["9", "2019-04-05", "小区没有绿化", "城乡建设"], header=["letter_id", "sent_at", "body", "label"])
    row = Report.objects.get()
    assert (row.topic, row.text, row.external_id) == ("城乡建设", "小区没有绿化", "letter:labelled:9")


def test_every_rejected_row_has_its_number_and_reason(bring):
    def row(**changed):
        return [changed.get(name, value) for name, value in zip(HEADER, GOOD, strict=True)]

    result = bring(
        GOOD,
        row(sent_at="昨天"),
        row(sent_at="2019-02-30 10:00:00"),
        row(letter_id=""),
        row(letter_id="2", body="  "),
        row(letter_id="3", replied_at="2019-04-25 09:32:08"),
        row(letter_id="4", replied_at=""),
        row(letter_id="5", reply=""),
        GOOD,
        row(letter_id="6", body="长" * 10_001),
        row(letter_id="10", sent_at="2999-01-01 00:00:00"),
        row(letter_id="11", sent_at="1999-01-01 00:00:00"),
        [*GOOD, "多一列"],
    )
    assert (result["read"], result["imported"]) == (13, 1)
    assert [r["row"] for r in result["rejections"]] == list(range(3, 15))
    for reason, expected in zip(
        reasons(result),
        ["不是日期时间：昨天", "没有这样的日期时间", "letter_id 是空的", "body 是空的", "早于来信时间", "replied_at",
         "没有答复内容", "与第 2 行重复", "最多 10000 字", "在将来", "早于工作日历", "列数多于表头"],
        strict=True,
    ):  # fmt: skip
        assert expected in reason
    assert Case.objects.count() == 1


def test_a_second_import_brings_nothing_and_says_so(bring):
    assert bring(GOOD)["imported"] == 1
    events = CaseEvent.objects.count()
    result = bring(GOOD)
    assert (result["read"], result["imported"], reasons(result)) == (1, 0, ["以前已经导入"])
    assert result["within_15_work_days"] == 0 and CaseEvent.objects.count() == events
    assert bring(GOOD[:4], header=HEADER[:4])["imported"] == 1  # the same number in a file of another kind


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_what_spreadsheets_write_is_read(bring, encoding):
    assert bring(GOOD, encoding=encoding)["imported"] == 1
    assert Report.objects.get().text == "路灯不亮\n桥头的路灯坏了"


def test_a_row_with_broken_bytes_is_rejected_alone(bring):
    text = "\n".join(",".join(r) for r in (HEADER, GOOD, ["12", *GOOD[1:]], ["13", *GOOD[1:]])).encode()
    first = text.index("桥头".encode())
    result = bring(content=text[:first] + b"\xe6\xff" + text[first + 3 :])
    assert (result["imported"], [r["row"] for r in result["rejections"]]) == (2, [2])
    assert "编码已损坏" in result["rejections"][0]["reason"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "空的"), (b"\n\n", "空的"), (b"a,b,c\n1,2,3\n", "缺少列 letter_id, sent_at, body"),
     (b"letter_id,body,body,sent_at\n", "列名重复"), ("留言编号,留言主题\n".encode("gb18030"), "sent_at")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(bring, content, said):
    with pytest.raises(letters.BadFile, match=said):
        bring(content=content)
    assert not Case.objects.exists()


def test_a_header_alone_is_an_empty_import(bring):
    assert bring()["read"] == 0


def test_original_column_names_and_quoted_lines_are_read(bring):
    result = bring(
        ["1", "主题", "2019年4月5日 9:05", '第一行\n第二行，带“引号”"', "好", "2019-04-09T09:05:00+08:00"],
        header=["留言编号", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间"],
    )
    assert result["imported"] == 1
    assert Report.objects.get().text == '主题\n第一行\n第二行，带“引号”"'
    assert Case.objects.get().closed_at == datetime(2019, 4, 9, 1, 5, tzinfo=UTC)


def test_long_replies_are_kept_whole(bring):
    bring([*GOOD[:4], "答" * 9_000, GOOD[5]])
    assert len(Case.objects.get().notes.get().text) == 9_000


def test_working_days_know_golden_week_and_make_up_days(bring):
    """Sent Thursday 26 Sep 2019 10:00; 1-7 Oct off, Sunday 29 Sep and Saturday 12 Oct worked: 15 days later is
    Tuesday 22 Oct 10:00 with all of them, 17 Oct without."""
    CalendarDay.objects.all().delete()
    CalendarDay.objects.bulk_create(CalendarDay(date=date(2019, 10, d), kind="holiday") for d in range(1, 8))
    CalendarDay.objects.bulk_create(
        CalendarDay(date=d, kind="workday") for d in (date(2019, 9, 29), date(2019, 10, 12))
    )
    calendar.forget()
    ends = ["2019-10-22 10:00:00", "2019-10-22 10:00:01", "2019-11-12 10:00:00", "2019-11-12 10:00:01"]
    result = bring(*([str(i), "s", "2019-09-26 10:00:00", "b", "r", end] for i, end in enumerate(ends)))
    assert (result["within_15_work_days"], result["within_30_work_days"]) == (1, 3)
    summary = letters.letters_summary()
    assert summary["years"] == [{"year": 2019, "answered": 4, "within_15": 1, "within_30": 3}]
    assert (summary["letters"], summary["answered"], summary["open"]) == (4, 4, 0)


def test_an_empty_database_has_an_empty_summary(db):
    assert letters.letters_summary()["letters"] == 0


def test_without_a_district_nothing_is_imported(db, tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("letter_id,sent_at,body\n")
    with pytest.raises(letters.BadFile, match="pack load"):
        letters.import_letters(file)


def test_a_subject_without_a_plain_phrase_is_other(catalogue):
    topics = Topics()
    assert topics.category("反映路灯不亮").key == "component-0137"
    assert topics.category("燃气乱收费").key == "event-other"
    assert topics.category("流动摊贩").key == "event-other"  # the test catalogue does not have it
