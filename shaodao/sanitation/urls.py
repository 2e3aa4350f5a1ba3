"""Addresses of this room, under /sanitation/."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from shaodao.sanitation.kinds import KINDS
from shaodao.sanitation.views import (
    bins,
    board,
    book,
    bookfiles,
    feasibility,
    findings,
    inspections,
    overview,
    planacts,
    plans,
    reports,
    tracks,
    trips,
    weather,
)


class KindName(StringConverter):
    regex = "|".join(KINDS)


register_converter(KindName, "book_kind")

urlpatterns = [
    path("", board.board, name="sanitation"),
    path("proof/<str:day>/prove/", board.prove, name="sanitation_prove"),
    path("proof/<str:day>/<str:road>/<str:mode>/<int:number>/", board.evidence, name="sanitation_evidence"),
    path("findings/", findings.findings, name="sanitation_findings"),
    path("findings/<int:pk>/", findings.finding, name="sanitation_finding"),
    path("review/", findings.review, name="sanitation_review"),
    path("reports/", reports.reports, name="sanitation_reports"),
    path("reports/<str:month>/", reports.report, name="sanitation_report"),
    path("bins/", bins.bins, name="sanitation_bins"),
    path("bins/sheet/", bins.sheet, name="sanitation_bin_sheet"),
    path("bins/tours/<str:code>/", bins.tour, name="sanitation_bin_tours"),
    path("bins/phones/", bins.phones, name="sanitation_phones"),
    path("bins/phones/<int:pk>/", bins.phone, name="sanitation_phone"),
    path("bins/queue/", bins.queue, name="sanitation_bin_queue"),
    path("bins/at/offline/", bins.offline, name="sanitation_bin_offline"),
    path("feasibility/", feasibility.feasibility, name="sanitation_feasibility"),
    path("book/", overview.book, name="sanitation_book"),
    path("book/map/", overview.map, name="sanitation_book_map"),
    path("book/map.geojson", overview.geojson, name="sanitation_geojson"),
    path("book/weather/day/", weather.day, name="sanitation_weather"),
    path("book/weather/fetch/", weather.fetch, name="sanitation_weather_fetch"),
    path("book/roads/import/", bookfiles.roads, name="sanitation_roads_import"),
    path("book/roads/import/<int:pk>/", bookfiles.roads_job, name="sanitation_roads_job"),
    path("book/roads/import/<int:pk>/cancel/", bookfiles.roads_cancel, name="sanitation_roads_cancel"),
    path("book/<book_kind:kind>/", book.listing, name="sanitation_list"),
    path("book/<book_kind:kind>/new/", book.new, name="sanitation_new"),
    path("book/<book_kind:kind>/import/", bookfiles.table, name="sanitation_import"),
    path("book/<book_kind:kind>/template/", book.template, name="sanitation_template"),
    path("book/<book_kind:kind>/<int:pk>/", book.one, name="sanitation_row"),
    path("book/<book_kind:kind>/<int:pk>/change/", book.change, name="sanitation_change"),
    path("book/<book_kind:kind>/<int:pk>/remove/", book.end, {"action": "remove"}, name="sanitation_remove"),
    path("book/<book_kind:kind>/<int:pk>/restore/", book.end, {"action": "restore"}, name="sanitation_restore"),
    path("plans/", plans.plans, name="sanitation_plans"),
    path("plans/jobs/<int:pk>/", plans.job, name="sanitation_plan_job"),
    path("plans/jobs/<int:pk>/cancel/", plans.job_cancel, name="sanitation_plan_job_cancel"),
    path("plans/<int:pk>/", plans.plan, name="sanitation_plan"),
    path("plans/<int:pk>/map.geojson", plans.geojson, name="sanitation_plan_geojson"),
    path("plans/<int:pk>/compare/<int:other>/", plans.compare, name="sanitation_plan_compare"),
    path("plans/<int:pk>/publish/", planacts.publish, name="sanitation_plan_publish"),
    path("plans/<int:pk>/withdraw/", planacts.withdraw, name="sanitation_plan_withdraw"),
    path("plans/<int:pk>/replan/", planacts.replan, name="sanitation_plan_replan"),
    path("plans/<int:pk>/vehicles/<str:code>/", planacts.vehicle, name="sanitation_plan_vehicle"),
    path("plans/<int:pk>/vehicles/<str:code>/sheet/", trips.sheet, name="sanitation_trip_sheet"),
    path("trips/<str:token>/", trips.trip, name="sanitation_trip"),
    path("trips/<str:token>/queue/", trips.queue, name="sanitation_trip_queue"),
    path("inspections/", inspections.rounds, name="sanitation_inspections"),
    path("inspections/<int:pk>/", inspections.round_page, name="sanitation_inspection_round"),
    path("inspections/at/<int:pk>/", inspections.inspect, name="sanitation_inspect"),
    path("tracks/", tracks.tracks, name="sanitation_tracks"),
    path("tracks/<int:pk>/", tracks.job, name="sanitation_tracks_job"),
    path("tracks/<int:pk>/cancel/", tracks.cancel, name="sanitation_tracks_cancel"),
    path("worker.js", bins.worker, name="sanitation_worker"),
    path("bins/at/<str:code>/", bins.at_bin, name="sanitation_bin"),
    path("crew/<str:token>/", bins.crew, name="sanitation_crew"),
]
