"""The audit of a feed: read it, hold it against the schemas, then against sense."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from shaodao.bikes.gbfs import reading, schema, semantics
from shaodao.bikes.gbfs.findings import ERROR, WARNING, Finding

SHOWN = 20
"""Findings of one check in one file that are listed; the rest is a number, so that one mistake does not bury the others."""


@dataclass(frozen=True)
class Report:
    """What an audit says. `version` is the version whose rules were applied, `files` what was read."""

    errors: list[Finding]
    warnings: list[Finding]
    version: str
    files: list[str]

    def as_dict(self) -> dict[str, Any]:
        """`{"errors": [{"file", "path", "what", "check"}], "warnings": [...], "version", "files"}`."""
        return {
            "errors": [finding.as_dict() for finding in self.errors],
            "warnings": [finding.as_dict() for finding in self.warnings],
            "version": self.version,
            "files": self.files,
        }


def audit(source: str, now: datetime, timeout: float = reading.TIMEOUT_S) -> Report:
    """Audit the feed at `source` (the address of a gbfs.json, or a folder) as of `now` (aware).

    Raises ValueError if `source` is neither; nothing that a feed does raises.
    """
    return judge(reading.read(source, now, timeout))


def judge(read: reading.Reading) -> Report:
    """The report on a feed that has been read."""
    found = list(read.findings)
    for file in read.files:
        found += schema.check(file, read.family or "2.3")
    for feed in read.feeds:
        for check in semantics.CHECKS:
            found += check(feed)
    found = list(dict.fromkeys(found))  # what two languages share is said once
    return Report(
        errors=shortened(f for f in found if f.level == ERROR),
        warnings=shortened(f for f in found if f.level == WARNING),
        version=read.family,
        files=[file.label for file in read.files],
    )


def shortened(findings: Iterable[Finding]) -> list[Finding]:
    """At most `SHOWN` findings of each check in each file, then one that says how many more there are."""
    kept: list[Finding] = []
    counts: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = finding.check, finding.file
        counts[key] += 1
        last[key] = finding
        if counts[key] <= SHOWN:
            kept.append(finding)
    for key, n in counts.items():
        if n > SHOWN:
            kept.append(last[key]._replace(path="", what=_("同样的问题还有 %(n)d 处") % {"n": n - SHOWN}))
    return kept
