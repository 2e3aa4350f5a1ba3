"""What can be reported: discovery, the list of services, and the questions of one service."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from shaodao.cases.open311.wire import Fault, endpoint, respond, stamp
from shaodao.catalogue.api import value_name
from shaodao.catalogue.models import Attribute, Category
from shaodao.foundation.models import District
from shaodao.foundation.naming import named

BASE = "/open311/v2"
STANDARD = "http://wiki.open311.org/GeoReport_v2"


def offered() -> Any:
    """The categories that are services: public ones of the active scheme."""
    return Category.objects.filter(active=True, public=True, scheme__active=True).order_by("kind", "code")


def service(code: str) -> Category:
    """The service of this code; Fault 404 otherwise."""
    kind, _dash, figure = code.partition("-")
    found = offered().filter(kind=kind, code=figure).first() if figure else None
    if found is None:
        raise Fault(404, _("没有这个 service_code：%(code)s") % {"code": code[:40]})
    return found


@endpoint("GET")
def discovery(request: HttpRequest, form: str) -> HttpResponse:
    """Where the service is and which forms it speaks."""
    loaded = District.objects.order_by("id").values_list("loaded_at", flat=True).first()
    data = {
        "changeset": stamp(loaded),
        "contact": settings.DEFAULT_FROM_EMAIL,
        "key_service": settings.ORIGIN + "/work/",
        "endpoints": [
            {
                "specification": STANDARD,
                "url": settings.ORIGIN + BASE,
                "changeset": stamp(loaded),
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }
    return respond(form, "discovery", data)


@endpoint("GET")
def services(request: HttpRequest, form: str) -> HttpResponse:
    asked = set(Attribute.objects.values_list("category_id", flat=True).distinct())
    rows = [
        {
            "service_code": c.key,
            "service_name": named(c),
            "description": named(c, "major_name"),
            "metadata": c.pk in asked,
            "type": "realtime",
            "keywords": ", ".join(c.keywords.replace("，", ",").replace("、", ",").replace(";", ",").split(",")),
            "group": named(c, "major_name"),
        }
        for c in offered()
    ]
    return respond(form, "services", rows)


@endpoint("GET")
def definition(request: HttpRequest, form: str, code: str) -> HttpResponse:
    """The attributes of one service, in their order."""
    found = service(code)
    rows = []
    for a in found.attributes.order_by("order", "id"):
        row: dict[str, Any] = {
            "variable": True,
            "code": a.code,
            "datatype": a.datatype,
            "required": a.required,
            "datatype_description": None,
            "order": a.order,
            "description": named(a, "description"),
        }
        if a.datatype in (Attribute.Datatype.SINGLE, Attribute.Datatype.MULTI):
            row["values"] = [{"key": str(v["key"]), "name": value_name(v)} for v in a.values]
        rows.append(row)
    return respond(form, "service_definition", {"service_code": found.key, "attributes": rows})
