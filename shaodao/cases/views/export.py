"""The current filter as Excel, without personal data; who took what is logged."""

import tempfile

from django.http import FileResponse, HttpRequest
from django.views.decorators.http import require_safe

from shaodao.cases import tables
from shaodao.cases.requests import actor_of
from shaodao.cases.views.desk import inbox_of
from shaodao.cases.views.gate import staff
from shaodao.cases.views.listing import listing
from shaodao.foundation import clock, log, sheets


@staff
@require_safe
def export(request: HttpRequest, key: str) -> FileResponse:
    box = inbox_of(request, key)
    found = listing(request, box)
    book, total = tables.workbook(found.rows)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    query = {"rows": total, "query": request.GET.urlencode()}
    log.write("cases.export", f"inbox:{box.key}", actor=actor_of(request).person, data=query)
    name = f"shaodao-{box.key}-{clock.local(found.now):%Y%m%d-%H%M}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=sheets.XLSX)
