"""Addresses of this room, under /sanitation/."""

from django.urls import path

from shaodao.sanitation.views import board

urlpatterns = [
    path("", board.board, name="sanitation"),
]
