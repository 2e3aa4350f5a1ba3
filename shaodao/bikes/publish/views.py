"""The public's addresses of shared bikes. Each is made once for everybody and kept until what it says has changed."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from shaodao.bikes import settings
from shaodao.bikes.publish import facts, gbfs, wire

JSON = "application/json; charset=utf-8"


@wire.public
def gbfs_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A file of the GBFS feed."""
    if name != "gbfs" and name not in gbfs.files():
        return wire.problem(404, _("没有这个文件"))
    if name in gbfs.OF_MOMENT:
        now = facts.moment()
        body = now.made.get(name)
        if body is None:
            ttl = settings.current().publish.ttl_s
            body = now.made[name] = wire.Body.of(gbfs.OF_MOMENT[name](now), now.updated, JSON, ttl)
        return wire.send(request, body)
    here = facts.ground()
    body = here.made.get(name)
    if body is None:
        document = gbfs.gbfs(here, gbfs.files()) if name == "gbfs" else gbfs.OF_GROUND[name](here)
        body = here.made[name] = wire.Body.of(document, here.updated, JSON, gbfs.STATIC_TTL)
    return wire.send(request, body)
