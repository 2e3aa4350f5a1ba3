"""The tables of shared bikes. Rows here are the present; `OperatorEvent` is the history that explains it."""

from shaodao.bikes.models.operators import ChecklistItem, Operator, OperatorEvent, OperatorPaper
from shaodao.bikes.models.vehicles import UnknownVehicle, Vehicle

__all__ = ["ChecklistItem", "Operator", "OperatorEvent", "OperatorPaper", "UnknownVehicle", "Vehicle"]
