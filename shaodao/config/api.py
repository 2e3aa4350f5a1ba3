"""The JSON API: one OpenAPI description, put together from the rooms' routers."""

from shaodao.bikes.api import router as bikes_router
from shaodao.bikes.bays.api import router as bays_router
from shaodao.bikes.findings.api import router as findings_router
from shaodao.bikes.seen.api import router as seen_router
from shaodao.cases.api import api
from shaodao.sanitation.tracks.api import router as tracks_router

for router in (bikes_router, bays_router, seen_router, findings_router, tracks_router):  # of rooms above the cases
    api.add_router("", router)

__all__ = ["api"]
