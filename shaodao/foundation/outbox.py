"""The outbox: what the world should hear of is written in the transaction that made it true, and sent afterwards."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from shaodao.foundation import prepared
from shaodao.foundation.models import Delivery, OutboxMessage, Webhook

HOOKS = prepared.Prepared(lambda: Webhook.objects.filter(active=True).order_by("pk"))
WAKE = "shaodao_outbox"  # PostgreSQL's channel that wakes the event stream


def publish(topic: str, subject: str, payload: dict[str, Any], now: datetime) -> OutboxMessage:
    """Record a message and one waiting delivery for each active webhook whose topics it matches (by prefix)."""
    message = OutboxMessage(topic=topic, subject=subject, payload=payload, created_at=now)
    prepared.insert(message)
    if connection.vendor == "postgresql":
        transaction.on_commit(wake)
    hooks = [hook for hook in HOOKS.all() if any(topic.startswith(str(t)) for t in hook.topics)]
    if hooks:
        Delivery.objects.bulk_create(
            Delivery(
                message=message,
                channel=Delivery.Channel.WEBHOOK,
                webhook=hook,
                recipient=hook.url,
                subject=topic,
                next_attempt_at=now,
            )
            for hook in hooks
        )
    return message


def wake() -> None:
    """Tell the event stream that there is something; after the commit, so that no transaction waits for another."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {WAKE}")


def post(message: OutboxMessage, channel: str, recipient: str, subject: str, body: str, now: datetime) -> Delivery:
    """Queue one message to one person through e-mail, SMS or WeCom."""
    return Delivery.objects.create(
        message=message, channel=channel, recipient=recipient, subject=subject, body=body, next_attempt_at=now
    )
