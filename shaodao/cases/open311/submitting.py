"""POST requests: somebody else's form becomes a report of ours."""

import re
from typing import Any
from urllib.parse import urlparse

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from shaodao.cases import inputs
from shaodao.cases.actions import Actor, Submission, report
from shaodao.cases.open311 import services
from shaodao.cases.open311.wire import Fault, given, key, number, parameters, respond
from shaodao.catalogue import answers
from shaodao.catalogue.models import Category
from shaodao.foundation import uploads
from shaodao.foundation.errors import Invalid

ATTRIBUTE = re.compile(r"^attribute\[([^\[\]]{1,60})\](\[\])?$")
HAN = re.compile(r"[\u3400-\u9fff]")
WORDS = {  # the standard's names for our fields, in what we say is wrong
    "position": "lat/long",
    "cell": "address_id",
    "address": "lat/long, address_string, address_id",
    "text": "description",
    "photos": "media",
}


def submit(request: HttpRequest, form: str) -> HttpResponse:
    """Make a report. Answers the request's id and, as the standard has it, a notice and the account's id."""
    _token, actor = key(request)
    code = given(request, "service_code")
    if not code:
        raise Fault(400, _("缺少 service_code"))
    try:
        received = report(submission(request, services.service(code), actor), actor)
    except Invalid as error:
        raise Invalid({WORDS.get(str(k), k): v for k, v in error.errors.items()}) from None
    notice = _("已并入正在办理的案件") if received.joined or received.rebounded else ""
    body: dict[str, Any] = {
        "service_request_id": received.case.number,
        "service_notice": notice,
        "account_id": given(request, "account_id") or None,
    }
    if given(request, "extensions") == "true":
        body["token"] = f"{received.report.pk}-{received.report.follow_code}"
    return respond(form, "service_requests", [body])


def submission(request: HttpRequest, category: Category, actor: Actor) -> Submission:
    """The typed submission behind the form. Raises Invalid with every faulty field, Fault for a missing place."""
    faults: dict[str, str] = {}
    attributes = answers.check(category, attributes_of(request), faults)
    if link := given(request, "media_url"):
        if urlparse(link).scheme not in {"http", "https"} or len(link) > 500:
            faults["media_url"] = _("应为 http 或 https 地址，最多 500 字")
        attributes["media_url"] = link
    email = given(request, "email")
    if email and not valid(email):
        faults["email"] = _("邮箱地址不对，例如 name@example.com")
    texts = {
        "description": text_of(request, "description", inputs.LONG, faults),
        "address_string": text_of(request, "address_string", 200, faults),
        "phone": text_of(request, "phone", 30, faults),
    }
    name = name_of(given(request, "first_name"), given(request, "last_name"))
    if len(name) > 60:
        faults["first_name"] = _("姓名最多 60 字")
    lat, lon = number(request, "lat", -90, 90), number(request, "long", -180, 180)
    if (lat is None) != (lon is None):
        faults["lat/long"] = _("lat 和 long 要一起给出")
    if faults:
        raise Invalid(faults)
    if lat is None and not given(request, "address_id") and not texts["address_string"]:
        raise Fault(400, _("缺少位置：lat 和 long、address_string 或 address_id"))
    repeated = request.headers.get("Idempotency-Key", "")[:60]
    return Submission(
        text=texts["description"],
        category=category,
        lon=lon,
        lat=lat,
        cell=given(request, "address_id")[:15],
        address=texts["address_string"],
        attributes=attributes,
        name=name,
        phone=texts["phone"],
        email=email,
        language="en" if (get_language() or "").startswith("en") else "zh-hans",
        photos=photos_of(request, actor),
        key=f"{actor.facts.person_id}:{repeated}" if repeated else None,
    )


def attributes_of(request: HttpRequest) -> dict[str, Any]:
    """`attribute[CODE]=value`, `attribute[CODE][]=value` or the same name repeated."""
    form = parameters(request)
    found: dict[str, list[str]] = {}
    for name in form:
        if fits := ATTRIBUTE.match(name):
            values = [v for v in form.getlist(name) if v != ""]
            found[fits[1]] = [*found.get(fits[1], []), *values]
    return {code: values[0] if len(values) == 1 else values for code, values in found.items() if values}


def text_of(request: HttpRequest, name: str, limit: int, faults: dict[str, str]) -> str:
    try:
        return inputs.text_of(given(request, name), limit)
    except inputs.Fault as fault:
        faults[name] = str(fault)
        return ""


def name_of(first: str, last: str) -> str:
    """One name from two: family name first in Chinese."""
    return last + first if HAN.search(first + last) else f"{first} {last}".strip()


def valid(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= 254


def photos_of(request: HttpRequest, actor: Actor) -> list[Any]:
    """Files sent as `media` (or `media[]`), checked by their content."""
    files = [f for name in ("media", "media[]") for f in request.FILES.getlist(name)]
    if len(files) > settings.PHOTO_MAX_COUNT:
        raise Invalid({"media": _("最多 %(n)d 张照片") % {"n": settings.PHOTO_MAX_COUNT}})
    return [uploads.store(f, actor.person) for f in files]
