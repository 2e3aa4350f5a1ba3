"""Addresses of this room, under /bikes/."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from shaodao.bikes.views import bays, bayupload, operators, vehicles


class Kinds(StringConverter):
    """Bays and zones have the same pages."""

    regex = "|".join(bays.ADDRESSES)


register_converter(Kinds, "kinds")

urlpatterns = [
    path("", operators.operators, name="bikes"),
    path("new/", operators.new, name="bikes_new"),
    path("vehicles/", vehicles.vehicles, name="bikes_all_vehicles"),
    path("operators/<str:code>/", operators.operator, name="bikes_operator"),
    path("operators/<str:code>/papers/<int:pk>/", operators.paper, name="bikes_paper"),
    path("operators/<str:code>/do/<slug:action>/", operators.do, name="bikes_do"),
    path("operators/<str:code>/do/<slug:action>/<int:on>/", operators.do, name="bikes_do_on"),
    path("operators/<str:code>/vehicles/", vehicles.vehicles, name="bikes_vehicles"),
    path("operators/<str:code>/reconcile/", vehicles.reconcile, name="bikes_reconcile"),
    path("<kinds:kinds>/", bays.listing, name="bikes_shapes"),
    path("<kinds:kinds>/new/", bays.new, name="bikes_shape_new"),
    path("<kinds:kinds>/import/", bayupload.upload, name="bikes_shapes_import"),
    path("<kinds:kinds>/<int:pk>/", bays.one, name="bikes_shape"),
    path("<kinds:kinds>/<int:pk>/change/", bays.change, name="bikes_shape_change"),
    path("<kinds:kinds>/<int:pk>/remove/", bays.end, {"action": "remove"}, name="bikes_shape_remove"),
    path("<kinds:kinds>/<int:pk>/restore/", bays.end, {"action": "restore"}, name="bikes_shape_restore"),
]
