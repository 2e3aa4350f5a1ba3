"""Addresses of what is published, from the root: exact paths, so that nothing beside them is hidden."""

from django.urls import path

from shaodao.bikes.publish import views

urlpatterns = [
    path("gbfs/3.0/<slug:name>.json", views.gbfs_file, name="gbfs"),
]
