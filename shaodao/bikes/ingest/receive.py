"""The one action behind every door: positions are checked, judged, kept and made visible, in one transaction."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import transaction
from numpy.typing import NDArray

from shaodao.bikes import settings
from shaodao.bikes.ground import NONE, Ground, Judged, ground
from shaodao.bikes.ingest import checks, quality, store
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.models import Operator, PositionBatch
from shaodao.bikes.words import Flag, Reason, Source
from shaodao.kernel import standing
from shaodao.kernel.parking import Parked

CHUNK = 50_000
"""Rows of one transaction: a million in one call need no more memory, and hold up nobody for long."""
EXAMPLES = 20
SCHEMA = pa.schema(
    [
        pa.field("vehicle_id", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("received", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("lon", pa.float64(), nullable=False),
        pa.field("lat", pa.float64(), nullable=False),
        pa.field("accuracy", pa.float32()),
        pa.field("state", pa.string(), nullable=False),
        pa.field("parked", pa.int8()),
        pa.field("bay", pa.string()),
        pa.field("distance_m", pa.float64()),
        pa.field("street", pa.int64()),
        pa.field("zone", pa.int64()),
        pa.field("flags", pa.int16(), nullable=False),
        pa.field("confidence", pa.float32()),  # younger than the other columns: null in older files and batches
    ]
)
"""Of what is kept: in PositionBatch, and in the Parquet files of keep.py."""


@dataclass
class Received:
    """What became of n positions.

    `reasons`, `marked`: counts by code. `examples`: the first of the rejected, {"row", "vehicle_id", "why"}. `why`: (n,)
    int8, 0 for a row that was kept or 1 + the place of its reason in checks.REASONS.
    """

    received: int = 0
    kept: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    marked: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    why: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))

    def as_dict(self) -> dict[str, Any]:
        counts = {"received": self.received, "kept": self.kept, "rejected": self.rejected}
        return {**counts, "reasons": dict(self.reasons), "marked": dict(self.marked)}

    def add(self, other: "Received") -> None:
        for name in ("received", "kept", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons
        self.marked += other.marked
        self.examples = (self.examples + other.examples)[:EXAMPLES]
        self.why = np.concatenate([self.why, other.why])


def ingest(
    operator: Operator, positions: Positions, source: Source | str, now: datetime, *, snapshot: bool = False
) -> Received:
    """Take in what an operator sent at `now`.

    Every row is kept or rejected with a reason (words.Reason); what is odd is kept and marked (words.Flag). When this
    returns, it is committed: positions are in the log of the day, the vehicles' statuses are the newest, the quality of
    the feed is counted. The same call again rejects all its rows as duplicates.

    `snapshot`: the feed lists all its vehicles (GBFS): those that it does not list any more are gone.
    Raises ValueError for an unknown datum.
    """
    total, ids = Received(), set[str]()
    now_ms = int(now.timestamp() * 1000)
    parts = _parts(positions) or [positions]
    for part in parts:
        checked = checks.check(part, now_ms, settings.current().ingest)
        with transaction.atomic():
            store.lock(operator.pk)
            found = _take(operator, part, checked, now, now_ms, str(source))
            quality.count(operator, str(source), now, found.result, found.age)
            if snapshot and part is parts[-1]:
                store.listed(operator.pk, [*ids, *checked.ids], now_ms)
        ids.update(checked.ids)
        total.add(found.result)
    return total


def failed(operator: Operator, source: Source | str, what: str, now: datetime) -> None:
    """A call brought nothing: the feed is down, or what came is not what it says."""
    with transaction.atomic():
        store.lock(operator.pk)
        quality.fail(operator, str(source), now, what)


def _parts(positions: Positions) -> list[Positions]:
    return [positions.part(slice(i, i + CHUNK)) for i in range(0, len(positions), CHUNK)]


def _take(
    operator: Operator, sent: Positions, checked: checks.Checked, now: datetime, now_ms: int, source: str
) -> "_Taken":
    known = store.read(operator.pk, checked.ids)
    checked = checked.without(store.seen_before(known, checked.vehicle, checked.at), Reason.DUPLICATE)
    lon, lat = checked.lon_e6 / 1e6, checked.lat_e6 / 1e6
    here = ground()
    judged = here.judge(lon, lat, checked.accuracy.astype(np.float64), now)
    flags, last = _walk(known.state, checked, judged)
    flags |= np.where(judged.community == NONE, Flag.OUTSIDE, 0).astype(np.int16)
    age = now_ms - checked.at
    flags |= np.where(age > settings.current().ingest.stale_s * 1000, Flag.STALE, 0).astype(np.int16)
    if checked.at.size:
        _write(operator, checked, here, judged, flags, last, known, now_ms)
        _log(operator, checked, here, judged, flags, now_ms, source)
    return _Taken(_result(sent, checked, flags), age)


@dataclass(frozen=True, eq=False)
class _Taken:
    result: Received
    age: NDArray[np.int64]  # milliseconds, of the kept


def _walk(
    state: standing.State, checked: checks.Checked, judged: Judged
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Feed the fixes to the vehicles' standing: flags of each, and each vehicle's newest row or -1."""
    limits, parking = settings.current().ingest, settings.current().parking
    found = np.full(checked.at.size, standing.RIGHT, np.int8)
    found[judged.parked == Parked.OUTSIDE] = standing.WRONG
    found[judged.parked == Parked.UNCERTAIN] = standing.UNSURE
    found[judged.zone != NONE] = standing.WRONG
    found[checks.ridden(checked.state) | checks.absent(checked.state)] = standing.MOVING
    marks, last = standing.walk(
        state,
        *(checked.vehicle, checked.at, checked.lon_e6, checked.lat_e6, found),
        *(parking.still_m, limits.fastest_mps),
    )
    return marks.astype(np.int16), last


