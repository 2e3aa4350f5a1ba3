"""The JSON API: one OpenAPI description, put together from the rooms' routers."""

from shaodao.bikes.api import router as bikes_router
from shaodao.bikes.seen.api import router as seen_router
from shaodao.cases.api import api

api.add_router("", bikes_router)  # a room above the cases
api.add_router("", seen_router)

__all__ = ["api"]
