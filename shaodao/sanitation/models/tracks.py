"""GNSS boxes, and what was heard of vehicles: raw fixes in sealed batches, sums by day, faults by door.

A fix has no row of its own: sixty vehicles send some three million a day. `tracks/store.py` writes and reads the batches.
"""

from django.db import models

from shaodao.cases.models.fields import ref
from shaodao.sanitation.models.fleet import Vehicle
from shaodao.sanitation.models.kept import Kept
from shaodao.sanitation.words import Door


class Box(Kept):
    """A GNSS receiver and the vehicle that it sits in. Its token and when it was heard are no part of the book's history."""

    vehicle = ref(Vehicle, "boxes", null=False)
    datum = models.CharField(max_length=8, default="WGS-84")  # of the positions that it sends
    token_digest = models.CharField(max_length=64, blank=True, db_index=True)  # SHA-256; empty: it has none
    heard_at = models.DateTimeField(null=True, blank=True)  # the last call in which it was named, kept to the minute

    TRACKED = (*Kept.ALWAYS, "vehicle_id", "datum")


class TrackBatch(models.Model):
    """Fixes of one vehicle on one day of the district's clock, as they came in one call. Never changed.

    What is small stands in `body`; the clock packs those of a vehicle and day into one batch whose bytes are a file under
    POSITIONS_ROOT. `sha256` is of the columns (tracks/columns.py), so the same fixes have the same one in either form.
    """

    vehicle = ref(Vehicle, "track_batches", null=False)
    day = models.DateField()
    door = models.CharField(max_length=6, choices=Door.choices, blank=True)  # empty: of several
    sha256 = models.CharField(max_length=64)
    fixes = models.PositiveIntegerField()
    first_ms = models.BigIntegerField()  # milliseconds since 1970
    last_ms = models.BigIntegerField()
    body = models.BinaryField(blank=True)  # Arrow stream
    file = models.CharField(max_length=120, blank=True)  # Parquet, under tracks/
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["day", "vehicle_id", "first_ms", "pk"]
        indexes = [models.Index(fields=["day", "vehicle", "first_ms"])]
        constraints = [models.UniqueConstraint(fields=["vehicle", "day", "sha256"], name="track_batch_once")]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.day} {self.fixes}"


class TrackDay(models.Model):
    """A day of which there are fixes. A proof older than `changed_at` has to be made again."""

    day = models.DateField(primary_key=True)
    changed_at = models.DateTimeField(db_index=True)  # the last time that new fixes of it were kept
    fixes = models.PositiveBigIntegerField(default=0)
    vehicles = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day} {self.fixes}"


class TrackCount(models.Model):
    """What came in on a day through a door, of a vehicle or (empty) of none that is known: sums that can be added up."""

    day = models.DateField()  # when it was received
    door = models.CharField(max_length=6, choices=Door.choices)
    vehicle = models.CharField(max_length=60, blank=True)
    received = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)  # there already
    faults = models.JSONField(default=dict)  # of those left out: {"future": 3, …}
    marked = models.JSONField(default=dict)  # of those kept without a value that could not be: {"speed": 2, …}
    examples = models.JSONField(default=list)  # the last faults: [{"at", "row", "box", "vehicle", "why"}]
    failures = models.PositiveIntegerField(default=0)  # calls and messages that brought nothing
    last_failure = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-day", "door", "vehicle"]
        constraints = [models.UniqueConstraint(fields=["day", "door", "vehicle"], name="track_count_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.door} {self.vehicle} {self.received}"
