"""What a crew says on the road became of one leg of its trip. It proves nothing by itself: tracks do."""

from django.db import models

from shaodao.sanitation.models.plans import Leg
from shaodao.sanitation.words import LegSaid, SkipReason


class LegReport(models.Model):
    """Written once; a later report on the same leg corrects an earlier one, and both stay."""

    leg = models.ForeignKey(Leg, models.PROTECT, related_name="reports")
    key = models.CharField(max_length=40, unique=True)  # the phone's: the same report sent twice is one
    kind = models.CharField(max_length=8, choices=LegSaid.choices)
    why = models.CharField(max_length=8, choices=SkipReason.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()  # the phone's clock, never later than the moment it was received
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.leg_id} {self.kind} {self.at}"
