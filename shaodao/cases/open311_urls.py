"""Addresses of Open311 GeoReport v2, under /open311/v2/."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.utils.translation import gettext as _

from shaodao.cases.open311 import listing, services, updates
from shaodao.cases.open311.wire import Fault, endpoint

FORM = r"\.(?P<form>xml|json)$"


@endpoint("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
def lost(request: HttpRequest, form: str) -> HttpResponse:
    raise Fault(404, _("没有这个地址；格式应为 .xml 或 .json"))


urlpatterns = [
    re_path(r"^discovery" + FORM, services.discovery, name="open311_discovery"),
    re_path(r"^services" + FORM, services.services, name="open311_services"),
    re_path(r"^services/(?P<code>[^/]{1,60})" + FORM, services.definition, name="open311_definition"),
    re_path(r"^requests" + FORM, listing.requests, name="open311_requests"),
    re_path(r"^requests/(?P<number>[^/]{1,60})" + FORM, listing.one, name="open311_request"),
    re_path(r"^tokens/(?P<token>[^/]{1,60})" + FORM, listing.token, name="open311_token"),
    re_path(r"^servicerequestupdates" + FORM, updates.updates, name="open311_updates"),
    re_path(r"", lost),
]
