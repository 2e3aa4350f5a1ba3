"""Positions handed in by people: a file at a time. What it holds goes through the ingest; who did it is a line of the log."""

import hashlib
from pathlib import Path

from shaodao.bikes import queries, rules
from shaodao.bikes.ingest.sources import files
from shaodao.bikes.models import Operator
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Refused


def may_feed(operator: Operator, actor: Actor) -> None:
    """Raises Refused where the actor cannot hand in positions of this operator now."""
    reason, forbidden = rules.feeding_refusal(queries.load(operator, clock.now()).facts, actor.facts)
    if reason is not None:
        raise Refused(reason, forbidden=forbidden)


def take_file(
    operator: Operator, path: Path, datum: str, actor: Actor, *, name: str = "", progress: files.Move | None = None
) -> files.Filed:  # fmt: skip
    """Take in the positions of a file. Raises Refused, `bayfiles.Unreadable` (nothing was taken in), ValueError (datum)."""
    may_feed(operator, actor)
    now = clock.now()
    found = files.take_in(operator, files.open_file(path, name), datum, now, progress)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    data = {"sha256": digest, "datum": datum, **{n: found.counts[n] for n in ("received", "kept", "rejected")}}
    log.write("positions.file", f"operator:{operator.organisation.code}", now=now, actor=actor.person, data=data)
    return found
