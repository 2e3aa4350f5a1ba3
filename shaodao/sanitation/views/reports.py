"""The months with their rates, and the report of one as a page, an Excel file or a PDF."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import documents, log
from shaodao.sanitation.models import DayProof
from shaodao.sanitation.proof import figures
from shaodao.sanitation.proof import report as papers
from shaodao.sanitation.requests import enter
from shaodao.sanitation.views.board import day_of


@staff
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The months in which days are proven, newest first. One query."""
    enter(request)
    months: dict[str, list[dict[str, object]]] = {}
    rows = DayProof.objects.filter(current=True).order_by("-day").values_list("day", "figures__all")
    for day, group in rows:
        months.setdefault(f"{day:%Y-%m}", []).append(group)
    found = []
    for name, groups in months.items():
        whole = figures.joined(groups)
        share = figures.percent(figures.rate(whole))
        found.append(
            {
                "name": name,
                "days": len(groups),
                "rate": share,
                "unsure": figures.percent(figures.unsure(whole)),
                "all": whole,
            }
        )
    return render(request, "sanitation/reports.html", {"months": found})


@staff
@require_safe
def report(request: HttpRequest, month: str) -> HttpResponse:
    """A month (2021-05) or a day (2021-05-24); `?format=xlsx|pdf` the same tables as a file."""
    enter(request)
    made = papers.one_day(day_of(month)) if len(month) == 10 else papers.month(_month(month))
    if not any(table.rows for table in made.tables):
        raise Http404(_("这段时间没有核验过"))
    kind, problem = request.GET.get("format", ""), ""
    if kind in documents.KINDS:
        try:
            content = made.file(kind)
        except documents.NoType as why:
            problem = str(why)
        else:
            log.write("sanitation.report", month, actor=actor_of(request).person, data={"file": f"{made.name}.{kind}"})
            name = content_disposition_header(True, f"{made.name}.{kind}") or ""
            return HttpResponse(content, content_type=documents.KINDS[kind], headers={"Content-Disposition": name})
    context = {"document": made, "month": month, "problem": problem}
    return render(request, "sanitation/report.html", context, status=503 if problem else 200)


def _month(text: str) -> date:
    return day_of(f"{text}-01")
