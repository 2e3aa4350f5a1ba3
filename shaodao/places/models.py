"""Where is where: county, streets, communities and villages, and the unit grid."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Place(models.Model):
    """A territorial unit of the statistics bureau's code: county 6, street 9, community or village 12 digits."""

    class Level(models.TextChoices):
        COUNTY = "county", _("区县")
        STREET = "street", _("街道")
        COMMUNITY = "community", _("社区")
        VILLAGE = "village", _("村")
        ESTATE = "estate", _("小区")
        BUILDING = "building", _("楼栋")

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    level = models.CharField(max_length=10, choices=Level.choices, db_index=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    geometry = models.JSONField(null=True, blank=True)  # GeoJSON geometry, WGS-84
    geometry_illustrative = models.BooleanField(default=True)
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Cell(models.Model):
    """A unit grid cell (单元网格) of about 10,000 m2: county 6 + street 3 + community 3 + serial 3 digits.

    Bounds are integer micro-degrees (WGS-84) so that a look-up is exact on every database; `geometry` is only
    present where an imported cell is not its own bounding box.
    """

    code = models.CharField(max_length=15, primary_key=True)
    community = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="cells")
    west = models.IntegerField()
    south = models.IntegerField()
    east = models.IntegerField()
    north = models.IntegerField()
    geometry = models.JSONField(null=True, blank=True)
    illustrative = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        indexes = [models.Index(fields=["south", "west"])]

    def __str__(self) -> str:
        return self.code
