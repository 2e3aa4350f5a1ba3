"""Addresses of the headquarters' pages, under /command/."""

from django.urls import include, path

from shaodao.command.appeals import views as appeals
from shaodao.command.callbacks import views as callbacks
from shaodao.command.lists import views as lists
from shaodao.command.office import views as office
from shaodao.command.today import views as today
from shaodao.command.verdicts import views as verdicts
from shaodao.command.whistles import views as whistles

urlpatterns = [
    path("", today.today, name="command"),
    path("now/", today.now_part, name="command_now"),
    path("waiting/", today.waiting_part, name="command_waiting"),
    path("points.geojson", today.points, name="command_points"),
    path("tables/<slug:what>.xlsx", today.tables, name="command_tables"),
    path("cases/", lists.cases, name="command_cases"),
    path("tasks/", lists.tasks, name="command_tasks"),
    path("whistles/", whistles.whistles, name="command_whistles"),
    path("disputes/", whistles.disputes, name="command_disputes"),
    path("requests/", whistles.requests, name="command_requests"),
    path("evaluations/", verdicts.evaluations, name="command_evaluations"),
    path("evaluations/<int:pk>/comment/", verdicts.comment, name="command_comment"),
    path("appeals/", appeals.appeals, name="command_appeals"),
    path("callbacks/", callbacks.callbacks, name="command_callbacks"),
    path("rebounds/", verdicts.rebounds, name="command_rebounds"),
    path("watch/", verdicts.watch, name="command_watch"),
    path("circulars/", verdicts.circulars, name="command_circulars"),
    path("circulars/new/", verdicts.new_circular, name="command_circular_new"),
    path("circulars/<int:pk>/", verdicts.circular, name="command_circular"),
    path("letters/", verdicts.letters, name="command_letters"),
    path("audit/", office.audit, name="command_audit"),
    path("log/", office.entries, name="command_log"),
    path("settings/", office.settings, name="command_settings"),
    path("people/", include("shaodao.command.people.urls")),
    path("outbox/", include("shaodao.command.outbox.urls")),
]
