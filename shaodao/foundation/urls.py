"""Addresses of this room, under /media/."""

from django.urls import path

from shaodao.foundation.views import media

urlpatterns = [path("<slug:kind>/<int:pk>/", media, name="media")]
