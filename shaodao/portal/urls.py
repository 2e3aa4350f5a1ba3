"""Addresses of this room: the public's."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from shaodao.portal.feeds import PublicFeed
from shaodao.portal.views import following, reading, reporting, streets


class CaseNumber(StringConverter):
    regex = r"\d{4}-\d{1,15}"


register_converter(CaseNumber, "case_number")

urlpatterns = [
    path("", reading.home, name="home"),
    path("report/", reporting.report_page, name="report"),
    path("report/categories/", reporting.categories, name="report_categories"),
    path("report/questions/", reporting.questions, name="report_questions"),
    path("report/place/", reporting.place, name="report_place"),
    path("report/thanks/<str:token>/", reporting.thanks, name="report_thanks"),
    path("cases/", reading.public_cases, name="public_cases"),
    path("cases.geojson", reading.cases_geojson, name="public_cases_geojson"),
    path("cases/feed/", PublicFeed(), name="public_feed"),
    path("cases/<case_number:number>/", reading.public_case, name="public_case"),
    path("follow/", following.follow, name="follow"),
    path("follow/<str:token>/", following.followed, name="followed"),
    path("callback/<slug:token>/", following.callback, name="callback"),
    path("callback/<slug:token>/thanks/", following.callback_thanks, name="callback_thanks"),
    path("streets/", streets.page, name="public_streets"),
    path("streets.json", streets.data, name="public_streets_json"),
    path("about/", reading.about, name="about"),
    path("privacy/", reading.privacy, name="privacy"),
    path("accessibility/", reading.accessibility, name="accessibility"),
    path("robots.txt", reading.robots, name="robots"),
]
