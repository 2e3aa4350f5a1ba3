"""Addresses of the people's pages, under /command/people/."""

from django.urls import path

from shaodao.command.people import views

urlpatterns = [
    path("", views.people, name="command_people"),
    path("new/", views.new, name="command_person_new"),
    path("<int:pk>/", views.person, name="command_person"),
    path("<int:pk>/posts/", views.give_post, name="command_post"),
    path("<int:pk>/posts/<int:post>/end/", views.end_post, name="command_post_end"),
    path("<int:pk>/factor/", views.reset_factor, name="command_person_factor"),
    path("<int:pk>/invite/", views.invite, name="command_person_invite"),
]