def _write(
    operator: Operator, c: checks.Checked, here: Ground, j: Judged, flags: NDArray[np.int16],
    last: NDArray[np.int64], known: store.Known, now_ms: int,
) -> None:  # fmt: skip
    """The newest row of each vehicle becomes its status."""
    recent = store.remember(known, c.vehicle, c.at)
    v = np.flatnonzero(last >= 0)
    row, state = last[v], known.state
    away = checks.ridden(c.state[row]) | checks.absent(c.state[row])
    none = away | (j.bay[row] < 0)
    sure = j.confidence[row]
    bay = here.bay_pk[j.bay[row]] if here.bay_pk.size else j.bay[row]
    columns = {
        "operator_id": [operator.pk] * v.size,
        "vehicle_id": [c.ids[i] for i in v.tolist()],
        "state": [checks.STATES[i].value for i in c.state[row].tolist()],
        "at_ms": state.at[v].tolist(),
        "received_ms": [now_ms] * v.size,
        "lon_e6": state.lon[v].tolist(),
        "lat_e6": state.lat[v].tolist(),
        "accuracy_m": store.filled(c.accuracy[row].astype(np.float64), np.isnan(c.accuracy[row])),
        "parked": store.filled(j.parked[row], away),
        "bay_id": store.filled(bay, none),
        "distance_mm": store.filled(np.rint(np.where(none, 0, j.metres[row]) * 1000).astype(np.int64), none),
        "confidence": store.filled(store.percent(sure), away | np.isnan(sure)),
        "zone_id": store.filled(j.zone[row], away | (j.zone[row] == NONE)),
        "street_id": store.filled(j.street[row], j.street[row] == NONE),
        "community_id": store.filled(j.community[row], j.community[row] == NONE),
        "stood_since_ms": state.since[v].tolist(),
        "stood_lon_e6": state.from_lon[v].tolist(),
        "stood_lat_e6": state.from_lat[v].tolist(),
        "wrong_fixes": state.wrong[v].tolist(),
        "flags": flags[row].tolist(),
        "recent": [times.tobytes() for times in recent[v]],
    }
    store.write(columns)
    late = np.setdiff1d(c.vehicle, v)
    if late.size:
        store.remind(operator.pk, now_ms, [c.ids[i] for i in late], [recent[i].tobytes() for i in late])


def _log(
    operator: Operator, c: checks.Checked, here: Ground, j: Judged, flags: NDArray[np.int16], now_ms: int, source: str
) -> None:
    """All kept rows, as they came, into the spool of the day's Parquet."""
    away = checks.ridden(c.state) | checks.absent(c.state)
    none = away | (j.bay < 0)
    states = pa.array([state.value for state in checks.STATES], pa.string())
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(c.ids, pa.string()).take(pa.array(c.vehicle)),
            pa.array(c.at).cast(SCHEMA.field("time").type),
            pa.array(np.full(c.at.size, now_ms)).cast(SCHEMA.field("received").type),
            pa.array(c.lon_e6 / 1e6),
            pa.array(c.lat_e6 / 1e6),
            pa.array(c.accuracy, mask=np.isnan(c.accuracy)),
            states.take(pa.array(c.state)),
            pa.array(j.parked, mask=away),
            here.codes.take(pa.array(j.bay, mask=none)),
            pa.array(j.metres, mask=none),
            pa.array(j.street, mask=j.street == NONE),
            pa.array(j.zone, mask=away | (j.zone == NONE)),
            pa.array(flags),
            pa.array(j.confidence.astype(np.float32), mask=away | np.isnan(j.confidence)),
        ],
        schema=SCHEMA,
    )
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_batch(batch)
    body = out.getvalue().to_pybytes()
    PositionBatch.objects.create(operator=operator, source=source, received_ms=now_ms, rows=c.at.size, body=body)


def _shown(given: Any) -> str:
    """The beginning of an id; nothing of what is none, which may be lists a thousand deep."""
    return quality.printable(given, 40) if isinstance(given, str | int | float) else ""


def _result(sent: Positions, c: checks.Checked, flags: NDArray[np.int16]) -> Received:
    wrong = np.flatnonzero(c.why)
    reasons = Counter(checks.REASONS[code - 1].value for code in c.why[wrong].tolist())
    marked = Counter(
        {flag.name.lower(): n for flag in Flag if (n := int(np.count_nonzero(flags & flag))) and flag.name}
    )
    examples = [
        {
            "row": int(sent.rows[row]),
            "vehicle_id": _shown(sent.vehicle_id[row]),
            "why": checks.REASONS[c.why[row] - 1].value,
        }
        for row in wrong[:EXAMPLES].tolist()
    ]
    return Received(len(sent), c.at.size, wrong.size, reasons, marked, examples, c.why)
