"""The tables of the sanitation book. Rows are the present; `BookEvent` is the history that explains them."""

from shaodao.sanitation.models.bins import Bin, BinRound
from shaodao.sanitation.models.binwork import BinVisit, CrewKey
from shaodao.sanitation.models.fleet import Crew, Depot, FillPoint, Maintenance, Shift, Vehicle
from shaodao.sanitation.models.inspections import Inspection, InspectionRound
from shaodao.sanitation.models.kept import BookEvent, Kept
from shaodao.sanitation.models.legreports import LegReport
from shaodao.sanitation.models.plans import DayPlan, Leg, Trip
from shaodao.sanitation.models.proof import DayProof, ProvenPass, ServiceFinding
from shaodao.sanitation.models.roads import Road, Segment
from shaodao.sanitation.models.services import ServiceMode
from shaodao.sanitation.models.tracks import Box, TrackBatch, TrackCount, TrackDay
from shaodao.sanitation.models.weather import Weather

__all__ = [
    "Bin",
    "BinRound",
    "BinVisit",
    "BookEvent",
    "Box",
    "Crew",
    "CrewKey",
    "DayPlan",
    "DayProof",
    "Depot",
    "FillPoint",
    "Inspection",
    "InspectionRound",
    "Kept",
    "Leg",
    "LegReport",
    "Maintenance",
    "ProvenPass",
    "Road",
    "Segment",
    "ServiceFinding",
    "ServiceMode",
    "Shift",
    "TrackBatch",
    "TrackCount",
    "TrackDay",
    "Trip",
    "Vehicle",
    "Weather",
]
