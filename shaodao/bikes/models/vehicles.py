"""The registry of vehicles, and what was seen in the street that is not in it."""

from django.db import models

from shaodao.bikes.models.operators import Operator
from shaodao.bikes.words import VehicleKind, VehicleState
from shaodao.cases.models.fields import ref


class Vehicle(models.Model):
    """A bike that an operator has registered with the district, by its plate or code.

    `vehicle_id` is what the operator's non-public feeds (MDS, push) call it; the ids of public GBFS change with each
    trip and identify nothing. `last_seen_at` is written by the ingest of positions.
    """

    operator = ref(Operator, "vehicles", null=False)
    plate = models.CharField(max_length=60)
    vehicle_id = models.CharField(max_length=100, null=True, blank=True)
    kind = models.CharField(max_length=8, choices=VehicleKind.choices, default=VehicleKind.BICYCLE)
    state = models.CharField(max_length=12, choices=VehicleState.choices, default=VehicleState.ACTIVE)
    registered_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["operator_id", "plate"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "plate"], name="vehicle_plate"),
            models.UniqueConstraint(fields=["operator", "vehicle_id"], name="vehicle_feed_id"),
        ]
        indexes = [models.Index(fields=["plate"]), models.Index(fields=["operator", "state"])]

    def __str__(self) -> str:
        return self.plate


class UnknownVehicle(models.Model):
    """A vehicle that an operator's feed reported and that its registry does not name; written by the ingest.

    One row for each id, not for each fix. Registering the vehicle removes the row (actions/registry.py).
    """

    operator = ref(Operator, "unknown_vehicles", null=False)
    vehicle_id = models.CharField(max_length=100)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-last_seen_at", "id"]
        constraints = [models.UniqueConstraint(fields=["operator", "vehicle_id"], name="unknown_vehicle_once")]

    def __str__(self) -> str:
        return self.vehicle_id
