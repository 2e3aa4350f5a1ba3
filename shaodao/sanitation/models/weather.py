"""The weather of an hour, typed in or read from a file: what stops a service."""

from django.db import models

from shaodao.sanitation.models.kept import Kept


class Weather(Kept):
    """`code` is day and hour on the district's wall clock: 2026-12-01T06."""

    day = models.DateField(db_index=True)
    hour = models.PositiveSmallIntegerField()
    air_c = models.FloatField()
    ground_c = models.FloatField(null=True, blank=True)
    wind_level = models.PositiveSmallIntegerField(null=True, blank=True)

    TRACKED = (*Kept.ALWAYS, "day", "hour", "air_c", "ground_c", "wind_level")
