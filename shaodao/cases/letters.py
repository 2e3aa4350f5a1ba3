"""Citizens' letters with official replies, as a CSV file, through the real actions at their true times.

A letter is a report of the channel "letter" when it was sent. A reply is a public note and the closing of the case as
*answered*, when it was given: nobody went to look, so the case is not called fixed, no site check is claimed and no
watch begins. Which unit answered within what inner limits the file does not say, so no assignment is made up.

Every row is accounted for: read = imported + rejected, each rejection with its row (as a spreadsheet numbers them: the
header is row 1) and a reason. A letter that an earlier run brought in is rejected as such, so a second run imports none.

"Within n working days": the reply came no later than n working days after sending, on the district's calendar with its
holidays and make-up days, by the clock that all limits use: a working day is eight working hours and counting begins
when the letter is sent, or with the next working hour when it is sent outside of them.
"""

import csv
import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from shaodao.cases import inputs
from shaodao.cases.actions import Actor, Submission, perform, report
from shaodao.cases.models import Report
from shaodao.cases.topics import Topics
from shaodao.cases.words import SEE_LETTER, Channel, Outcome
from shaodao.foundation import calendar, clock, district
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.kernel import worktime

logger = logging.getLogger(__name__)
BATCH = 100  # letters in one transaction
LONGEST = 10_000  # characters of a body or a reply: longer than a form takes, letters and replies are long
LIMITS = (15, 30)  # working days
Move = Callable[..., None]

COLUMNS = {
    "letter_id": ("留言编号", "信件编号", "id"),
    "writer": ("留言用户",),
    "subject": ("留言主题", "主题"),
    "sent_at": ("留言时间",),
    "body": ("留言详情", "内容"),
    "reply": ("答复意见",),
    "replied_at": ("答复时间",),
    "up_votes": ("点赞数",),
    "down_votes": ("反对数",),
    "label": ("一级标签", "topic"),
}
REQUIRED = ("letter_id", "sent_at", "body")
OTHER_NAMES = {other: name for name, others in COLUMNS.items() for other in others}


class BadFile(Exception):
    """The file as a whole cannot be read: no header, no such columns."""


class Rejected(Exception):
    """One row cannot be imported, and why."""


@dataclass(frozen=True)
class Letter:
    """One row that was understood; times are aware UTC."""

    external_id: str
    subject: str
    body: str
    sent_at: datetime
    reply: str
    replied_at: datetime | None
    topic: str
    attributes: dict[str, Any]


def import_letters(path: Path | str, progress: Move | None = None) -> dict[str, Any]:
    """Import a CSV file of letters; see the module for what that means.

    Returns {"read", "imported", "rejected", "within_15_work_days", "within_30_work_days", "rejections": [{"row",
    "reason"}]}; the two `within` count among the answered letters that this run imported. `progress(total=n)`, then
    `progress(n)`. Raises BadFile.
    """
    if not district.current().code:
        raise BadFile(_("还没有装载区划数据包，请先运行 shaodao pack load"))
    kind, rows = read(Path(path))
    move = progress or _silent
    move(total=len(rows))
    known = set(Report.objects.filter(external_id__startswith=f"letter:{kind}:").values_list("external_id", flat=True))
    rejections: list[dict[str, Any]] = []
    spans: list[tuple[datetime, datetime]] = []
    seen: dict[str, int] = {}
    topics, imported = Topics(), 0
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        with transaction.atomic():
            for number, row in batch:
                try:
                    letter = understand(row, kind)
                    _only_once(letter, number, seen, known)
                    bring_in(letter, topics)
                except Rejected as rejected:
                    rejections.append({"row": number, "reason": str(rejected)})
                    continue
                imported += 1
                if letter.replied_at:
                    spans.append((letter.sent_at, letter.replied_at))
        move(len(batch))
    counts = {f"within_{n}_work_days": k for n, k in zip(LIMITS, within(spans), strict=True)}
    return {
        "read": len(rows), "imported": imported, "rejected": len(rejections), **counts, "rejections": rejections,
    }  # fmt: skip


