"""The spine: reports become cases; cases are assigned, handled, verified, closed, evaluated and watched.

Rows here are the present; `CaseEvent` is the history from which every tracked field can be rebuilt (`history.py`).
A model's `TRACKED` names the fields that its case's events carry; free text that may hold personal data stays out.
"""

from shaodao.cases.models.case import Addition, Case, Contact, Photo, Report
from shaodao.cases.models.handling import Assignment, Clock, Dispute, Note, TimeRequest, Whistle
from shaodao.cases.models.record import Anchor, CaseEvent, Notice, SavedView, Wording
from shaodao.cases.models.verdict import Appeal, Callback, Circular, CircularReading, Evaluation, Recheck, Verification

__all__ = [
    "Addition",
    "Anchor",
    "Appeal",
    "Assignment",
    "Callback",
    "Case",
    "CaseEvent",
    "Circular",
    "CircularReading",
    "Clock",
    "Contact",
    "Dispute",
    "Evaluation",
    "Note",
    "Notice",
    "Photo",
    "Recheck",
    "Report",
    "SavedView",
    "TimeRequest",
    "Verification",
    "Whistle",
    "Wording",
]
