"""Addresses of this room, under /sanitation/."""

from django.urls import path

from shaodao.sanitation.views import bins, board, findings, inspections, reports, tracks

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
    path("bins/phones/", bins.phones, name="sanitation_phones"),
    path("bins/phones/<int:pk>/", bins.phone, name="sanitation_phone"),
    path("bins/queue/", bins.queue, name="sanitation_bin_queue"),
    path("bins/at/offline/", bins.offline, name="sanitation_bin_offline"),
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