def _silent(n: int = 0, *, total: int | None = None) -> None:
    """No progress is shown."""


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read(path: Path) -> tuple[str, list[tuple[int, dict[str, str]]]]:
    """(kind of file, [(row number, {column: text})]); kind: answered, open or labelled, by its columns."""
    text = decode(path.read_bytes(), path.name)
    csv.field_size_limit(2**31 - 1)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [_column(name) for name in next(lines, [])]
    if not any(header):
        raise BadFile(_("文件是空的：第一行应为列名"))
    if missing := [c for c in REQUIRED if c not in header]:
        raise BadFile(
            _("缺少列 %(missing)s；文件里的列：%(found)s")
            % {"missing": ", ".join(missing), "found": ", ".join(h or "?" for h in header)[:200]}
        )
    if double := sorted({c for c in COLUMNS if header.count(c) > 1}):
        raise BadFile(_("列名重复：%(names)s") % {"names": ", ".join(double)})
    kind = "answered" if "reply" in header else "labelled" if "label" in header else "open"
    rows = []
    for number, cells in enumerate(lines, 2):
        if cells:
            named = dict(zip(header, cells, strict=False))
            named[""] = "".join(cells[len(header) :]).strip()  # what stands beyond the last column
            rows.append((number, named))
    return kind, rows


def _column(name: str) -> str:
    name = name.strip().strip("\ufeff").lower()
    return OTHER_NAMES.get(name, name)


