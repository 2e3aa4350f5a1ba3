"""Service modes: what is to be done to a road on a day, how often, when, when not, and how fast it can be done."""

from django.db import models

from shaodao.sanitation.models.kept import Kept
from shaodao.sanitation.words import ColdBasis, Scope, ServiceKind, VehicleType


class ServiceMode(Kept):
    kind = models.CharField(max_length=16, choices=ServiceKind.choices)
    passes = models.PositiveSmallIntegerField(default=1)  # a day
    spacing_min = models.PositiveIntegerField(default=0)  # minutes at least between two passes of a segment
    windows = models.JSONField(default=list)  # [[first minute, last minute, passes in it], …] of the day
    peaks = models.JSONField(default=list)  # [[first minute, last minute], …] in which it may not run
    months = models.JSONField(default=list)  # 1 … 12 in which it runs; empty: all
    vehicle_type = models.CharField(max_length=16, choices=VehicleType.choices)
    scope = models.CharField(max_length=12, choices=Scope.choices, default=Scope.TOTAL)
    runs = models.PositiveSmallIntegerField(default=0)  # a carriageway a pass; 0: as many as its width takes
    swath_m = models.FloatField(default=0)  # width that one run takes
    traverses = models.PositiveSmallIntegerField(default=1)  # of the same strip, for one pass
    speed_kmh = models.FloatField()
    water_l_m2 = models.FloatField(default=0)  # a traverse; 0: dry
    cold_c = models.FloatField(null=True, blank=True)  # stops below; null: never
    cold_basis = models.CharField(max_length=6, choices=ColdBasis.choices, default=ColdBasis.AIR)
    wind_level = models.PositiveSmallIntegerField(null=True, blank=True)  # stops from this level (Beaufort) on
    priority = models.PositiveSmallIntegerField(default=100)  # the smaller number gets vehicles and water first

    TRACKED = (
        *Kept.ALWAYS, "kind", "passes", "spacing_min", "windows", "peaks", "months", "vehicle_type", "scope", "runs",
        "swath_m", "traverses", "speed_kmh", "water_l_m2", "cold_c", "cold_basis", "wind_level", "priority",
    )  # fmt: skip
