"""Where bikes are: the present of each vehicle, what came in and is not yet in Parquet, and how good each feed is.

Times are integer milliseconds since 1970 (as in MDS), degrees integer microdegrees of WGS-84: exact alike on every
database, in Parquet and in the kernels, and cheap to write by the thousand.
"""

from django.db import models

from shaodao.bikes.models.bays import Bay, Zone
from shaodao.bikes.models.operators import Operator
from shaodao.bikes.words import FeedState, Source
from shaodao.cases.models.fields import ref
from shaodao.places.models import Place


class VehicleStatus(models.Model):
    """The last known position of a vehicle and what was judged of it (MDS: vehicle status). One row for each id of
    an operator's non-public feed, registered or not. Written only by the ingest (ingest/store.py)."""

    operator = ref(Operator, "statuses", null=False)
    vehicle_id = models.CharField(max_length=100)
    state = models.CharField(max_length=16, choices=FeedState.choices)  # as the feed says
    at_ms = models.BigIntegerField()  # of the position
    received_ms = models.BigIntegerField()
    lon_e6 = models.IntegerField()
    lat_e6 = models.IntegerField()
    accuracy_m = models.FloatField(null=True)
    parked = models.SmallIntegerField(null=True)  # kernel.parking.Parked; null: in use, so not parked
    bay = ref(Bay, "statuses")
    distance_mm = models.IntegerField(null=True)  # to the bay's boundary
    confidence = models.SmallIntegerField(null=True)  # percent: this bay, or none, is where it truly stands
    zone = ref(Zone, "statuses")  # a no-parking zone in force that it stands in
    street = ref(Place, "street_statuses")
    community = ref(Place, "community_statuses")  # null: outside the district
    stood_since_ms = models.BigIntegerField()  # since when it has been at this place,
    stood_lon_e6 = models.IntegerField()  # which is where it first stood: small jumps of GPS do not move it
    stood_lat_e6 = models.IntegerField()
    wrong_fixes = models.IntegerField(default=0)  # fixes in a row that found it outside of bays or in a zone
    flags = models.IntegerField(default=0)  # bits of words.Flag
    recent = models.BinaryField(default=bytes)  # times of its last fixes, int64: a second copy is a duplicate

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "vehicle_id"], name="vehicle_status_once")]

    def __str__(self) -> str:
        return self.vehicle_id


class PositionBatch(models.Model):
    """Positions that came in and are not in Parquet yet, as one Arrow stream: written in the transaction that made
    them visible, so that what was acknowledged is kept, and removed when the day's file holds them."""

    operator = ref(Operator, "position_batches", null=False)
    source = models.CharField(max_length=6, choices=Source.choices)
    received_ms = models.BigIntegerField(db_index=True)
    rows = models.IntegerField()
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.operator_id} {self.rows}"


class FeedQuality(models.Model):
    """What an operator sent on a day of the district's clock, by the door it came through: sums that can be added up."""

    operator = ref(Operator, "feed_quality", null=False)
    day = models.DateField()  # when it was received
    source = models.CharField(max_length=6, choices=Source.choices)
    received = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    reasons = models.JSONField(default=dict)  # of the rejected: {"future": 3, …}
    marked = models.JSONField(default=dict)  # of the kept: {"teleport": 2, "late": 5, …}
    latency = models.JSONField(default=list)  # kept positions by seconds between fix and receipt: words.LATENCY
    latency_ms = models.BigIntegerField(default=0)  # sum
    gaps = models.IntegerField(default=0)  # silences longer than the pack allows,
    longest_gap_ms = models.BigIntegerField(default=0)
    calls = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)  # calls that brought nothing: down, half-written, not what it says
    last_failure = models.CharField(max_length=300, blank=True)
    first_received_ms = models.BigIntegerField(null=True)
    last_received_ms = models.BigIntegerField(null=True)
    examples = models.JSONField(default=list)  # the last rejected: [{"row", "vehicle_id", "why"}]

    class Meta:
        ordering = ["-day", "operator_id"]
        constraints = [models.UniqueConstraint(fields=["operator", "day", "source"], name="feed_quality_once")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.day} {self.source}"
