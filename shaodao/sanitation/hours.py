"""Hours of the day as people write them (`22:00-05:00; 10:00-15:00*2`) and as the book keeps them: minutes from midnight.

A span that ends before it begins goes over midnight and belongs to the calendar day on both sides of it.
"""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from shaodao.foundation.tables import Bad

DAY = 24 * 60
SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~至]\s*(\d{1,2}):(\d{2})(?:\s*[*×x]\s*(\d{1,2}))?")

__all__ = ["DAY", "Bad", "parse_spans", "parse_windows", "said", "span"]


def span(text: str) -> list[int]:
    """[first minute, last minute, passes] of one span; raises Bad."""
    found = SPAN.fullmatch(text.strip())
    hint = _("写作 07:00-09:00，多段用分号隔开")
    if not found:
        raise Bad(_("“%(v)s”不是时段") % {"v": text.strip()[:40]}, hint)
    begin, end = (int(found[i]) * 60 + int(found[i + 1]) for i in (1, 3))
    if begin >= DAY or end > DAY or int(found[2]) > 59 or int(found[4]) > 59 or begin == end:
        raise Bad(_("“%(v)s”不是时段") % {"v": text.strip()[:40]}, hint)
    return [begin, end, int(found[5] or 1)]


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[;；]", text) if part.strip()]


def parse_windows(text: str) -> list[list[int]]:
    """Windows with the number of passes in each (1 where it is not said)."""
    return [span(part) for part in _parts(text)]


def parse_spans(text: str) -> list[list[int]]:
    """Hours without passes."""
    return [span(part)[:2] for part in _parts(text)]


def said(spans: Sequence[Sequence[int]]) -> str:
    """Spans as they are written; parsing them again gives the same."""
    return "; ".join(
        f"{s[0] // 60:02}:{s[0] % 60:02}-{s[1] // 60:02}:{s[1] % 60:02}"
        + (f"*{s[2]}" if len(s) > 2 and s[2] != 1 else "")
        for s in spans
    )
