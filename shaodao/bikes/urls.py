"""Addresses of this room, under /bikes/."""

from django.urls import path

from shaodao.bikes.views import feeds, operators, reports, vehicles

urlpatterns = [
    path("", operators.operators, name="bikes"),
    path("new/", operators.new, name="bikes_new"),
    path("reports/", reports.reports, name="bikes_reports"),
    path("reports/<str:day>/", reports.report, name="bikes_report"),
    path("scores/", reports.scores, name="bikes_scores"),
    path("vehicles/", vehicles.vehicles, name="bikes_all_vehicles"),
    path("operators/<str:code>/", operators.operator, name="bikes_operator"),
    path("operators/<str:code>/papers/<int:pk>/", operators.paper, name="bikes_paper"),
    path("operators/<str:code>/do/<slug:action>/", operators.do, name="bikes_do"),
    path("operators/<str:code>/do/<slug:action>/<int:on>/", operators.do, name="bikes_do_on"),
    path("operators/<str:code>/vehicles/", vehicles.vehicles, name="bikes_vehicles"),
    path("operators/<str:code>/reconcile/", vehicles.reconcile, name="bikes_reconcile"),
    path("operators/<str:code>/feed/upload/", feeds.upload, name="bikes_upload"),
]
