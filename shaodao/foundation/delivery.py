"""Sending what the outbox holds: webhooks, e-mail, SMS, WeCom; at least once, with growing pauses, visible throughout.

A worker claims rows by moving `next_attempt_at` a lease ahead in one short transaction, sends outside of it, and
writes the outcome. A worker that dies leaves rows which the next one takes up when the lease is over. A receiver drops
the double that this may make by the delivery id, which stays the same over all attempts.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.utils.translation import gettext as _

from shaodao.foundation import adapters, clock, hooks
from shaodao.foundation.models import Delivery

log = logging.getLogger("shaodao.delivery")
LEASE = timedelta(minutes=5)
BATCH = 10  # few enough that a lease outlasts every timeout
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)
ATTEMPTS = 10  # about a day and a half in all
ERROR_LENGTH = 500

Resolver = Callable[[str], str]
_books: dict[str, Resolver] = {}


class Gone(Exception):
    """Never to be tried again: the reason."""


def address_book(prefix: str, resolver: Resolver) -> None:
    """A room that keeps addresses to itself: a recipient `prefix:key` is looked up only when it is sent.

    `resolver(key)` answers the address, or "" when it is not there any more. So the outbox holds no personal data.
    """
    _books[prefix] = resolver


def pause(attempts: int) -> timedelta:
    """How long to wait after that many attempts: 30 s, doubled each time, at most six hours."""
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)


def deliver_due(now: datetime | None = None, limit: int = 200) -> int:
    """Send what is due, at most `limit` rows; answers how many arrived."""
    now, arrived, taken = now or clock.now(), 0, 0
    while taken < limit and (rows := claim(now, min(BATCH, limit - taken))):
        taken += len(rows)
        arrived += sum(attempt(row, now) for row in rows)
    return arrived


def claim(now: datetime, limit: int) -> list[Delivery]:
    """Take due rows for this worker; rows that another worker holds are left to it."""
    with transaction.atomic():
        rows = Delivery.objects.filter(state=Delivery.State.WAITING, next_attempt_at__lte=now).order_by("id")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        found = list(rows[:limit])
        for row in found:
            row.attempts += 1
            row.next_attempt_at = now + LEASE
        Delivery.objects.bulk_update(found, ["attempts", "next_attempt_at"])
    ids = [row.pk for row in found]
    return list(Delivery.objects.filter(pk__in=ids).select_related("message", "webhook").order_by("id"))


def attempt(row: Delivery, now: datetime) -> bool:
    """Send one claimed row and write what came of it. True: it arrived."""
    try:
        send(row, now)
    except Gone as reason:
        row.state, row.last_error = Delivery.State.FAILED, str(reason)[:ERROR_LENGTH]
    except Exception as error:
        row.last_error = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
        log.warning("delivery %s, attempt %s: %s", row.pk, row.attempts, row.last_error)
        if row.attempts >= ATTEMPTS:
            row.state = Delivery.State.FAILED
        else:
            row.next_attempt_at = now + pause(row.attempts)
    else:
        row.state, row.sent_at, row.last_error = Delivery.State.SENT, now, ""
    row.save(update_fields=["state", "sent_at", "last_error", "next_attempt_at"])
    return row.state == Delivery.State.SENT


def send(row: Delivery, now: datetime) -> None:
    """One attempt. Raises Gone for what cannot arrive any more, anything else to be tried again."""
    if row.channel == Delivery.Channel.WEBHOOK:
        if row.webhook is None or not row.webhook.active:
            raise Gone(_("订阅已停用"))
        hooks.post(row.webhook, row, now)
        return
    recipient = resolve(row.recipient)
    if not recipient:
        raise Gone(_("收件人已不在（例如已按保存期限删除）"))
    if row.channel == Delivery.Channel.EMAIL:
        _email(row, recipient)
    else:
        adapters.adapter(row.channel)(row.channel, recipient, row.subject, row.body, f"{row.pk:08d}")


def resolve(recipient: str) -> str:
    """The address behind a recipient: itself, or what the address book of its prefix answers."""
    prefix, colon, key = recipient.partition(":")
    return _books[prefix](key) if colon and prefix in _books else recipient


def _email(row: Delivery, recipient: str) -> None:
    """The Message-ID is the delivery's, so that a mail system that gets it twice can tell."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    headers = {"Message-ID": f"<shaodao-{row.pk}@{domain}>", "Auto-Submitted": "auto-generated"}
    EmailMessage(row.subject, row.body, to=[recipient], headers=headers).send()


def resend(row: Delivery, now: datetime) -> None:
    """Try again from the start, now: for a failed row, and for one that arrived but is asked for once more."""
    row.state, row.attempts, row.next_attempt_at = Delivery.State.WAITING, 0, now
    row.last_error, row.sent_at = "", None
    row.save(update_fields=["state", "attempts", "next_attempt_at", "last_error", "sent_at"])
