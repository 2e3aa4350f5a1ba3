"""The positions of a report from files: kept ones (keep.py) as they are, raw ones judged here; no database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _
from pyarrow import dataset, fs, parquet

from shaodao.bikes.bays.files import BayFile
from shaodao.bikes.ingest import checks, keep
from shaodao.bikes.ingest.receive import SCHEMA
from shaodao.bikes.ingest.sources import files
from shaodao.bikes.settings import IngestSettings
from shaodao.foundation import clock
from shaodao.foundation.maps import Unreadable
from shaodao.kernel.parking import BayIndex, Parked

KEPT = pa.schema(
    [
        SCHEMA.field(name) if name not in {"street", "zone"} else pa.field(name, pa.string())
        for name in ("vehicle_id", "time", "received", "state", "parked", "bay", "street", "zone", "flags")
    ]
)
"""Columns of keep.py's files that a report needs."""
EVER = IngestSettings(future_s=1e12, oldest_days=1e8)  # a file has no present from which a time could be too far


def kept(folders: list[Path]) -> dataset.Dataset | None:
    """What keep.py wrote below these folders of days, with the column `operator`; None if there is nothing."""
    parts = []
    for folder in folders:
        for own in sorted(folder.glob("operator=*")):
            paths = [str(path) for path in sorted(own.glob("*.parquet")) if not path.name.startswith(".")]
            if paths:
                parts.append(_named(paths, own.name.removeprefix("operator=")))
    return dataset.dataset(parts) if parts else None


def unique(folders: list[Path]) -> bool:
    """Is every operator's day one file already, in which no fix stands twice?"""
    return all([p.name for p in own.glob("*.parquet")] == [keep.WHOLE] for f in folders for own in f.glob("operator=*"))


def _named(paths: list[str], operator: str) -> dataset.Dataset:
    """Files of one operator: its code comes from the folder, whatever it looks like; without one from the file."""
    told = dataset.field("operator") == operator if operator else dataset.scalar(True)
    return dataset.FileSystemDataset.from_paths(
        paths,
        schema=KEPT.append(pa.field("operator", pa.string())),
        format=dataset.ParquetFileFormat(),
        filesystem=fs.LocalFileSystem(),
        partitions=[told for _path in paths],
    )


# ── any file ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read(
    path: Path, operator: str = "", *, bays: BayFile | None = None, zones: BayFile | None = None,
    tolerance: float = 10.0, accuracy: float = 0.0, datum: str = "WGS-84",
) -> pa.Table | dataset.Dataset:  # fmt: skip
    """The positions of a file, or of all files below a folder, as `figures.compute` takes them.

    Kept files are taken as they were judged. Others need `bays`; they are checked and judged as the ingest does it, and have
    no streets. Folders `operator=…` name the operator; else it is `operator`. Raises Unreadable.
    """
    found = sorted(_walk(path))
    if not found:
        raise Unreadable(_("%(folder)s 里没有位置文件") % {"folder": path.name})
    judged = [p for p in found if p.name.endswith((".parquet", ".pq")) and _is_kept(p)]
    if judged and len(judged) < len(found):
        raise Unreadable(_("既有判定过的文件，又有原始的文件，请分开放"))
    if judged:
        return dataset.dataset([_named([str(p)], _operator(p, path, operator)) for p in judged])
    if bays is None:
        raise Unreadable(_("这是没有判定过的位置，要用 --bays 给出停放点位文件"))
    ground = _Ground(bays, zones, tolerance, accuracy)
    tables = [t for p in found for t in _judged(p, _operator(p, path, operator), ground, datum)]
    return pa.concat_tables(tables) if tables else pa.table({name: [] for name in ("vehicle_id", "time")})


def days(positions: pa.Table | dataset.Dataset) -> list[date]:
    """The days of the district's clock that the positions are of."""
    found: set[datetime | None] = set()
    batches = (
        positions.to_batches(columns=["time"]) if isinstance(positions, dataset.Dataset) else positions.to_batches()
    )
    for batch in batches:
        local = batch.column("time").cast(pa.timestamp("ms", str(clock.LOCAL)))
        found.update(pc.unique(pc.floor_temporal(local, unit="day")).to_pylist())
    return sorted(at.date() for at in found if at is not None)


def _walk(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for file in path.rglob("*"):
        if file.is_file() and file.name.lower().endswith(files.SUFFIXES) and not file.name.startswith((".", "_")):
            yield file


def _operator(path: Path, root: Path, otherwise: str) -> str:
    named = [part.removeprefix("operator=") for part in path.parts if part.startswith("operator=")]
    return named[-1] if named else otherwise


def _is_kept(path: Path) -> bool:
    try:
        schema = parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(
            _("%(file)s：不是能读的 Parquet 文件（%(e)s）") % {"file": path.name, "e": _first(error)}
        ) from None
    return all(name in schema.names and schema.field(name).type == KEPT.field(name).type for name in ("parked", "bay"))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


# ── raw positions ────────────────────────────────────────────────────────────────────────────────────────────────


class _Ground:
    """Bays and no-parking zones of files, in the order of their ids as the program's are in that of their codes."""

    def __init__(self, bays: BayFile, zones: BayFile | None, tolerance: float, accuracy: float) -> None:
        order = sorted(range(len(bays.ids)), key=lambda n: bays.ids[n])
        self.bays = BayIndex.build(bays.shapes[order], tolerance)
        self.codes = pa.array([bays.ids[n] for n in order], pa.string())
        self.zones = BayIndex.build(zones.shapes, 0.0) if zones is not None and len(zones.ids) else None
        self.zone_codes = pa.array(zones.ids if zones else [], pa.string())
        self.accuracy = accuracy

    def error(self, metres: Any) -> Any:
        known = np.isfinite(metres)
        if not self.accuracy and not known.any():
            return None
        return np.where(known, metres, self.accuracy).astype(np.float64)


def _judged(path: Path, operator: str, ground: _Ground, datum: str) -> Iterator[pa.Table]:
    """The rows of a file that the ingest would keep, but for what it knows of before; bikes in use are left out."""
    opened, row = files.open_file(path), 0
    for sent in opened.positions(datum):
        c = checks.check(sent, 0, EVER)
        stands = ~checks.ridden(c.state)
        c = replace(
            c, **{n: getattr(c, n)[stands] for n in ("rows", "vehicle", "at", "lon_e6", "lat_e6", "accuracy", "state")}
        )
        lon, lat, away = c.lon_e6 / 1e6, c.lat_e6 / 1e6, checks.absent(c.state)
        error = ground.error(c.accuracy)
        found = ground.bays.assign(lon, lat, error)
        zone = np.full(lon.size, -1)
        if ground.zones is not None:
            inside = ground.zones.assign(lon, lat, error)
            zone = np.where((inside.parked == Parked.IN_BAY) & ~away, inside.bay, -1)
        none = away | (found.bay < 0)
        yield pa.table(
            {
                "operator": pa.repeat(pa.scalar(operator), lon.size),
                "vehicle_id": pa.array(c.ids, pa.string()).take(pa.array(c.vehicle)),
                "time": pa.array(c.at, pa.int64()).cast(KEPT.field("time").type),
                "received": pa.array(row + c.rows, pa.int64()),
                "parked": pa.array(found.parked, mask=away),
                "bay": ground.codes.take(pa.array(found.bay, mask=none)),
                "zone": ground.zone_codes.take(pa.array(zone, mask=zone < 0)),
            }
        )
        row += len(sent)
