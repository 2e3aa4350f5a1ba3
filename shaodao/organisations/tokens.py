"""Keys for machines: issued once in plain, kept only as SHA-256, limited to scopes, revocable."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from shaodao.foundation import log
from shaodao.foundation.errors import Invalid
from shaodao.foundation.prepared import Prepared
from shaodao.organisations.models import ApiToken, Person

SCOPES = ("read", "report", "act", "bikes", "tracks")
PREFIX = "sd_"
COARSE = timedelta(minutes=10)  # how exactly `last_used_at` is kept: no write on every request
LIVE = Prepared(lambda digest: ApiToken.objects.select_related("person").filter(digest=digest, revoked_at=None))


def digest_of(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def issue(
    person: Person,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    *,
    expires_at: datetime | None = None,
    by: Person | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its plain text, which is shown this once. Raises Invalid on name, scopes or expires_at.

    It acts as `person`; `by` is who had it made, the person themselves unless given.
    """
    wanted, name = list(dict.fromkeys(scopes)), name.strip()
    errors = {}
    if not name or len(name) > 100:
        errors["name"] = _("请写名称，最多 100 字")
    if not wanted or set(wanted) - set(SCOPES):
        errors["scopes"] = _("权限应为 %(scopes)s 中的一项或几项") % {"scopes": ", ".join(SCOPES)}
    if expires_at is not None and expires_at <= now:
        errors["expires_at"] = _("应晚于现在")
    if errors:
        raise Invalid(errors)
    plain = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        person=person, name=name, digest=digest_of(plain), scopes=wanted, created_at=now, expires_at=expires_at
    )
    log.write("token.issue", f"token:{row.pk}", now=now, actor=by or person, data={"name": name, "scopes": wanted})
    return row, plain


def find(plain: str, now: datetime) -> ApiToken | None:
    """The live token behind its plain text (one query), None when unknown, expired, revoked or its person inactive."""
    token = LIVE.first(digest_of(plain))
    if token is None or not token.person.is_active or (token.expires_at and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at > COARSE:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(token: ApiToken, by: Person | None, now: datetime) -> None:
    """The token ends now (`by` None: by the clock); doing it twice changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        log.write("token.revoke", f"token:{token.pk}", now=now, actor=by, data={"name": token.name})
