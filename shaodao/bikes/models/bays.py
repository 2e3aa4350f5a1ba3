"""Parking bays and zones. The row is the present; its versions say how it was on any day, and are never changed."""

from django.db import models

from shaodao.bikes.words import ZoneKind
from shaodao.cases.models.fields import PERSON, ref
from shaodao.places.models import Place


class Shape(models.Model):
    """What a bay's row and each of its versions have in common."""

    name = models.CharField(max_length=100, blank=True)
    geometry = models.JSONField()  # GeoJSON Polygon or MultiPolygon, WGS-84
    source = models.CharField(max_length=300, blank=True)
    illustrative = models.BooleanField(default=False)

    class Meta:
        abstract = True


class BayFields(Shape):
    length_m = models.FloatField()  # the longer side of the least box around it, metres
    area_m2 = models.FloatField()
    capacity = models.PositiveIntegerField()  # bikes
    capacity_given = models.BooleanField(default=False)  # by a person or the file; else by the pack's rule
    tolerance_m = models.FloatField(null=True, blank=True)  # of GPS; null: the pack's

    class Meta:
        abstract = True


class Bay(BayFields):
    """A parking bay (停放点位) as it is now; `active` is false once it was taken away."""

    code = models.CharField(max_length=40, unique=True)
    lon = models.FloatField()  # a point inside it
    lat = models.FloatField()
    street = ref(Place, "street_bays")
    community = ref(Place, "community_bays")  # null: outside the district
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateTimeField()  # of this version
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        indexes = [models.Index(fields=["active", "code"]), models.Index(fields=["version"])]  # their sum: ground.py

    def __str__(self) -> str:
        return self.name or self.code


class BayVersion(BayFields):
    """A bay from `valid_from` until (not including) `valid_until`; null: still. What was taken away has no open one."""

    bay = ref(Bay, "versions", null=False)
    version = models.PositiveIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    changed_by = ref(PERSON, "changed_bays")  # null: a pack or a command
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["bay_id", "version"]
        constraints = [models.UniqueConstraint(fields=["bay", "version"], name="bay_version_once")]
        indexes = [models.Index(fields=["valid_from", "valid_until"])]

    def __str__(self) -> str:
        return f"{self.bay_id} v{self.version}"


class ZoneFields(Shape):
    kind = models.CharField(max_length=12, choices=ZoneKind.choices)
    quota = models.PositiveIntegerField(null=True, blank=True)  # bikes that may stand in it at once (kind `quota`)
    begins_at = models.DateTimeField(null=True, blank=True)  # a temporary zone: an event;
    ends_at = models.DateTimeField(null=True, blank=True)  # null: for good
    daily_from = models.TimeField(null=True, blank=True)  # within each day, of the district's wall clock,
    daily_until = models.TimeField(null=True, blank=True)
    weekdays = models.CharField(max_length=7, blank=True)  # and on these: "12345"; empty: all

    class Meta:
        abstract = True


class Zone(ZoneFields):
    """An area with a rule of its own (电子围栏), as it is now."""

    code = models.CharField(max_length=40, unique=True)
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateTimeField()
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name or self.code


class ZoneVersion(ZoneFields):
    """A zone from `valid_from` until (not including) `valid_until`; null: still."""

    zone = ref(Zone, "versions", null=False)
    version = models.PositiveIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    changed_by = ref(PERSON, "changed_zones")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["zone_id", "version"]
        constraints = [models.UniqueConstraint(fields=["zone", "version"], name="zone_version_once")]

    def __str__(self) -> str:
        return f"{self.zone_id} v{self.version}"
