"""Addresses of the MDS agency API, under /mds/v2/."""

from django.urls import path, re_path

from shaodao.bikes.views import mds_calls

urlpatterns = [
    path("vehicles", mds_calls.vehicles, name="mds_vehicles"),
    path("vehicles/status", mds_calls.statuses, name="mds_statuses"),
    path("vehicles/status/<str:device_id>", mds_calls.statuses, name="mds_status"),
    path("vehicles/<str:device_id>", mds_calls.vehicle, name="mds_vehicle"),
    path("events", mds_calls.events, name="mds_events"),
    path("telemetry", mds_calls.telemetry, name="mds_telemetry"),
    re_path(r"", mds_calls.lost),
]
