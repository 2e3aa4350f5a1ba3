"""Addresses of what is published, from the root: exact paths, so that nothing beside them is hidden."""

from django.urls import path

from shaodao.bikes.publish import mds_views, views

urlpatterns = [
    path("gbfs/3.0/<slug:name>.json", views.gbfs_file, name="gbfs"),
    path("mds/v2/policies", mds_views.policies, name="mds_policies"),
    path("mds/v2/policies/<uuid:key>", mds_views.policy, name="mds_policy"),
    path("mds/v2/geographies", mds_views.geographies, name="mds_geographies"),
    path("mds/v2/geographies/<uuid:key>", mds_views.geography, name="mds_geography"),
    path("mds/v2/jurisdictions", mds_views.jurisdictions, name="mds_jurisdictions"),
    path("mds/v2/jurisdictions/<uuid:key>", mds_views.jurisdictions, name="mds_jurisdiction"),
    path("mds/v2/requirements", mds_views.requirements, name="mds_requirements"),
    path("bikes/open/", views.page, name="bikes_open"),
    path("bikes/open/bays.geojson", views.bays_geojson, name="bikes_open_bays"),
    path("bikes/open/tiles/<int:z>/<int:x>/<int:y>.mvt", views.bays_tile, name="bikes_open_tile"),
    path("bikes/open/values/<uuid:key>.json", views.value, name="bikes_open_value"),
]
