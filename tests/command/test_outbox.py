"""The outbox's pages: what is seen, who may see it, and what the buttons do."""

import pytest
from django.test import Client
from django.urls import reverse

from shaodao.foundation import clock, delivery, outbox
from shaodao.foundation.models import Delivery, LogEntry, OutboxMessage, Webhook

pytestmark = pytest.mark.usefixtures("monday")
GOOD = {"name": "市平台", "url": "https://city.example/hook", "topics": "case. case.close", "active": "on"}


@pytest.fixture
def browser(town):
    def sign_in(role: str) -> Client:
        client = Client()
        client.force_login(town.person(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


def text(answer) -> str:
    return answer.content.decode()


def test_only_the_keepers(town, browser):
    for role, code in (("headquarters", 200), ("admin", 200), ("street", 403), ("dispatcher", 403)):
        assert browser(role).get(reverse("command_outbox")).status_code == code
        assert browser(role).get(reverse("command_webhooks")).status_code == code
    assert Client().get(reverse("command_outbox")).status_code == 302
    assert browser("street").post(reverse("command_webhook_new"), GOOD).status_code == 403


def test_what_is_seen_and_what_is_not(town, browser):
    case = town.report(name="王小明", phone="13812345678")
    town.act("file", case, "duty_leader")
    page = text(browser("headquarters").get(reverse("command_outbox")))
    assert case.number in page and "待发送" in page and "短信" in page
    row = Delivery.objects.get()
    assert "13812345678" not in page and row.body not in page and row.recipient not in page
    assert case.number not in text(browser("headquarters").get(reverse("command_outbox") + "?state=failed"))
    assert case.number not in text(browser("headquarters").get(reverse("command_outbox") + "?channel=email"))
    assert browser("headquarters").get(reverse("command_outbox") + "?state=lost&page=x").status_code == 200


def test_a_failed_one_shows_why_and_is_sent_again(town, browser):
    message = outbox.publish("case.file", "x", {}, clock.now())
    row = outbox.post(message, "email", "nobody@example.com", "主题甲", "正文", clock.now())
    Delivery.objects.filter(pk=row.pk).update(state="failed", attempts=10, last_error="HTTP 500 坏了")
    office = browser("headquarters")
    page = text(office.get(reverse("command_outbox") + "?state=failed&q=主题甲"))
    assert "HTTP 500 坏了" in page and "重发" in page
    office.post(reverse("command_outbox_resend", args=[row.pk]))
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("waiting", 0)
    assert delivery.deliver_due(clock.now()) == 1
    assert LogEntry.objects.filter(action="delivery.resend", subject=f"delivery:{row.pk}").exists()
    assert office.get(reverse("command_outbox_resend", args=[row.pk])).status_code == 405
    assert office.post(reverse("command_outbox_resend", args=[99999])).status_code == 404


def test_a_subscription_from_beginning_to_end(town, browser):
    office = browser("headquarters")
    made = office.post(reverse("command_webhook_new"), GOOD)
    hook = Webhook.objects.get()
    assert hook.topics == ["case.", "case.close"] and hook.secret in text(made)
    assert "no-store" in made["Cache-Control"]
    assert hook.secret not in text(office.get(reverse("command_webhooks")))
    assert hook.secret not in text(office.get(reverse("command_webhook", args=[hook.pk])))
    office.post(reverse("command_webhook", args=[hook.pk]), GOOD | {"topics": "inbox.", "name": "省平台"})
    old = hook.secret
    hook.refresh_from_db()
    assert (hook.name, hook.topics, hook.active) == ("省平台", ["inbox."], True)
    changed = office.post(reverse("command_webhook_secret", args=[hook.pk]))
    hook.refresh_from_db()
    assert hook.secret != old and hook.secret in text(changed)
    office.post(reverse("command_webhook_try", args=[hook.pk]))
    assert Delivery.objects.get().webhook == hook and OutboxMessage.objects.get().topic == "webhook.test"
    office.post(reverse("command_webhook_remove", args=[hook.pk]))
    hook.refresh_from_db()
    assert hook.active is False  # it has deliveries, so it stays
    Delivery.objects.all().delete()
    office.post(reverse("command_webhook_remove", args=[hook.pk]))
    assert not Webhook.objects.exists()
    assert set(LogEntry.objects.values_list("action", flat=True)) == {
        "webhook.create", "webhook.change", "webhook.secret", "webhook.remove"}  # fmt: skip


def test_every_fault_of_a_subscription_is_named_at_once(town, browser):
    office = browser("admin")
    answer = office.post(reverse("command_webhook_new"), {"name": "", "url": "ftp://x.example/", "topics": "案件!"})
    assert answer.context["form"].errors.keys() == {"name", "url", "topics"}
    answer = office.post(reverse("command_webhook_new"), {"name": "", "url": "http://127.0.0.1/", "topics": ""})
    assert answer.context["form"].errors.keys() == {"name", "url", "topics"} and not Webhook.objects.exists()
    assert [len(found) for found in answer.context["form"].errors.values()] == [1, 1, 1]  # each fault said once


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://x.example/"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "http://localhost:8000/"}, "url"),
        ({"url": "http://user:pass@x.example/"}, "url"),
        ({"url": ""}, "url"),
        ({"name": ""}, "name"),
        ({"topics": ""}, "topics"),
        ({"topics": "案件!"}, "topics"),
    ],
)
def test_a_faulty_subscription_is_not_made(town, browser, change, field):
    answer = browser("admin").post(reverse("command_webhook_new"), GOOD | change)
    assert answer.status_code == 422 and answer.context["form"].errors.keys() == {field}
    assert not Webhook.objects.exists()
