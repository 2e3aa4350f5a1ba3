"""What operators' event feeds (MDS) said last about each vehicle."""

from django.db import models

from shaodao.bikes.models.operators import Operator
from shaodao.bikes.words import FeedState
from shaodao.cases.models.fields import ref


class VehicleEvent(models.Model):
    """The newest event of a vehicle. Positions that come without a state (MDS telemetry) have that of the event before
    them; events and telemetry come by different calls, in any order. Written only by ingest/sources/mds.py."""

    operator = ref(Operator, "vehicle_events", null=False)
    vehicle_id = models.CharField(max_length=100)
    at_ms = models.BigIntegerField()
    event_id = models.CharField(max_length=36)
    state = models.CharField(max_length=16, choices=FeedState.choices)
    types = models.CharField(max_length=300)  # separated by commas
    lon_e6 = models.IntegerField()  # of a ride reduced in precision, as everywhere
    lat_e6 = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "vehicle_id"], name="vehicle_event_once")]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.types}"
