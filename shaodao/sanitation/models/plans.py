"""The plan of a day: which vehicle does which service on which segment, in which order and when.

A plan is made once and then only published or withdrawn; an edit by hand, and a new plan in the middle of the day, are new
plans with `parent`. Times are seconds from midnight of `day` on the district's wall clock.
"""

from django.db import models

from shaodao.cases.models.fields import PERSON, ref
from shaodao.sanitation.models.fleet import Crew, FillPoint, Vehicle
from shaodao.sanitation.models.roads import Segment
from shaodao.sanitation.models.services import ServiceMode
from shaodao.sanitation.words import LegKind, PlanState


class DayPlan(models.Model):
    day = models.DateField(db_index=True)
    state = models.CharField(max_length=10, choices=PlanState.choices, default=PlanState.DRAFT)
    parent = ref("self", "children")
    from_s = models.PositiveIntegerField(default=0)  # what lies before was taken over from the parent as it was
    reason = models.CharField(max_length=300, blank=True)  # of an edit, a new plan, a withdrawal
    made_at = models.DateTimeField()
    made_by = ref(PERSON, "sanitation_plans")
    published_at = models.DateTimeField(null=True, blank=True)
    seed = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)  # that the search was given
    facts = models.CharField(max_length=64, blank=True)  # SHA-256 of what it was made from
    figures = models.JSONField(default=dict)  # sums, by service, by vehicle
    left_out = models.JSONField(default=list)  # [{mode, pass, why, segments}, …] by codes
    changes = models.JSONField(
        default=dict
    )  # to the book, of this day: {"broken": {vehicle: s}, "closed": [[mode, s, s], …]}
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-day", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["day"], condition=models.Q(state=PlanState.PUBLISHED), name="one_published_plan_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} #{self.pk}"


class Trip(models.Model):
    """One vehicle in one shift."""

    plan = models.ForeignKey(DayPlan, models.CASCADE, related_name="trips")
    vehicle = ref(Vehicle, "trips", null=False)
    crew = ref(Crew, "trips")
    begin_s = models.PositiveIntegerField()
    end_s = models.PositiveIntegerField()
    work_m = models.FloatField(default=0)
    move_m = models.FloatField(default=0)
    water_l = models.FloatField(default=0)
    fills = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["vehicle__code", "begin_s"]
        indexes = [models.Index(fields=["plan", "vehicle"])]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.vehicle_id}"


class Leg(models.Model):
    """One thing after another on a trip. A service is one run over a segment (the engine writes each as its own leg, since a
    wide carriageway is done in loops): the segment, the mode, which pass of the day, how many runs."""

    trip = models.ForeignKey(Trip, models.CASCADE, related_name="legs")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=LegKind.choices)
    begin_s = models.FloatField()
    end_s = models.FloatField()
    metres = models.FloatField(default=0)
    water_l = models.FloatField(default=0)  # used by a service, taken at a fill
    segment = ref(Segment, "legs")
    mode = ref(ServiceMode, "legs")
    pass_no = models.PositiveSmallIntegerField(default=0)  # 1 … of the day
    runs = models.PositiveSmallIntegerField(default=0)
    fill_point = ref(FillPoint, "legs")

    class Meta:
        ordering = ["trip", "seq"]
        constraints = [models.UniqueConstraint(fields=["trip", "seq"], name="leg_once")]

    def __str__(self) -> str:
        return f"{self.trip_id} {self.seq} {self.kind}"
