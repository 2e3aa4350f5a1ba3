"""A file of bays or zones, from reading to what came of it: the command and the page show the same plan and carry it out.

    found = plan(path, BAYS)          # nothing is written
    carry_out(found, actor)

Every row is accounted for: read = imported + rejected. Imported are the rows that stand in the database afterwards as the
file says: new, changed, put back, or there already and the same. Remarks keep no row out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.bikes import ground, settings
from shaodao.bikes.actions import bays
from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.bays import measures, siting
from shaodao.bikes.bays import rows as bayrows
from shaodao.bikes.bays.files import Fault
from shaodao.bikes.bays.queries import BAYS, Kind, by_code, standing
from shaodao.bikes.models import Zone
from shaodao.cases.actions import Actor
from shaodao.foundation import maps
from shaodao.foundation.maps import Unreadable

MOST_ROWS = 200_000
LISTED = 200  # rejections and remarks of an answer; the number of all is said


@dataclass(eq=False)
class Plan:
    """What a file would do: its usable rows, what is wrong with the others, what is worth a look, what would change."""

    kind: Kind
    name: str
    read: int
    drafts: list[bayrows.Draft]
    rejected: list[Fault]
    derived: list[dict[str, Any]]
    remarks: list[siting.Remark] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The answer of the command; `imported` counts what stands as the file says."""
        return {
            "read": self.read,
            "imported": len(self.drafts),
            "rejected": len(self.rejected),
            "warnings": len(self.remarks),
            **self.counts,
            "rejections": [fault.as_dict() for fault in self.rejected[:LISTED]],
            "warned": dict(Counter(remark.kind for remark in self.remarks)),
        }


def plan(
    path: Path,
    kind: Kind,
    *,
    datum: str = "WGS-84",
    zone_kind: str = "",
    points: siting.Points | None = None,
    most_rows: int = MOST_ROWS,
) -> Plan:
    """Read a file and compare it with what stands. Raises Unreadable."""
    file = bayfiles.read(path, datum)
    if file.read > most_rows:
        raise Unreadable(_("行数太多：最多 %(n)d 行，请分几个文件") % {"n": most_rows})
    drafts, rejected = bayrows.drafts(file, kind.columns, zone_kind)
    derived = bays.derive(kind, drafts)
    rows = by_code(kind, [draft.code for draft in drafts])
    counts = bays.compare(kind, drafts, derived, rows).counts()
    remarks = _remarks(drafts, derived, points or siting.Points()) if kind is BAYS else _zone_remarks(drafts)
    return Plan(kind, maps.shown(path.name), file.read, drafts, rejected, derived, remarks, counts)


def _remarks(
    drafts: Sequence[bayrows.Draft], derived: Sequence[dict[str, Any]], points: siting.Points
) -> list[siting.Remark]:
    known = len(ground.grid().cells) > 0
    outside = np.array([known and row["community_id"] is None for row in derived], dtype=bool)
    area = np.array([row["area_m2"] for row in derived], dtype=np.float64)
    there, rules = standing(BAYS, (draft.code for draft in drafts)), settings.current().siting
    return siting.remarks(drafts, area, outside, there, points + siting.Points.of(rules.points), rules)


def _zone_remarks(drafts: Sequence[bayrows.Draft]) -> list[siting.Remark]:
    """Outside is a zone of which neither a point inside nor any corner lies in the grid."""
    shapes = np.empty(len(drafts), dtype=object)
    shapes[:] = [draft.shape for draft in drafts]
    grid = ground.grid()
    outside = np.zeros(len(drafts), np.bool_)
    if len(grid.cells) and len(drafts):
        corners, of = shapely.get_coordinates(
            np.concatenate([shapes, shapely.point_on_surface(shapes)]), return_index=True
        )
        inside = grid.places(corners[:, 0].copy(), corners[:, 1].copy())[1] != ground.NONE
        outside = np.bincount(of[inside] % len(drafts), minlength=len(drafts)) == 0
    left_out = {draft.code for draft in drafts}
    there = [zone for zone in Zone.objects.filter(active=True).order_by("code") if zone.code not in left_out]
    others = [
        siting.Standing(zone.code, shape, zone.kind, zone.begins_at, zone.ends_at)
        for zone, shape in zip(there, ground.shapes([zone.geometry for zone in there]), strict=True)
    ]
    area = measures.areas(shapes) if len(drafts) else np.empty(0)
    return siting.zone_remarks(drafts, area, outside, others, standing(BAYS, ()), settings.current().siting)


def remarks_on(kind: Kind, row: Any) -> list[siting.Remark]:
    """What is worth a look about one bay or zone as it stands now; what an import would say of it."""
    shape = ground.shapes([row.geometry])[0]
    if kind is not BAYS:
        return _zone_remarks([bayrows.Draft(row.code, shape, {name: getattr(row, name) for name in kind.columns})])
    draft = bayrows.Draft(row.code, shape)
    return _remarks([draft], [{"community_id": row.community_id, "area_m2": row.area_m2}], siting.Points())


def carry_out(
    found: Plan,
    actor: Actor,
    *,
    source: str = "",
    reason: str = "",
    since: datetime | None = None,
    progress: bays.Move | None = None,
) -> Plan:
    """Write what was planned; `counts` then say what it did (somebody may have been faster). Raises as bays.bring_in."""
    done = bays.bring_in(
        found.kind,
        found.drafts,
        actor,
        source="".join(c for c in source if c.isprintable()) or found.name,
        reason=reason,
        since=since,
        derived=found.derived,
        progress=progress,
    )
    found.counts = done.counts()
    return found
