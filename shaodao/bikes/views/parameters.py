"""The parameters of parking, and what they make of the vehicles that are seen now."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.bikes import settings
from shaodao.bikes.models import Bay
from shaodao.bikes.seen import effect
from shaodao.bikes.views.now import seeing
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock


@staff
@require_safe
def parameters(request: HttpRequest) -> HttpResponse:
    """Each parameter with its meaning, and the numbers that other values would give."""
    scope, now = seeing(request), clock.now()
    fleet = effect.Fleet.read(scope.statuses(), now)
    context = {
        "scope": scope,
        "at": now,
        "rows": _explained(),
        "n": int(fleet.parked.sum()),
        "without_accuracy": fleet.without_accuracy,
        "own_tolerance": Bay.objects.filter(active=True, tolerance_m__isnull=False).count(),
        "tolerances": effect.by_tolerance(fleet, now),
        "accuracies": effect.by_accuracy(fleet, now),
        "thresholds": [
            (_("连续几次不合格才算违停"), _("违停"), effect.by_fixes(fleet)),
            (_("停放超过几天算闲置"), _("闲置"), effect.by_idle(fleet, now)),
            (_("几小时没有位置算失联"), _("失联"), effect.by_silence(fleet, now)),
        ],
        "illustrative": any(scope.operators().values_list("organisation__illustrative", flat=True)),
    }
    return render(request, "bikes/parameters.html", context)


def _explained() -> list[tuple[str, str, Any, str]]:
    """(name in the pack, label, value with its unit, what it does) of each parameter of parking."""
    p = settings.current().parking
    metres = _("%(n)g 米")
    return [
        ("tolerance_m", _("容差"), metres % {"n": p.tolerance_m},
         _("离点位边界不超过这么远的，算停在点位边；点位可以另定。几个点位都够得着时归最近的，一样近归编码在前的。")),
        ("accuracy_m", _("定位误差"), metres % {"n": p.accuracy_m},
         _("企业数据不说精度时按这么大的误差算；误差可能改变结论的归“不确定”。0：不说精度的都当作准确。")),
        ("error_m", _("把握用的误差"), metres % {"n": p.error_m},
         _("企业数据和上面一项都不说精度时，把 95% 的位置当作落在真实位置这么近以内，用来算判定有几成把握；不影响类别。")),
        ("fixes", _("连续次数"), _("%(n)d 次") % {"n": p.fixes},
         _("连续这么多次位置都不合格才算违停，免得一次定位跳动就立案。不确定的位置不增加也不清零。")),
        ("still_m", _("不动的范围"), metres % {"n": p.still_m},
         _("移动不到这么远的当作没动：停放时间接着算。")),
        ("idle_days", _("闲置"), _("%(n)g 天") % {"n": p.idle_days}, _("停着不动超过这么久的算闲置。")),
        ("silent_hours", _("失联"), _("%(n)g 小时") % {"n": p.silent_hours},
         _("超过这么久没有新位置的算失联：既不说它闲置，也不判它停得对不对。")),
        ("group_m", _("点位组"), metres % {"n": p.group_m},
         _("边界相距不超过这么远的点位算一组，容量相加：定位分不清车停在哪一个。")),
        ("metres_per_bike", _("每辆车占"), metres % {"n": p.metres_per_bike},
         _("没有给出容量的点位，容量等于长度除以它，舍去零头。")),
    ]  # fmt: skip
