"""What a day is done with: vehicles and their depots, fill points, crews and shifts, days in the workshop."""

from django.db import models

from shaodao.cases.models.fields import ref
from shaodao.sanitation.models.kept import Kept
from shaodao.sanitation.words import Energy, VehicleType


class Placed(Kept):
    lon = models.FloatField()  # WGS-84
    lat = models.FloatField()

    class Meta(Kept.Meta):
        abstract = True


class Depot(Placed):
    TRACKED = (*Kept.ALWAYS, "lon", "lat")


class FillPoint(Placed):
    flow_m3_min = models.FloatField()  # of one bay
    bays = models.PositiveSmallIntegerField(default=1)
    hours = models.JSONField(default=list)  # [[first minute, last minute], …] of the day; empty: always

    TRACKED = (*Kept.ALWAYS, "lon", "lat", "flow_m3_min", "bays", "hours")


class Crew(Kept):
    depot = ref(Depot, "crews")
    people = models.PositiveSmallIntegerField(default=0)
    unit = models.CharField(max_length=20, blank=True)  # code of the organisation that answers for it

    TRACKED = (*Kept.ALWAYS, "depot_id", "people", "unit")


class Shift(Kept):
    """When a crew works, and when in between it rests."""

    crew = ref(Crew, "shifts", null=False)
    hours = models.JSONField(default=list)
    breaks = models.JSONField(default=list)

    TRACKED = (*Kept.ALWAYS, "crew_id", "hours", "breaks")


class Vehicle(Kept):
    type = models.CharField(max_length=16, choices=VehicleType.choices)
    crew = ref(Crew, "vehicles")
    tank_m3 = models.FloatField(default=0)
    swath_m = models.FloatField(default=0)
    working_kmh = models.FloatField()
    transfer_kmh = models.FloatField()
    energy = models.CharField(max_length=10, choices=Energy.choices, default=Energy.DIESEL)

    TRACKED = (
        *Kept.ALWAYS, "type", "crew_id", "tank_m3", "swath_m", "working_kmh", "transfer_kmh", "energy",
    )  # fmt: skip


class Maintenance(Kept):
    """Days on which a vehicle is not there."""

    vehicle = ref(Vehicle, "maintenance", null=False)
    first_day = models.DateField()
    last_day = models.DateField()

    TRACKED = (*Kept.ALWAYS, "vehicle_id", "first_day", "last_day")
