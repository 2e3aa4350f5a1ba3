"""The JSON API: one OpenAPI description, put together from the rooms' routers."""

from shaodao.bikes.api import router as bikes_router
from shaodao.bikes.bayapi import router as bays_router
from shaodao.cases.api import api

api.add_router("", bikes_router)  # a room above the cases
api.add_router("", bays_router)

__all__ = ["api"]
