"""The JSON API at /api/v1/: one OpenAPI description, put together from the rooms' routers."""

from shaodao.cases.api.cases import router as cases_router
from shaodao.cases.api.house import House
from shaodao.cases.api.office import router as office_router
from shaodao.cases.api.reports import router as reports_router
from shaodao.catalogue.api import router as catalogue_router
from shaodao.organisations.api import router as organisations_router
from shaodao.places.api import router as places_router

api = House(
    title="Shaodao",
    version="1.0.0",
    description="Cases of a city district: reports in, actions on them, and what they are about. See docs/api.md.",
    urls_namespace="api",
)
for room in (cases_router, reports_router, office_router, catalogue_router, organisations_router, places_router):
    api.add_router("", room)

__all__ = ["api"]
