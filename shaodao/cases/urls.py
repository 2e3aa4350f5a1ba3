"""Addresses of the staff's pages, under /work/. What has a word of its own stands before the inboxes' names."""

from django.urls import path

from shaodao.cases.views import bulk, case, circulars, desk, do, export, notices, people, report, saved

urlpatterns = [
    path("", desk.desk, name="work"),
    path("report/", report.report, name="work_report"),
    path("report/questions/", report.asking, name="work_report_questions"),
    path("bulk/", bulk.bulk, name="work_bulk"),
    path("views/", saved.saved, name="work_views"),
    path("conditions/", do.conditions, name="work_conditions"),
    path("notices/", notices.notices, name="work_notices"),
    path("circulars/<int:pk>/", circulars.page, name="work_circular"),
    path("cases/<str:number>/", case.page, name="case"),
    path("cases/<str:number>/do/<slug:action>/", do.do, name="case_do"),
    path("cases/<str:number>/do/<slug:action>/<int:on>/", do.do, name="case_do"),
    path("cases/<str:number>/contact/<int:report>/", people.contact, name="case_contact"),
    path("<slug:key>/", desk.inbox, name="inbox"),
    path("<slug:key>/export.xlsx", export.export, name="work_export"),
]
