"""The tables of shared bikes. Rows here are the present; `OperatorEvent` is the history that explains it."""

from shaodao.bikes.models.bays import Bay, BayVersion, Zone, ZoneVersion
from shaodao.bikes.models.events import VehicleEvent
from shaodao.bikes.models.feeds import OperatorFeed
from shaodao.bikes.models.findings import Finding, Observation
from shaodao.bikes.models.operators import ChecklistItem, Operator, OperatorEvent, OperatorPaper
from shaodao.bikes.models.positions import FeedQuality, PositionBatch, VehicleStatus
from shaodao.bikes.models.vehicles import UnknownVehicle, Vehicle

__all__ = [
    "Bay",
    "BayVersion",
    "ChecklistItem",
    "FeedQuality",
    "Finding",
    "Observation",
    "Operator",
    "OperatorEvent",
    "OperatorFeed",
    "OperatorPaper",
    "PositionBatch",
    "UnknownVehicle",
    "Vehicle",
    "VehicleEvent",
    "VehicleStatus",
    "Zone",
    "ZoneVersion",
]
