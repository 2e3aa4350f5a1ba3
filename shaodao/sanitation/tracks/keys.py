"""Tokens of boxes: issued once in plain, kept only as SHA-256. A box speaks with it for itself only."""

import secrets

from django.db import transaction

from shaodao.book import actions
from shaodao.cases.actions import Actor
from shaodao.foundation import log
from shaodao.organisations.tokens import digest_of
from shaodao.sanitation.kinds import BOX
from shaodao.sanitation.models import Box

PREFIX = "sb_"


def issue(box: Box, actor: Actor, reason: str = "") -> str:
    """The plain text of a new token; the one before ends. Raises Refused, Invalid (reason)."""
    plain = PREFIX + secrets.token_urlsafe(32)
    _set(box, digest_of(plain), "issue", actor, reason)
    return plain


def revoke(box: Box, actor: Actor, reason: str = "") -> None:
    """The box's token ends now. Raises Refused, Invalid (reason)."""
    _set(box, "", "revoke", actor, reason)


@transaction.atomic
def _set(box: Box, digest: str, what: str, actor: Actor, reason: str) -> None:
    reason = actions.check(BOX, actor, reason)
    Box.objects.filter(pk=box.pk).update(token_digest=digest)
    log.write(f"sanitation.box.token.{what}", box.subject, actor=actor.person, reason=reason)


def find(plain: str) -> Box | None:
    """The box in use behind a token (one query)."""
    if not plain.startswith(PREFIX):
        return None
    return Box.objects.filter(token_digest=digest_of(plain), active=True).first()
