"""Which category a text may belong to: a suggestion for the clerk, never a decision.

The model is trained from the catalogue's own words and from texts that the rooms above pass in (filed cases), kept as
one file beside the database, and read again when that file changes. Training: `cases/training.py` decides when.
"""

import json
import logging
import os
import re
import tempfile
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db.models import Q

from shaodao.catalogue import wording
from shaodao.catalogue.models import Category, Condition
from shaodao.catalogue.wording import CATCH_ALL, CONTEXTS, Entry
from shaodao.organisations.models import Organisation

if TYPE_CHECKING:
    from shaodao.catalogue.triage import Triage

logger = logging.getLogger(__name__)
FILE = "triage.bin"
UNSURE = 0.3  # the best suggestion below which the catch-all is offered too
LETTER = re.compile(r"[^\W_]")
_lock = threading.Lock()
_loaded: tuple[tuple[str, int, int], "State", "Triage"] | None = None


class State(NamedTuple):
    """What the model in use was trained from."""

    trained_at: datetime
    texts: int
    cases: int


def path() -> Path:
    return Path(settings.VAR) / FILE


def entries() -> list[Entry]:
    """What the active catalogue says of each category, with its id as label (two queries)."""
    rows = Category.objects.filter(active=True, scheme__active=True).prefetch_related("conditions")
    return [
        Entry(
            str(category.pk),
            category.kind == Category.Kind.COMPONENT,
            category.name,
            category.name_en,
            category.keywords,
            tuple(c.filing for c in category.conditions.all() if c.active),
        )
        for category in rows
    ]


def train(texts: list[str], category_ids: list[int], *, now: datetime, cases: int) -> bool:
    """Train from the catalogue and these filed texts, and put the model in place at once for every process.

    `cases` is how many filed texts there were (also those not passed in), for `state`. False: nothing to learn from.
    """
    catalogue = entries()
    own_texts, own_labels, own_weights = wording.texts(catalogue)
    active = set(own_labels)
    filed = zip(texts, map(str, category_ids), strict=True)
    learned = [(t, c) for t, c in filed if c in active and LETTER.search(t)]
    if len(active) < 2:
        return False
    from shaodao.catalogue.triage import Triage  # scikit-learn is loaded only where it is used

    model = Triage(wording.families(catalogue), CONTEXTS)
    model.fit(
        own_texts + [t for t, _c in learned], own_labels + [c for _t, c in learned], own_weights + [1.0] * len(learned)
    )
    head = {"trained_at": now.isoformat(), "texts": len(own_texts) + len(learned), "cases": cases}
    _write(json.dumps(head).encode() + b"\n" + model.to_bytes())
    return True


def _write(content: bytes) -> None:
    """Replace the file in one step: a reader sees the old model or the new one, never half of one."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=FILE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def state() -> State | None:
    """When and from what the model was trained; None when there is none (or it cannot be read)."""
    try:
        with path().open("rb") as file:
            return _state(file.readline())
    except (OSError, ValueError, KeyError):
        return None


def _state(line: bytes) -> State:
    head = json.loads(line)
    return State(datetime.fromisoformat(head["trained_at"]), int(head["texts"]), int(head["cases"]))


def _model() -> "Triage | None":
    """The model, kept in this process until its file changes."""
    from shaodao.catalogue.triage import Triage

    global _loaded  # noqa: PLW0603
    try:
        found = path().stat()
    except OSError:
        return None
    mark = (str(path()), found.st_mtime_ns, found.st_size)
    if _loaded and _loaded[0] == mark:
        return _loaded[2]
    with _lock:
        head, _newline, body = path().read_bytes().partition(b"\n")
        try:
            _loaded = (mark, _state(head), Triage.from_bytes(body))
        except (ValueError, KeyError):
            logger.exception("%s cannot be read; it is trained again with the next round of the clock", path())
            path().unlink(missing_ok=True)
            return None
    return _loaded[2]


def suggest(text: str, k: int = 3) -> list[dict[str, Any]]:
    """The `k` likeliest categories of the active catalogue for a text, best first (two queries).

    Each: {"category": Category, "confidence": 0..1 or None, "together": of it and its sisters, "words": [words that speak for it], "leads": [units
    that lead under its conditions, None for the street in which the case lies], "sisters": [categories of the same family that are not among the `k`]}.
    Where nothing speaks clearly for anything, the catch-all is added as the last one, with the confidence None.
    Empty without a model or without a letter.
    """
    model = _model() if LETTER.search(text) else None
    if model is None:
        return []
    found = model.suggest(text, k=k)
    shown = [int(s.label) for s in found]
    sisters = {int(other) for s in found for other in s.sisters}
    rows = {
        row.pk: row
        for row in Category.objects.filter(active=True, scheme__active=True).filter(
            Q(pk__in=[*shown, *sisters]) | Q(code=CATCH_ALL, kind=Category.Kind.EVENT)
        )
    }
    leads: dict[int, list[Organisation | None]] = {}
    conditions = Condition.objects.filter(category_id__in=list(rows), active=True)
    for condition in conditions.select_related("lead").order_by("seq"):
        units = leads.setdefault(condition.category_id, [])
        if condition.lead not in units:
            units.append(condition.lead)
    named: set[int] = set(shown)
    result = []
    for pk, s in zip(shown, found, strict=True):
        if pk not in rows:
            continue
        others = [i for i in map(int, s.sisters) if i not in named and i in rows]
        named.update(others)
        result.append(
            {
                "category": rows[pk],
                "confidence": s.confidence,
                "together": s.together,
                "words": list(s.words),
                "leads": leads.get(pk, []),
                "sisters": [rows[i] for i in others] if s.together >= UNSURE else [],
            }
        )
    other = next((row for row in rows.values() if row.code == CATCH_ALL), None)
    if other and other.pk not in shown and (not found or found[0].together < UNSURE):
        result.append(
            {
                "category": other,
                "confidence": None,
                "together": None,
                "words": [],
                "leads": leads.get(other.pk, []),
                "sisters": [],
            }
        )
    return result
