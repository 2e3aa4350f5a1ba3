"""What was done to a bin, said by a crew's phone beside it; and the keys with which phones say it."""

from django.db import models

from shaodao.cases.models.fields import PERSON, ref
from shaodao.foundation.models import Upload
from shaodao.sanitation.models.bins import Bin
from shaodao.sanitation.models.fleet import Crew
from shaodao.sanitation.words import BinTask, BinTrouble


class CrewKey(models.Model):
    """A link that makes a phone one of a crew's: crews have no accounts. Withdrawn, never deleted."""

    crew = ref(Crew, "keys", null=False)
    label = models.CharField(max_length=60, blank=True)  # whose phone
    issued_at = models.DateTimeField()
    issued_by = ref(PERSON, "crew_keys")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.crew_id} {self.label}"


class BinVisit(models.Model):
    """One task at one bin; a visit with three tasks is three rows of one `visit`. Written once; nobody edits them."""

    visit = models.CharField(max_length=40)  # the phone's key: the same visit sent twice is one
    bin = ref(Bin, "visits", null=False)
    task = models.CharField(max_length=10, choices=BinTask.choices)
    day = models.DateField()  # of `at`, on the district's wall clock
    at = models.DateTimeField()  # the phone's clock, never later than the moment it was received
    received_at = models.DateTimeField()
    key = ref(CrewKey, "visits", null=False)
    distance_m = models.FloatField(null=True, blank=True)  # from the phone to the bin
    upload = ref(Upload, "bin_visits")
    photo_asked = models.BooleanField(default=False)  # this visit was in the sample
    trouble = models.CharField(max_length=10, choices=BinTrouble.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["visit", "task"], name="bin_visit_once")]
        indexes = [models.Index(fields=["day", "bin"])]

    def __str__(self) -> str:
        return f"{self.bin_id} {self.task} {self.at}"
