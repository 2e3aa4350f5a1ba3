"""Where an operator's GBFS feed is fetched, and how that went the last time."""

from django.db import models

from shaodao.bikes.models.operators import Operator
from shaodao.cases.models.fields import PERSON, ref


class OperatorFeed(models.Model):
    """The address of an operator's GBFS feed (its gbfs.json, or the file with the vehicles itself), at most one each.
    What was set stands above, what the last fetches found below; the positions themselves go through the ingest."""

    operator = models.OneToOneField(Operator, on_delete=models.PROTECT, related_name="gbfs_feed")
    url = models.CharField(max_length=500)
    header = models.CharField(max_length=60, blank=True)  # name of a header that the feed asks for,
    secret = models.TextField(blank=True)  # and its value, sealed (organisations/account/sealing.py)
    datum = models.CharField(max_length=8, default="WGS-84")  # of the positions; GBFS says WGS-84
    interval_s = models.PositiveIntegerField(default=60)
    active = models.BooleanField(default=True)
    changed_at = models.DateTimeField()
    changed_by = ref(PERSON, "changed_operator_feeds")

    next_at = models.DateTimeField(db_index=True)
    last_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)  # something usable came
    failures = models.PositiveIntegerField(default=0)  # in a row
    fault = models.CharField(max_length=300, blank=True)  # what was wrong the last time
    version = models.CharField(max_length=20, blank=True)  # of GBFS
    list_url = models.CharField(max_length=500, blank=True)  # where the last whole list came from,
    etag = models.CharField(max_length=300, blank=True)  # its validators
    last_modified = models.CharField(max_length=100, blank=True)
    updated_ms = models.BigIntegerField(null=True)  # `last_updated` of the newest list
    whole_ms = models.BigIntegerField(null=True)  # when the last whole list came
    listed = models.PositiveIntegerField(default=0)  # vehicles in it
    doubted = models.PositiveIntegerField(default=0)  # lists in a row that may not be whole
    looks = models.CharField(max_length=8, blank=True)  # the datum that the positions look like, if it is not `datum`
    clock_hours = models.SmallIntegerField(default=0)  # how many hours its clock is behind ours
    stations_say = models.PositiveIntegerField(
        null=True
    )  # vehicles at stations by `station_status`; null: no such file
    stations_listed = models.PositiveIntegerField(null=True)  # of the list, how many may be those

    def __str__(self) -> str:
        return f"{self.operator_id} {self.url}"
