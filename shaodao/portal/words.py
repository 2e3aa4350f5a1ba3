"""What the public reads: names in the reader's language, states and limits in plain words, numbers masked."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shaodao.cases.masking import masked  # noqa: F401 - part of this module's face
from shaodao.cases.models import Case
from shaodao.cases.words import CaseState, Outcome
from shaodao.foundation.naming import named


@dataclass(frozen=True)
class Plain:
    """A state as a badge (colour, icon, word) and as a sentence."""

    tone: str
    icon: str
    label: Any
    sentence: Any


OPEN_WORDS = {
    CaseState.RECEIVED: Plain("yellow", "inbox", _("已收到"), _("总指挥部正在核对，决定是否立案。")),
    CaseState.FILED: Plain("yellow", "clipboard-check", _("已立案"), _("已经立案，正在派给负责的单位。")),
    CaseState.HANDLING: Plain("done", "tools", _("处置中"), _("负责的单位正在处理。")),
    CaseState.VERIFYING: Plain("done", "eye-check", _("核查中"), _("负责的单位已经办完，另有人到现场核查。")),
    CaseState.CLOSING: Plain("done", "eye-check", _("待结案"), _("现场核查合格，等待结案。")),
    CaseState.DECLINED: Plain("paused", "circle-x", _("未予立案"), _("总指挥部没有立案；上报人可以查到理由。")),
    CaseState.VOIDED: Plain("paused", "ban", _("已作废"), _("这件是误立的，已经作废。")),
    CaseState.MERGED: Plain("paused", "arrow-merge", _("已并案"), _("这件与另一件是同一个问题，已并在一起办理。")),
}
CLOSED_WORDS = {
    Outcome.FIXED: Plain("green", "circle-check", _("已解决"), _("现场核查合格，已经解决并结案。")),
    Outcome.NOT_FIXED: Plain("paused", "circle-x", _("未能解决"), _("确实无法解决，写明原因后结案；这不算已解决。")),
    Outcome.ANSWERED: Plain("done", "message-circle", _("已答复"), _("已经书面答复并结案。")),
}


UNSOLVED = Plain("yellow", "alert-triangle", _("已结案，待核对"), _("上报人说还没有解决，正在核对。"))


def plain(case: Case) -> Plain:
    """How a case stands, for somebody who has never heard of filing or dispatch."""
    if case.state == CaseState.CLOSED:
        return UNSOLVED if case.unsolved else CLOSED_WORDS[Outcome(case.outcome)]
    return OPEN_WORDS[CaseState(case.state)]


STAGES = (
    (_("上报"), {CaseState.RECEIVED}),
    (_("立案派遣"), {CaseState.FILED}),
    (_("处置"), {CaseState.HANDLING}),
    (_("核查"), {CaseState.VERIFYING, CaseState.CLOSING}),
    (_("结案"), {CaseState.CLOSED}),
)


def stages(case: Case) -> list[dict[str, Any]]:
    """The five stages with `done`, `current`; none for a case that left the way (declined, voided, merged)."""
    at = next((i for i, (_label, states) in enumerate(STAGES) if case.state in states), None)
    if at is None:
        return []
    closed = case.state == CaseState.CLOSED
    return [{"label": label, "done": i < at or closed, "current": i == at} for i, (label, _states) in enumerate(STAGES)]


def where(case: Case) -> str:
    """Street and community, as far as they are known."""
    names = [named(place) for place in (case.street, case.community) if place]
    return " · ".join(names) or gettext("只有文字地址")
