"""The outbox: what the world should hear of is written in the transaction that made it true, and sent afterwards."""

from datetime import datetime
from typing import Any

from shaodao.foundation.models import Delivery, OutboxMessage, Webhook


def publish(topic: str, subject: str, payload: dict[str, Any], now: datetime) -> OutboxMessage:
    """Record a message and one waiting delivery for each active webhook whose topics it matches (by prefix)."""
    message = OutboxMessage.objects.create(topic=topic, subject=subject, payload=payload, created_at=now)
    hooks = [hook for hook in Webhook.objects.filter(active=True) if any(topic.startswith(str(t)) for t in hook.topics)]
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


def post(message: OutboxMessage, channel: str, recipient: str, subject: str, body: str, now: datetime) -> Delivery:
    """Queue one message to one person through e-mail, SMS or WeCom."""
    return Delivery.objects.create(
        message=message, channel=channel, recipient=recipient, subject=subject, body=body, next_attempt_at=now
    )
