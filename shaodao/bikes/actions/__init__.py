"""Every write about operators. Importing this package registers the bodies of the table's actions."""

from shaodao.bikes.actions import access, admission, devices, registry
from shaodao.bikes.actions.admission import enrol
from shaodao.bikes.actions.record import BODIES, Done, perform

__all__ = ["BODIES", "Done", "access", "admission", "devices", "enrol", "perform", "registry"]
