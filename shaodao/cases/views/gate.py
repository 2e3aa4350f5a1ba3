"""The door of every page of the staff: signed in, never kept by a cache; a case only for those who may see it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from shaodao.cases import queries
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of

View = Callable[..., HttpResponseBase]


def staff(view: View) -> View:
    """Only for those who are signed in; the answer stays in no cache, since it may hold what not everybody may see."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    return inner


def case_of(request: HttpRequest, number: str) -> Case:
    """The case of that number: 404 where there is none, 403 where it is not this person's to see."""
    case = queries.by_number(number)
    if case is None:
        raise Http404(_("没有这个案件"))
    related = ("category", "condition", "street", "community", "cell", "lead", "merged_into")
    seen = queries.visible_to(actor_of(request).facts).select_related(*related).filter(pk=case.pk).first()
    if seen is None:
        raise PermissionDenied(_("这个案件不在您的管辖范围，也不由您的单位承办"))
    return seen
