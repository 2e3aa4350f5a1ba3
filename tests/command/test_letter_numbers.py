"""The numbers of the letters' page are the lengths of the lists that they lead to."""

import pytest
from django.urls import reverse

from shaodao.cases import letters
from tests.command.test_numbers import Numbers, length

pytestmark = pytest.mark.django_db


def test_each_number_of_the_letters_is_the_length_of_its_list(monday, town, visitor, tmp_path):
    file = tmp_path / "letters.csv"
    days = {"1": "2021-03-02", "2": "2021-03-25", "3": "2021-05-20", "4": "2021-03-19"}  # sent on 1 March, 9:00
    rows = [f"{key},路灯不亮,2021-03-01 09:00:00,路灯不亮,已修,{day} 09:00:00" for key, day in days.items()]
    file.write_text("\n".join(["letter_id,subject,sent_at,body,reply,replied_at", *rows]), "utf-8")
    assert letters.import_letters(file)["imported"] == 4
    client = visitor("headquarters")
    page = client.get(reverse("command_letters"))
    numbers = {key: n for key, _label, n in page.context["tiles"]}
    assert numbers == {"answered": 4, "open": 0, "within_15": 2, "within_30": 3, "after_15": 1, "late": 1}
    for key, n, url in Numbers(page.content.decode()).found:
        assert length(client, url, reverse("command_letters")) == n, key
    for series in page.context["chart"]["series"]:
        for point in series["data"]:
            assert length(client, point["url"]) == point["value"]