def decode(content: bytes, name: str) -> str:
    """UTF-8 (with or without mark), UTF-16 with its mark, else GB 18030; bytes that fit neither stay visible as lone
    surrogates, so that only their rows are rejected."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    lines = [line for line in content.split(b"\n") if not line.isascii()]
    if sum(map(_is_utf8, lines)) * 2 >= len(lines):
        return content.decode("utf-8-sig", errors="surrogateescape")
    logger.warning("%s is not UTF-8; it is read as GB 18030 (GBK)", name)
    return content.decode("gb18030", errors="surrogateescape")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


# ── one row ──────────────────────────────────────────────────────────────────────────────────────────────────────


def understand(row: dict[str, str], kind: str) -> Letter:
    """A row as a letter; raises Rejected with what is wrong with it."""
    if row.get(""):
        raise Rejected(_("这一行的列数多于表头"))
    number = _text(row, "letter_id", 60)
    body, subject = _text(row, "body", LONGEST), _text(row, "subject", 200)
    if not number:
        raise Rejected(_("letter_id 是空的"))
    if not body:
        raise Rejected(_("body 是空的"))
    sent_at = _time(row, "sent_at")
    reply, replied_at = _text(row, "reply", LONGEST), None
    if reply or row.get("replied_at", "").strip():
        if not reply:
            raise Rejected(_("有答复时间，没有答复内容"))
        replied_at = _time(row, "replied_at")
        if replied_at < sent_at:
            raise Rejected(_("答复时间早于来信时间"))
    label = _text(row, "label", 100)
    attributes: dict[str, Any] = {"subject": subject, "label": label, "writer": _text(row, "writer", 60)}
    attributes |= {name: _number(row, name) for name in ("up_votes", "down_votes") if row.get(name, "").strip()}
    return Letter(
        external_id=f"letter:{kind}:{number}",
        subject=subject,
        body=body,
        sent_at=sent_at,
        reply=reply,
        replied_at=replied_at,
        topic=(label or subject)[:120],
        attributes={k: v for k, v in attributes.items() if v != ""},
    )


def _text(row: dict[str, str], name: str, longest: int) -> str:
    raw = row.get(name, "")
    if "\ufffd" in raw or any("\ud800" <= c <= "\udfff" for c in raw):
        raise Rejected(_("%(name)s 的编码已损坏") % {"name": name})
    try:
        return inputs.text_of(raw, longest)
    except inputs.Fault as fault:
        raise Rejected(f"{name}: {fault}") from None


SLASHES = re.compile(r"[./年月]")
SHORT = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(.*))?$")


def _time(row: dict[str, str], name: str) -> datetime:
    """2019-04-25 09:32:09, 2019/4/25 9:32, 2019.4.25, 2019年4月25日 9:32 …: the local time, unless it names a zone."""
    raw = row.get(name, "").strip()
    found = SHORT.match(SLASHES.sub("-", raw.split(".")[0] if raw.count(".") == 1 else raw).replace("日", " ").strip())
    if not found:
        raise Rejected(_("%(name)s 不是日期时间：%(raw)s") % {"name": name, "raw": raw[:30] or _("（空）")})
    year, month, day, hours, zone = found.groups()
    if hours and hours.index(":") == 1:
        hours = f"0{hours}"
    try:
        at = parse_datetime(f"{year}-{int(month):02d}-{int(day):02d}T{hours or '00:00'}{(zone or '').strip()}")
    except ValueError:
        at = None
    if at is None:
        raise Rejected(_("%(name)s 没有这样的日期时间：%(raw)s") % {"name": name, "raw": raw[:30]})
    at = clock.from_local(at) if at.tzinfo is None else at
    if clock.local(at).date() < calendar.FIRST:
        raise Rejected(_("%(name)s 早于工作日历的第一天 %(day)s") % {"name": name, "day": calendar.FIRST})
    if at > clock.now() + timedelta(days=1):
        raise Rejected(_("%(name)s 在将来：%(raw)s") % {"name": name, "raw": raw[:30]})
    return at


def _number(row: dict[str, str], name: str) -> int:
    raw = row[name].strip().removesuffix(".0")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10):
        raise Rejected(_("%(name)s 应为整数：%(raw)s") % {"name": name, "raw": raw[:30]})
    return int(raw)


def _only_once(letter: Letter, number: int, seen: dict[str, int], known: set[str]) -> None:
    if letter.external_id in known:
        raise Rejected(_("以前已经导入"))
    first = seen.setdefault(letter.external_id, number)
    if first != number:
        raise Rejected(_("编号与第 %(row)d 行重复") % {"row": first})


# ── into the loop ────────────────────────────────────────────────────────────────────────────────────────────────


def bring_in(letter: Letter, topics: Topics) -> None:
    """The letter as a report when it was sent; its reply as a note to the writer and the closing when it was given."""
    system = Actor.system()
    submission = Submission(
        text=f"{letter.subject}\n{letter.body}".strip(),
        channel=Channel.LETTER,
        category=topics.category(letter.subject),
        address=SEE_LETTER,
        attributes=letter.attributes,
        topic=letter.topic,
        external_id=letter.external_id,
        key=letter.external_id,
    )
    try:
        with transaction.atomic():
            with clock.freeze(letter.sent_at):
                received = report(submission, system)
            if received.replayed:
                raise Rejected(_("以前已经导入"))
            if letter.replied_at:
                with clock.freeze(letter.replied_at):
                    note = {"text": letter.reply[: inputs.LONG], "told": True}
                    perform("note", received.case.pk, system, data=note, extra={"text": letter.reply})
                    perform("answer", received.case.pk, system)
    except Invalid as error:
        raise Rejected("；".join(f"{field}: {what}" for field, what in error.errors.items())) from None
    except (Refused, Conflict) as error:
        raise Rejected(str(error)) from None


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def within(spans: list[tuple[datetime, datetime]], limits: tuple[int, ...] = LIMITS) -> list[int]:
    """How many (sent, replied) pairs kept each limit in working days."""
    if not spans:
        return [0] * len(limits)
    return [int(kept.sum()) for kept in _kept(spans, limits)]


def _kept(spans: list[tuple[datetime, datetime]], limits: tuple[int, ...]) -> Iterator[np.ndarray]:
    sent, replied = (
        np.array([clock.local(span[i]).replace(tzinfo=None) for span in spans], dtype="datetime64[s]") for i in (0, 1)
    )
    for n in limits:
        yield replied <= worktime.add(calendar.working(), sent, float(n), worktime.Unit.WORK_DAY)


def letters_summary() -> dict[str, Any]:
    """What became of the letters in the database: {"letters", "answered", "open", "within_15", "within_30", "years":
    [{"year" of sending, "answered", "within_15", "within_30"}]}. Two queries; samples are left out."""
    letters = Report.objects.filter(channel=Channel.LETTER, case__sample=False, me_too=False)
    rows = letters.filter(case__outcome=Outcome.ANSWERED).order_by("id").values_list("created_at", "case__closed_at")
    spans = [(sent, replied) for sent, replied in rows if replied]
    total = letters.count()
    kept = list(_kept(spans, LIMITS)) if spans else [np.zeros(0, dtype=bool)] * 2
    year_of = np.array([clock.local(sent).year for sent, _replied in spans], dtype=int)
    years = [
        {"year": int(y), "answered": int((year_of == y).sum()), "within_15": int(kept[0][year_of == y].sum()),
         "within_30": int(kept[1][year_of == y].sum())}
        for y in np.unique(year_of)
    ]  # fmt: skip
    return {
        "letters": total, "answered": len(spans), "open": total - len(spans),
        "within_15": int(kept[0].sum()), "within_30": int(kept[1].sum()), "years": years,
    }  # fmt: skip
