"""Addresses of the map layers (GeoJSON), under /map/."""

from django.urls import path

from shaodao.places import views

urlpatterns = [
    path("district.geojson", views.district_layer, name="map_district"),
    path("streets.geojson", views.streets_layer, name="map_streets"),
    path("communities.geojson", views.communities_layer, name="map_communities"),
    path("cells.geojson", views.cells_layer, name="map_cells"),
]
