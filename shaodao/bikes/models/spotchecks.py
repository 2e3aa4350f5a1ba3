"""Bikes counted by eye, beside what the feeds said at that moment. Written once; nobody edits them."""

from django.db import models

from shaodao.bikes.models.bays import Bay
from shaodao.bikes.models.operators import Operator
from shaodao.cases.models.fields import PERSON, ref
from shaodao.foundation.models import Upload


class SpotCheck(models.Model):
    """How many bikes somebody counted in a bay, of one operator or (None) of all; one visit makes several rows."""

    visit = models.CharField(max_length=40)  # the phone's key: the same visit sent twice is one
    bay = ref(Bay, "spot_checks", null=False)
    operator = ref(Operator, "spot_checks")
    counted = models.PositiveIntegerField()
    fed = models.PositiveIntegerField()  # by the feeds at that moment
    difference = models.IntegerField()  # counted - fed
    silent = models.BooleanField(default=False)  # the feed said nothing just then: not held against its numbers
    person = ref(PERSON, "bike_spot_checks", null=False)
    at = models.DateTimeField()
    lon = models.FloatField(null=True, blank=True)  # of the phone
    lat = models.FloatField(null=True, blank=True)
    distance_m = models.FloatField(null=True, blank=True)  # from the phone to the bay's point
    upload = ref(Upload, "bike_spot_checks")  # a photo of the bay
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["visit", "operator"], name="spot_check_once"),
            models.UniqueConstraint(
                fields=["visit"], condition=models.Q(operator__isnull=True), name="spot_check_of_all_once"
            ),
        ]
        indexes = [models.Index(fields=["operator", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.bay_id} {self.counted}/{self.fed}"
