"""In English no Chinese is left on the headquarters' pages, but for what people and packs wrote; the life cycle's page is current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.urls import reverse

from tests.command.test_pages import OFFICE_ONLY, PAGES

ROOT = Path(__file__).resolve().parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff、，。：]+")
TAGS = re.compile(r"<script.*?</script>|<style.*?</style>|<textarea.*?</textarea>|<[^>]+>", re.DOTALL)


def words_of_data() -> set[str]:
    """Chinese that is data: names without an English one, and free text of cases."""
    from shaodao.cases.models import Appeal, CaseEvent, Circular, Dispute, Evaluation, TimeRequest, Whistle
    from shaodao.catalogue.models import Category
    from shaodao.foundation.models import CalendarDay
    from shaodao.organisations.models import Organisation, Person
    from shaodao.places.models import Place

    texts: set[str] = set()
    for model, field in [
        (Category, "name"), (Organisation, "name"), (Person, "name"), (Place, "name"), (CalendarDay, "name"),
        (CaseEvent, "reason"), (Dispute, "reason"), (Dispute, "ruling"), (Evaluation, "reason"), (Appeal, "reason"), (Appeal, "first_opinion"),
        (TimeRequest, "reason"), (Whistle, "reason"), (Circular, "title"), (Circular, "text"),
    ]:  # fmt: skip
        texts |= set(model.objects.values_list(field, flat=True))
    return {found for text in texts for found in CHINESE.findall(text)}


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*PAGES, *OFFICE_ONLY, "command_log", "command_circular_new"])
def test_no_chinese_is_left_in_english(busy, visitor, name):
    client = visitor("admin" if name == "command_log" else "headquarters")
    page = client.get(reverse(name), headers={"accept-language": "en"}).content.decode()
    data = words_of_data() | {"哨到", "简体中文"}
    shown = set(CHINESE.findall(TAGS.sub(" ", page)))
    assert shown - data == set()


@pytest.mark.nodb
def test_the_page_of_the_life_cycle_is_what_its_table_says():
    done = subprocess.run(
        [sys.executable, "tools/lifecycle_doc.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
