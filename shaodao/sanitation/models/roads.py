"""Roads and their segments. A segment is a stretch of *one* carriageway between two junctions, in driving direction."""

from django.db import models

from shaodao.cases.models.fields import ref
from shaodao.sanitation.models.kept import Kept
from shaodao.sanitation.words import RoadClass


class Road(Kept):
    road_class = models.CharField(max_length=12, choices=RoadClass.choices, default=RoadClass.TRUNK)

    TRACKED = (*Kept.ALWAYS, "road_class")


class Segment(Kept):
    """Areas are square metres of this carriageway's half of the road, and each has its own column: a promise over the
    total is another one than over the carriageway."""

    road = ref(Road, "segments", null=False)
    geometry = models.JSONField()  # GeoJSON LineString, WGS-84, in driving direction
    length_m = models.FloatField()
    lanes = models.PositiveSmallIntegerField(default=1)
    total_m2 = models.FloatField(default=0)
    carriageway_m2 = models.FloatField(default=0)
    pavement_m2 = models.FloatField(default=0)
    verge_m2 = models.FloatField(default=0)

    TRACKED = (
        *Kept.ALWAYS, "road_id", "geometry", "length_m", "lanes", "total_m2", "carriageway_m2", "pavement_m2",
        "verge_m2",
    )  # fmt: skip

    class Meta(Kept.Meta):
        indexes = [models.Index(fields=["road", "active"])]
