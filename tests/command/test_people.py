"""Accounts over their whole life: made, invited, given posts, changed, disabled; and who may do that."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from shaodao.foundation.errors import Refused
from shaodao.foundation.models import LogEntry
from shaodao.organisations import actions
from shaodao.organisations.models import Person, Post

pytestmark = pytest.mark.usefixtures("monday")
NEW = {"username": "zhang.san", "name": "张三", "role": "department", "organisation": "WATER"}
PASSWORD = "correct horse battery 9"


def text(answer) -> str:
    return answer.content.decode()


def link_on(answer) -> str:
    return re.search(r"/welcome/[^<\s]+", text(answer)).group()


@pytest.fixture
def admin(visitor):
    return visitor("admin")


def test_only_an_administrator_changes_accounts(town, visitor):
    row = town.person("street")
    post = row.posts.get()
    addresses = [
        ("get", reverse("command_person_new")),
        ("post", reverse("command_person_new")),
        ("get", reverse("command_person", args=[row.pk])),
        ("post", reverse("command_person", args=[row.pk])),
        ("post", reverse("command_post", args=[row.pk])),
        ("post", reverse("command_post_end", args=[row.pk, post.pk])),
        ("post", reverse("command_person_invite", args=[row.pk])),
        ("post", reverse("command_person_factor", args=[row.pk])),
    ]
    for role in ("headquarters", "duty_leader", "street_leader"):
        for method, url in addresses:
            assert getattr(visitor(role), method)(url, NEW).status_code == 403, (role, url)
    assert "新建账号" not in text(visitor("headquarters").get(reverse("command_people")))
    assert Client().get(reverse("command_person_new")).status_code == 302
    post.refresh_from_db()
    assert post.active and not Person.objects.filter(username="zhang.san").exists()


def test_an_account_from_its_making_to_its_first_sign_in(town, admin):
    assert "新建账号" in text(admin.get(reverse("command_people")))
    made = admin.post(reverse("command_person_new"), NEW)
    assert made.status_code == 200 and "no-store" in made["Cache-Control"]
    row = Person.objects.get(username="zhang.san")
    assert not row.has_usable_password()
    assert [(p.role, p.organisation.code, p.active) for p in row.posts.all()] == [("department", "WATER", True)]

    newcomer, link = Client(), link_on(made)
    page = newcomer.get(link, follow=True)
    form = page.redirect_chain[-1][0]
    assert "zhang.san" in text(page)
    weak = newcomer.post(form, {"new_password1": "123", "new_password2": "123"})
    assert weak.status_code == 200 and weak.context["form"].errors
    done = newcomer.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD}, follow=True)
    assert "密码已设好" in text(done)
    signed_in = newcomer.post(reverse("login"), {"username": "zhang.san", "password": PASSWORD})
    assert signed_in.status_code == 302
    assert "链接已失效" in text(Client().get(link, follow=True))
    about = LogEntry.objects.filter(subject=f"person:{row.pk}").values_list("action", "actor__username")
    assert list(about.order_by("pk")) == [
        ("person.create", "admin-HQ"),
        ("post.give", "admin-HQ"),
        ("person.invite", "admin-HQ"),
        ("person.password", "zhang.san"),
        ("session.login", "zhang.san"),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "张 三"}, "username"),
        ({"username": "admin-HQ"}, "username"),
        ({"name": ""}, "name"),
        ({"name": "长" * 61}, "name"),
        ({"role": "king"}, "role"),
        ({"role": "street"}, "role"),  # the water company is no street
        ({"organisation": "NOWHERE"}, "organisation"),
        ({"organisation": ""}, "organisation"),
    ],
)
def test_a_faulty_account_is_not_made_and_the_form_keeps_what_was_right(town, admin, change, field):
    before = Person.objects.count()
    answer = admin.post(reverse("command_person_new"), NEW | change)
    assert answer.status_code == 422 and list(answer.context["form"].errors) == [field]
    assert Person.objects.count() == before and not LogEntry.objects.filter(action="person.create").exists()
    if field != "name":
        assert "张三" in text(answer)


def test_a_new_link_ends_the_password_and_the_sessions(town, admin):
    row = town.person("department")
    row.set_password(PASSWORD)
    row.save()
    theirs, given = Client(), {"username": row.username, "password": PASSWORD}
    assert theirs.post(reverse("login"), given).status_code == 302
    assert theirs.get(reverse("work")).status_code == 200
    answer = admin.post(reverse("command_person_invite", args=[row.pk]))
    assert link_on(answer)
    assert theirs.get(reverse("work")).status_code == 302
    assert Client().post(reverse("login"), given).status_code == 200


def test_posts_are_given_ended_and_given_again(town, admin):
    row = town.person("department")
    page = reverse("command_person", args=[row.pk])
    wrong = admin.post(reverse("command_post", args=[row.pk]), {"role": "street_leader", "organisation": "WATER"})
    assert wrong.status_code == 422 and "街道办事处" in text(wrong)
    admin.post(reverse("command_post", args=[row.pk]), {"role": "street", "organisation": town.office.code})
    held = row.posts.get(role="street")
    assert held.active and "岗位已授予" in text(admin.get(page))
    admin.post(reverse("command_post_end", args=[row.pk, held.pk]))
    held.refresh_from_db()
    assert not held.active and "恢复这个岗位" in text(admin.get(page))
    admin.post(reverse("command_post_end", args=[row.pk, held.pk]))
    held.refresh_from_db()
    assert held.active and held.history.count() == 3
    assert admin.post(reverse("command_post_end", args=[row.pk + 1, held.pk])).status_code == 404


def test_name_and_whether_one_may_sign_in(town, admin):
    row = town.person("department")
    url = reverse("command_person", args=[row.pk])
    assert admin.post(url, {"name": "李四", "name_en": "Li Si"}, follow=True).status_code == 200
    row.refresh_from_db()
    assert (row.name, row.name_en, row.is_active) == ("李四", "Li Si", False)
    assert LogEntry.objects.get(action="person.change").data["is_active"] == [True, False]
    assert "已停用" in text(admin.get(reverse("command_people") + "?active=0"))
    assert row.username not in text(admin.get(reverse("command_people") + "?active=1"))
    refused = admin.post(reverse("command_person_invite", args=[row.pk]), follow=True)
    assert "账号已停用" in text(refused) and not LogEntry.objects.filter(action="person.invite").exists()
    assert admin.post(url, {"name": "", "active": "on"}).status_code == 422


def test_the_last_administrator_stays(town, admin):
    row = town.person("admin")
    post = row.posts.get()
    answer = admin.post(reverse("command_post_end", args=[row.pk, post.pk]), follow=True)
    assert "最后一位系统管理员" in text(answer)
    answer = admin.post(reverse("command_person", args=[row.pk]), {"name": "我"})
    assert answer.status_code == 422 and "最后一位系统管理员" in text(answer)
    post.refresh_from_db()
    row.refresh_from_db()
    assert post.active and row.is_active
    with pytest.raises(Refused):
        actions.set_post(row, "admin", "HQ", active=False)
    second = town.person("admin", username="second")
    actions.set_post(row, "admin", "HQ", active=False, by=second)
    assert not Post.objects.get(pk=post.pk).active


def test_the_number_of_queries_does_not_grow_with_accounts(town, admin, django_assert_max_num_queries):
    for i in range(30):
        town.person("department", town.water, username=f"w{i}")
    with django_assert_max_num_queries(12):
        assert "w29" in text(admin.get(reverse("command_people")))


def test_a_lost_second_factor_is_cleared_with_a_reason(town, admin):
    row = town.person("department")
    url = reverse("command_person_factor", args=[row.pk])
    assert "请写明理由" in text(admin.post(url, {"reason": " "}, follow=True))
    assert not LogEntry.objects.filter(action__contains="factor").exists()
    assert "已清除 0 个" in text(admin.post(url, {"reason": "当面核对了身份证"}, follow=True))
