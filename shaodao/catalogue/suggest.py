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

from shaodao.catalogue.models import Category, Condition

if TYPE_CHECKING:
    from shaodao.catalogue.triage import Triage

logger = logging.getLogger(__name__)
FILE = "triage.bin"
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


def catalogue_texts() -> tuple[list[str], list[str]]:
    """What the active catalogue says of each category (name, keywords, filing conditions), with its id as label."""
    texts, labels = [], []
    rows = Category.objects.filter(active=True, scheme__active=True).prefetch_related("conditions")
    for category in rows:
        keywords = [w for w in category.keywords.replace("，", ",").replace("、", ",").split(",") if w.strip()]
        filings = [f"{category.name}，{c.filing}" for c in category.conditions.all() if c.active]
        own = [category.name, *(f"{w.strip()}" for w in keywords), *filings]
        texts += own
        labels += [str(category.pk)] * len(own)
    return texts, labels


def train(texts: list[str], category_ids: list[int], *, now: datetime, cases: int) -> bool:
    """Train from the catalogue and these filed texts, and put the model in place at once for every process.

    `cases` is how many filed texts there were (also those not passed in), for `state`. False: nothing to learn from.
    """
    own_texts, own_labels = catalogue_texts()
    active = set(own_labels)
    filed = zip(texts, map(str, category_ids), strict=True)
    learned = [(t, c) for t, c in filed if c in active and LETTER.search(t)]
    if len(active) < 2:
        return False
    from shaodao.catalogue.triage import Triage  # scikit-learn is loaded only where it is used

    model = Triage().fit(own_texts + [t for t, _c in learned], own_labels + [c for _t, c in learned])
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

    Each: {"category": Category, "confidence": 0..1, "words": [words that speak for it], "lead": Organisation or None}.
    Empty without a model or without text.
    """
    model = _model() if text.strip() else None
    if model is None:
        return []
    found = model.suggest(text, k=k)
    ids = [int(s.label) for s in found]
    rows = Category.objects.filter(pk__in=ids, active=True, scheme__active=True).in_bulk()
    leads: dict[int, Any] = {}
    for condition in Condition.objects.filter(category_id__in=ids, active=True).select_related("lead").order_by("seq"):
        if condition.lead and condition.category_id not in leads:
            leads[condition.category_id] = condition.lead
    return [
        {"category": rows[i], "confidence": s.confidence, "words": list(s.words), "lead": leads.get(i)}
        for i, s in zip(ids, found, strict=True)
        if i in rows
    ]
