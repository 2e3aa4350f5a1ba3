"""Real letters in, figures out, the chain whole: over the citizens' letters beside the repository, where they are."""

import csv
import io
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from django.urls import reverse

from shaodao.cases import history, letters, tasks
from shaodao.cases.models import Case, CaseEvent, Report
from shaodao.foundation import pack
from shaodao.foundation.models import CalendarDay
from shaodao.sanitation.models import BookEvent

ROOT = Path(__file__).resolve().parents[1]
LETTERS = ROOT.parent / "shared" / "data" / "letters"
KINDS = ("answered", "open", "labelled_raw")

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.skipif(not (LETTERS / "answered.csv").exists(), reason=f"no letters at {LETTERS}"),
]


@pytest.fixture
def first_rows(tmp_path):
    """The first rows of a file of letters, as a file of its own."""

    def cut(kind: str, n: int) -> Path:
        with (LETTERS / f"{kind}.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row, _i in zip(csv.reader(file), range(n + 1), strict=False)]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        (tmp_path / f"{kind}.csv").write_text(text.getvalue(), encoding="utf-8")
        return tmp_path / f"{kind}.csv"

    return cut


@pytest.fixture
def pingcheng(db):
    pack.load_pack(ROOT / "districts" / "pingcheng", demo=False)


def test_real_letters_come_in_count_and_verify(pingcheng, first_rows, client):
    result = letters.import_letters(first_rows("answered", 60))
    assert (result["read"], result["imported"], result["rejected"]) == (60, 60, 0)
    assert 0 < result["within_15_work_days"] < result["within_30_work_days"] <= 60
    summary = letters.letters_summary()
    assert (summary["letters"], summary["answered"], summary["open"]) == (60, 60, 0)
    assert summary["within_15"] == result["within_15_work_days"]
    assert sum(y["within_30"] for y in summary["years"]) == result["within_30_work_days"]
    assert set(Case.objects.values_list("state", "outcome")) == {("closed", "answered")}
    assert Case.objects.earliest("created_at").created_at.year < 2020
    assert letters.import_letters(first_rows("answered", 60))["imported"] == 0
    for kind in KINDS[1:]:
        result = letters.import_letters(first_rows(kind, 60))
        assert result["imported"] == 60 - result["rejected"] >= 59
    assert set(Report.objects.values_list("category__code", flat=True)) > {"other"}
    book = BookEvent.objects.values("subject").distinct().count()
    counts = {"cases": Case.objects.count(), "operators": 0, "sanitation": book}
    events = CaseEvent.objects.count() + BookEvent.objects.count()
    assert history.verify() == {**counts, "events": events, "broken": []}
    assert client.get(reverse("public_cases")).status_code == 200  # nothing of them is public unlooked at
    assert tasks.tick(train=False, send=False)["failed"] == 0


def test_holidays_of_the_years_count(pingcheng, first_rows):
    """Without holidays and make-up days the same letters look slower or faster: the calendar is really used."""
    from shaodao.foundation import calendar

    spans = []
    with (LETTERS / "answered.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            letter = letters.understand(row, "answered")
            spans.append((letter.sent_at, letter.replied_at))
    true = letters.within(spans)
    CalendarDay.objects.all().delete()
    calendar.forget()
    assert len(spans) == 1408 and letters.within(spans) != true


def test_the_command_ends_with_one_line_for_machines(pingcheng, first_rows):
    from shaodao.cli import main

    done = CliRunner().invoke(main, ["import", "letters", str(first_rows("answered", 5)), "--json"])
    assert done.exit_code == 0, done.output
    assert orjson.loads(done.stdout.strip().splitlines()[-1]).keys() == {
        "read", "imported", "rejected", "within_15_work_days", "within_30_work_days",
    }  # fmt: skip
