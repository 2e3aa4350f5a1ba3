"""How positions come in, as people decide it: a file at a time, or a feed that is fetched. Each is a line of the log."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.bikes import queries, rules
from shaodao.bikes.ingest.sources import bulk, files, gbfs
from shaodao.bikes.models import Operator, OperatorFeed
from shaodao.bikes.words import IN_FORCE
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, guarding, jobs, log
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Job
from shaodao.kernel.datum import DATUMS
from shaodao.organisations.account import sealing

AT_ONCE = 20_000
"""Rows of a file that are taken in while its sender waits: about a second."""
SHORTEST_S, LONGEST_S = 30, 3600  # between two fetches
LEASE = timedelta(minutes=5)
"""A process that fetches a feed keeps others off it for so long."""
FOUND_OUT = (
    "list_url", "etag", "last_modified", "fault", "version", "looks", "clock_hours", "updated_ms", "whole_ms",
    "last_at", "last_ok_at", "listed", "doubted", "failures", "stations_say", "stations_listed",
)  # fmt: skip
NOT_OURS = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "user-agent", "upgrade"}


def may_feed(operator: Operator, actor: Actor) -> None:
    """Raises Refused where the actor cannot hand in positions of this operator now."""
    reason, forbidden = rules.feeding_refusal(queries.load(operator, clock.now()).facts, actor.facts)
    if reason is not None:
        raise Refused(reason, forbidden=forbidden)


def take_file(
    operator: Operator, path: Path, datum: str, actor: Actor, *, name: str = "", progress: files.Move | None = None
) -> files.Filed:  # fmt: skip
    """Take in the positions of a file. Raises Refused, `maps.Unreadable` (nothing was taken in), ValueError (datum)."""
    may_feed(operator, actor)
    now = clock.now()
    found = files.take_in(operator, files.open_file(path, name), datum, now, progress)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    data = {"sha256": digest, "datum": datum, **{n: found.counts[n] for n in ("received", "kept", "rejected")}}
    log.write("positions.file", subject_of(operator), now=now, actor=actor.person, data=data)
    return found


def hand_in(operator: Operator, path: Path, datum: str, actor: Actor, *, name: str = "") -> files.Filed | Job:
    """As `take_file`; a file of more than AT_ONCE rows is kept and worked off by the clock: the answer is its job."""
    may_feed(operator, actor)
    file = files.open_file(path, name)
    if file.rows <= AT_ONCE:
        return take_file(operator, path, datum, actor, name=name)
    options = {"datum": datum, "columns": file.columns, "parquet": file.parquet}
    return jobs.add(bulk.KIND, subject_of(operator), path, name, options, file.rows, actor.person)


def cancel_file(operator: Operator, job: Job, actor: Actor) -> None:
    """Take no more rows of a long file; those that were taken in stay. Raises Refused if it has ended."""
    jobs.cancel(job.pk)
    log.write("positions.file.cancel", subject_of(operator), actor=actor.person, data={"sha256": job.sha256})


def subject_of(operator: Operator) -> str:
    return f"operator:{operator.organisation.code}"


# ── the feed that is fetched ─────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def set_feed(operator: Operator, given: dict[str, Any], actor: Actor) -> OperatorFeed:
    """Set where an operator's GBFS feed is fetched: url, header, secret (empty: as it was), datum, interval_s, active.

    Raises Refused, Invalid. At another address everything that was found out about the old one is forgotten.
    """
    may_feed(operator, actor)
    row = OperatorFeed.objects.select_for_update().filter(operator=operator).first() or OperatorFeed(operator=operator)
    given = {**given, "url": str(given.get("url", "")).strip(), "header": str(given.get("header", "")).strip()}
    errors = _faults(row, given)
    if errors:
        raise Invalid(errors)
    if row.url != given["url"]:
        fresh = OperatorFeed()
        for name in FOUND_OUT:
            setattr(row, name, getattr(fresh, name))
    for name in ("url", "header", "datum", "interval_s", "active"):
        setattr(row, name, given[name])
    if given.get("secret") or not row.header:
        row.secret = sealing.seal(given["secret"]) if given.get("secret") else ""
    row.changed_at = row.next_at = clock.now()
    row.changed_by = actor.person
    row.save()
    said = {"host": urlsplit(row.url).hostname, "active": row.active, "interval_s": row.interval_s, "datum": row.datum}
    # Not the address: it may carry a key itself.
    log.write("feed.set", subject_of(operator), now=row.changed_at, actor=actor.person, data=said)
    return row


def _faults(row: OperatorFeed, given: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with a setting, by field."""
    errors: dict[str, Any] = {}
    url, header, secret = given["url"], given["header"], given.get("secret") or ""
    try:
        guarding.check_url(url)
        if len(url) > 500:
            errors["url"] = _("网址最多 500 字")
    except ValueError as error:
        errors["url"] = str(error)
    if header and (not re.fullmatch(r"[A-Za-z0-9-]{1,60}", header) or header.lower() in NOT_OURS):
        errors["header"] = _("写请求头的名称，如 Authorization")
    elif secret and not header:
        errors["header"] = _("密钥放在哪个请求头里？例如 Authorization")
    if secret and (len(secret) > 1000 or not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", secret)):
        errors["secret"] = _("只能是英文字母、数字和符号，最多 1000 个")
    elif header and not secret and not errors and (not row.secret or _server(row.url) != _server(url)):
        errors["secret"] = _("请填写密钥：服务器是新的，原来的密钥不会发给它") if row.secret else _("请填写密钥")
    if given["datum"] not in DATUMS:
        errors["datum"] = _("可选：%(o)s") % {"o": ", ".join(DATUMS)}
    if not SHORTEST_S <= given["interval_s"] <= LONGEST_S:
        errors["interval_s"] = _("应为 %(a)d 至 %(b)d 秒") % {"a": SHORTEST_S, "b": LONGEST_S}
    return errors


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def pull_feed(operator: Operator, actor: Actor) -> gbfs.Pulled:
    """Fetch an operator's feed now, due or not. Raises Refused where it cannot be."""
    may_feed(operator, actor)
    row = OperatorFeed.objects.select_related("operator__organisation").filter(operator=operator, active=True).first()
    if row is None:
        raise Refused(_("还没有设置数据源，或已停用"))
    if not _claimed(row):
        raise Refused(_("正在读取，请稍后再看"))
    return next(gbfs.pull([row], clock.now()))


def due_feeds(*, early: bool = False) -> list[OperatorFeed]:
    """The feeds that are to be fetched now, claimed for this process, the longest due first; `early`: all, due or not."""
    rows = OperatorFeed.objects.select_related("operator__organisation").order_by("next_at", "pk")
    due = rows.filter(active=True, operator__state__in=IN_FORCE)
    due = due if early else due.filter(next_at__lte=clock.now())
    return [row for row in due if _claimed(row)]


def _claimed(row: OperatorFeed) -> bool:
    """Did this process get it? Whoever moves the time first does."""
    return bool(OperatorFeed.objects.filter(pk=row.pk, next_at=row.next_at).update(next_at=clock.now() + LEASE))
