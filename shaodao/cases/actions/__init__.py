"""Every write of the loop. Importing this package registers all actions; `perform` runs one by its name."""

from shaodao.cases.actions import after, appealing, dispatching, handling, intake, upkeep, urging, verifying, whistling
from shaodao.cases.actions.reporting import Received, Submission, report
from shaodao.cases.actions.step import Actor, Done, perform

__all__ = [
    "Actor",
    "Done",
    "Received",
    "Submission",
    "after",
    "appealing",
    "dispatching",
    "handling",
    "intake",
    "perform",
    "report",
    "upkeep",
    "urging",
    "verifying",
    "whistling",
]
