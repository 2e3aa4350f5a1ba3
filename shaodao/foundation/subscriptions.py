"""Who listens to the outbox: webhooks made, changed, stopped and tried; each change is a line of the general log."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.foundation import delivery, hooks, log, outbox
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import Delivery, Webhook

TEST_TOPIC = "webhook.test"


def check(name: str, url: str, topics: Sequence[str]) -> None:
    """Raises Invalid with what is wrong with a subscription's name, address or topics."""
    errors: dict[str, Any] = {}
    if not name or len(name) > 100:
        errors["name"] = _("请写名称，最多 100 字")
    try:
        host = hooks.check_url(url)
        if len(url) > 500:
            errors["url"] = _("网址最多 500 字")
        elif not hooks.private_allowed() and _is_inside(host):
            errors["url"] = _("不能是内部地址")
    except ValueError as error:
        errors["url"] = str(error)
    if not topics or any(len(t) > 60 or not t.replace(".", "").replace("_", "").isalnum() for t in topics):
        errors["topics"] = _("至少写一个主题，例如 case. 或 case.close")
    if errors:
        raise Invalid(errors)


def _is_inside(host: str) -> bool:
    """Is the host written as an address that is not public? Names are judged when something is sent."""
    try:
        return not hooks.is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


@transaction.atomic
def subscribe(name: str, url: str, topics: Sequence[str], by: Any, now: datetime) -> Webhook:
    """A new subscription with a secret of its own. Raises Invalid."""
    check(name, url, topics)
    row = Webhook.objects.create(
        name=name, url=url, topics=list(topics), secret=secrets.token_urlsafe(32), created_at=now
    )
    log.write("webhook.create", f"webhook:{row.pk}", now=now, actor=by, data={"name": name, "url": url})
    return row


@transaction.atomic
def change(row: Webhook, name: str, url: str, topics: Sequence[str], active: bool, by: Any, now: datetime) -> None:
    """Change a subscription; what waits for it goes to the new address. Raises Invalid."""
    check(name, url, topics)
    row.name, row.url, row.topics, row.active = name, url, list(topics), active
    row.save()
    log.write("webhook.change", f"webhook:{row.pk}", now=now, actor=by, data={"name": name, "url": url, "on": active})


@transaction.atomic
def new_secret(row: Webhook, by: Any, now: datetime) -> str:
    """Replace the secret; answers the new one."""
    row.secret = secrets.token_urlsafe(32)
    row.save(update_fields=["secret"])
    log.write("webhook.secret", f"webhook:{row.pk}", now=now, actor=by, data={"name": row.name})
    return row.secret


@transaction.atomic
def remove(row: Webhook, by: Any, now: datetime) -> bool:
    """Delete a subscription that was never used; one with deliveries is stopped instead. True: deleted."""
    log.write("webhook.remove", f"webhook:{row.pk}", now=now, actor=by, data={"name": row.name, "url": row.url})
    if row.deliveries.exists():
        row.active = False
        row.save(update_fields=["active"])
        return False
    row.delete()
    return True


@transaction.atomic
def try_out(row: Webhook, by: Any, now: datetime) -> Delivery:
    """Queue a test message for one subscription."""
    message = outbox.publish(TEST_TOPIC, row.name[:60], {"webhook": row.pk}, now)
    message.deliveries.all().delete()  # whoever listens to everything need not hear of somebody else's test
    return Delivery.objects.create(
        message=message, channel=Delivery.Channel.WEBHOOK, webhook=row, recipient=row.url, subject=TEST_TOPIC,
        next_attempt_at=now,
    )  # fmt: skip


@transaction.atomic
def resend(row: Delivery, by: Any, now: datetime) -> None:
    """Send a delivery again, from its first attempt on."""
    delivery.resend(row, now)
    log.write("delivery.resend", f"delivery:{row.pk}", now=now, actor=by, data={"channel": row.channel})
