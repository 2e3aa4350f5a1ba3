"""Addresses of this room, under /bikes/."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from shaodao.bikes.views import (
    bays,
    bayupload,
    feeds,
    findings,
    map,
    now,
    operators,
    parameters,
    positionfiles,
    quality,
    rebalancing,
    reports,
    spotchecks,
    vehicles,
)


class Kinds(StringConverter):
    """Bays and zones have the same pages."""

    regex = "|".join(bays.ADDRESSES)


register_converter(Kinds, "kinds")

urlpatterns = [
    path("", operators.operators, name="bikes"),
    path("new/", operators.new, name="bikes_new"),
    path("findings/", findings.findings, name="bikes_findings"),
    path("spot-checks/", spotchecks.checks, name="bikes_spot_checks"),
    path("spot-checks/published/", spotchecks.published, name="bikes_spot_checks_published"),
    path("spot-checks/at/<str:code>/", spotchecks.count, name="bikes_spot_check"),
    path("reports/", reports.reports, name="bikes_reports"),
    path("reports/<str:day>/", reports.report, name="bikes_report"),
    path("scores/", reports.scores, name="bikes_scores"),
    path("rebalancing/", rebalancing.rebalancing, name="bikes_rebalancing"),
    path("vehicles/", vehicles.vehicles, name="bikes_all_vehicles"),
    path("now/", now.now, name="bikes_now"),
    path("now/list/", now.vehicles, name="bikes_seen"),
    path("now/bays/", now.bays, name="bikes_bays_now"),
    path("map/", map.page, name="bikes_map"),
    path("map/changes/", map.changes, name="bikes_map_changes"),
    path("map/grounds/", map.grounds, name="bikes_map_grounds"),
    path("map/vehicles/<int:pk>/", map.vehicle, name="bikes_map_vehicle"),
    path("parameters/", parameters.parameters, name="bikes_parameters"),
    path("operators/<str:code>/", operators.operator, name="bikes_operator"),
    path("operators/<str:code>/papers/<int:pk>/", operators.paper, name="bikes_paper"),
    path("operators/<str:code>/do/<slug:action>/", operators.do, name="bikes_do"),
    path("operators/<str:code>/do/<slug:action>/<int:on>/", operators.do, name="bikes_do_on"),
    path("operators/<str:code>/vehicles/", vehicles.vehicles, name="bikes_vehicles"),
    path("operators/<str:code>/reconcile/", vehicles.reconcile, name="bikes_reconcile"),
    path("operators/<str:code>/quality/", quality.quality, name="bikes_quality"),
    path("operators/<str:code>/feed/", feeds.feed, name="bikes_feed"),
    path("operators/<str:code>/feed/set/", feeds.set_feed, name="bikes_feed_set"),
    path("operators/<str:code>/feed/pull/", feeds.pull, name="bikes_feed_pull"),
    path("operators/<str:code>/feed/upload/", positionfiles.upload, name="bikes_upload"),
    path("operators/<str:code>/feed/upload/<int:pk>/", positionfiles.job, name="bikes_upload_job"),
    path("operators/<str:code>/feed/upload/<int:pk>/cancel/", positionfiles.cancel, name="bikes_upload_cancel"),
    path("<kinds:kinds>/", bays.listing, name="bikes_shapes"),
    path("<kinds:kinds>/new/", bays.new, name="bikes_shape_new"),
    path("<kinds:kinds>/import/", bayupload.upload, name="bikes_shapes_import"),
    path("<kinds:kinds>/<int:pk>/", bays.one, name="bikes_shape"),
    path("<kinds:kinds>/<int:pk>/change/", bays.change, name="bikes_shape_change"),
    path("<kinds:kinds>/<int:pk>/remove/", bays.end, {"action": "remove"}, name="bikes_shape_remove"),
    path("<kinds:kinds>/<int:pk>/restore/", bays.end, {"action": "restore"}, name="bikes_shape_restore"),
]
