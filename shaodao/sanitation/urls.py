"""Addresses of this room, under /sanitation/."""

from django.urls import path

from shaodao.sanitation.views import board, findings, reports

urlpatterns = [
    path("", board.board, name="sanitation"),
    path("proof/<str:day>/prove/", board.prove, name="sanitation_prove"),
    path("proof/<str:day>/<str:road>/<str:mode>/<int:number>/", board.evidence, name="sanitation_evidence"),
    path("findings/", findings.findings, name="sanitation_findings"),
    path("findings/<int:pk>/", findings.finding, name="sanitation_finding"),
    path("review/", findings.review, name="sanitation_review"),
    path("reports/", reports.reports, name="sanitation_reports"),
    path("reports/<str:month>/", reports.report, name="sanitation_report"),
]
