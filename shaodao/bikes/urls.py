"""Addresses of this room, under /bikes/."""

from django.urls import path

from shaodao.bikes.views import findings, operators, spotchecks, vehicles

urlpatterns = [
    path("", operators.operators, name="bikes"),
    path("new/", operators.new, name="bikes_new"),
    path("findings/", findings.findings, name="bikes_findings"),
    path("spot-checks/", spotchecks.checks, name="bikes_spot_checks"),
    path("spot-checks/published/", spotchecks.published, name="bikes_spot_checks_published"),
    path("spot-checks/at/<str:code>/", spotchecks.count, name="bikes_spot_check"),
    path("vehicles/", vehicles.vehicles, name="bikes_all_vehicles"),
    path("operators/<str:code>/", operators.operator, name="bikes_operator"),
    path("operators/<str:code>/papers/<int:pk>/", operators.paper, name="bikes_paper"),
    path("operators/<str:code>/do/<slug:action>/", operators.do, name="bikes_do"),
    path("operators/<str:code>/do/<slug:action>/<int:on>/", operators.do, name="bikes_do_on"),
    path("operators/<str:code>/vehicles/", vehicles.vehicles, name="bikes_vehicles"),
    path("operators/<str:code>/reconcile/", vehicles.reconcile, name="bikes_reconcile"),
]
