"""A drawn picture of a finding for its case: the road's carriageways, what lacks in red with hatching, a bar of its scale."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from shaodao.foundation import uploads
from shaodao.foundation.models import Upload
from shaodao.sanitation.models import Segment, ServiceFinding
from shaodao.sanitation.proof.words import MENDED

SIZE, EDGE = (1000, 750), 70
GREY, RED, INK = (120, 130, 140), (200, 30, 20), (30, 34, 40)
BARS = (50, 100, 200, 500, 1000, 2000, 5000)


def photos(row: ServiceFinding) -> list[Upload]:
    """The picture as an upload; none where nothing can be drawn."""
    content = draw(row)
    return [uploads.store(ContentFile(content, name=f"finding-{row.pk}.png"))] if content else []


def draw(row: ServiceFinding) -> bytes:
    """PNG bytes; the same finding draws the same picture. One query."""
    segments = list(Segment.objects.filter(road=row.road_id, active=True).order_by("code"))
    lines = {s.code: np.array(s.geometry["coordinates"], np.float64)[:, :2] for s in segments}
    if not lines:
        return b""
    every = np.concatenate(list(lines.values()))
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    metres = np.array([111_320.0 * np.cos(np.radians(middle[1])), 111_320.0])
    wide = np.maximum((every.max(axis=0) - every.min(axis=0)) * metres, 50.0)
    scale = float(min((SIZE[0] - 2 * EDGE) / wide[0], (SIZE[1] - 3 * EDGE) / wide[1]))

    def at(points: Any) -> list[tuple[float, float]]:
        flat = (points - middle) * metres * scale
        return [(SIZE[0] / 2 + x, SIZE[1] / 2 - y) for x, y in flat.tolist()]

    image = Image.new("RGB", SIZE, (250, 250, 247))
    pen = ImageDraw.Draw(image)
    for line in lines.values():
        pen.line(at(line), fill=GREY, width=4)
    lacking = {i["segment"] for i in row.items if i["kind"] in MENDED and not i.get("made_up")}
    for code in sorted(lacking & lines.keys()):
        found = at(lines[code])
        pen.line(found, fill=RED, width=9)
        for (x, y), (x2, y2) in pairwise(found):
            _hatch(pen, x, y, x2, y2)
    if row.lon is not None and row.lat is not None:
        [(x, y)] = at(np.array([[row.lon, row.lat]]))
        pen.ellipse([x - 14, y - 14, x + 14, y + 14], outline=INK, width=4)
    _bar(pen, scale)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _hatch(pen: Any, x: float, y: float, x2: float, y2: float) -> None:
    """Strokes across, so that red is not needed to see it."""
    far = float(np.hypot(x2 - x, y2 - y))
    if far < 1:
        return
    ux, uy = (x2 - x) / far, (y2 - y) / far
    for step in np.arange(6.0, far, 14.0).tolist():
        cx, cy = x + ux * step, y + uy * step
        pen.line([(cx - uy * 11, cy + ux * 11), (cx + uy * 11, cy - ux * 11)], fill=RED, width=2)


def _bar(pen: Any, scale: float) -> None:
    """The longest of the round lengths that fits a third of the picture, with its metres."""
    long = max([bar for bar in BARS if bar * scale <= SIZE[0] / 3], default=BARS[0])
    x, y = EDGE, SIZE[1] - EDGE / 2
    pen.line([(x, y), (x + long * scale, y)], fill=INK, width=5)
    pen.text((x, y - 24), f"{long} m", fill=INK, font_size=18)
