"""Inspections by eye: which segments chance drew on a day, and what an inspector found there."""

from django.db import models

from shaodao.cases.models.fields import PERSON, ref
from shaodao.foundation.models import Upload
from shaodao.sanitation.models.roads import Segment


class InspectionRound(models.Model):
    """A sample of segments. `seed` and `frame` (SHA-256 of what it was drawn from) let anybody draw it again."""

    day = models.DateField(db_index=True)
    number = models.PositiveSmallIntegerField()  # of the day
    seed = models.CharField(max_length=32)
    frame = models.CharField(max_length=64)
    asked = models.PositiveSmallIntegerField()
    card = models.JSONField()  # the score card then: [[code, name, name_en, points], …]
    made_at = models.DateTimeField()
    made_by = ref(PERSON, "inspection_rounds")
    reason = models.CharField(max_length=300, blank=True)  # of a second sample on a day

    class Meta:
        ordering = ["-day", "-number"]
        constraints = [models.UniqueConstraint(fields=["day", "number"], name="inspection_round_once")]

    def __str__(self) -> str:
        return f"{self.day}-{self.number}"


class Inspection(models.Model):
    """One drawn segment; written once, by whoever was there. `score` None: not inspected yet, or `impossible` says why."""

    round = models.ForeignKey(InspectionRound, models.CASCADE, related_name="inspections")
    seq = models.PositiveSmallIntegerField()
    segment = ref(Segment, "inspections", null=False)
    points = models.JSONField(default=dict)  # by code of the card
    score = models.FloatField(null=True, blank=True)  # percent of the card's points
    dust_g_m2 = models.FloatField(null=True, blank=True)
    impossible = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=300, blank=True)
    person = ref(PERSON, "inspections")
    at = models.DateTimeField(null=True, blank=True)
    distance_m = models.FloatField(null=True, blank=True)  # from the phone to the segment's line
    photos = models.ManyToManyField(Upload, related_name="inspections", blank=True)

    class Meta:
        ordering = ["round", "seq"]
        constraints = [models.UniqueConstraint(fields=["round", "segment"], name="inspection_once")]

    def __str__(self) -> str:
        return f"{self.round_id} {self.segment_id}"
