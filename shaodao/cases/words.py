"""The words of the loop: states, channels, kinds of clocks. One word for one thing in code, database, API and page."""

from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _


class CaseState(TextChoices):
    RECEIVED = "received", _("待立案")
    FILED = "filed", _("待派遣")
    HANDLING = "handling", _("处置中")
    VERIFYING = "verifying", _("待核查")
    CLOSING = "closing", _("待结案")
    CLOSED = "closed", _("已结案")
    DECLINED = "declined", _("不予立案")
    VOIDED = "voided", _("已作废")
    MERGED = "merged", _("已并案")


OPEN_STATES = (
    CaseState.RECEIVED,
    CaseState.FILED,
    CaseState.HANDLING,
    CaseState.VERIFYING,
    CaseState.CLOSING,
)


class Outcome(TextChoices):
    FIXED = "fixed", _("已解决")
    NOT_FIXED = "not_fixed", _("未解决结案")
    ANSWERED = "answered", _("已答复")  # a letter closed by its written reply: nobody went to look


class Channel(TextChoices):
    PUBLIC = "public", _("公众上报")
    COMMUNITY = "community", _("社区网格上报")
    STREET = "street", _("街道上报")
    HOTLINE = "hotline", _("12345 热线")
    DEPARTMENT = "department", _("部门上报")
    INSPECTOR = "inspector", _("监督员上报")
    SENSOR = "sensor", _("设备上报")
    LETTER = "letter", _("网上来信")


class AssignmentState(TextChoices):
    SENT = "sent", _("待签收")
    SIGNED = "signed", _("已签收")
    ARRIVED = "arrived", _("已报到")
    SUSPENDED = "suspended", _("挂账中")
    DONE = "done", _("已办结")
    RETURNED = "returned", _("已退回")
    CANCELLED = "cancelled", _("已撤回")


OPEN_ASSIGNMENT_STATES = (
    AssignmentState.SENT,
    AssignmentState.SIGNED,
    AssignmentState.ARRIVED,
    AssignmentState.SUSPENDED,
)


class WhistleState(TextChoices):
    DRAFT = "draft", _("待街道负责人确认")
    SENT = "sent", _("已吹哨")
    REJECTED = "rejected", _("未同意")


class ClockKind(TextChoices):
    INTAKE = "intake", _("受理")
    PRECHECK = "precheck", _("核实")
    DISPATCH = "dispatch", _("派遣")
    SIGN = "sign", _("签收")
    ARRIVE = "arrive", _("报到")
    HANDLE = "handle", _("处置")
    VERIFY = "verify", _("核查")
    CLOSE = "close", pgettext_lazy("limit", "结案")


class AppealGround(TextChoices):
    """What a department may contest of its part; the first three carry the names of their clocks."""

    SIGN = "sign", _("签收超期")
    ARRIVE = "arrive", _("报到超期")
    HANDLE = "handle", _("处置超期")
    EVALUATION = "evaluation", _("街道评价")


class Light(TextChoices):
    """Derived on read from a clock and the time, never stored."""

    GREEN = "green", _("正常")
    YELLOW = "yellow", _("将到期")
    RED = "red", _("已超期")
    PAUSED = "paused", _("计时暂停")
    DONE = "done", _("已停表")


# What the program itself writes into a field for free text: kept in Chinese whoever acts, read in the reader's language.
CAME_BACK = gettext_noop("观察期内同一地点再次上报同类问题")
NO_RECHECK = gettext_noop("已反弹，不再复查")
REQUEST_ENDED = gettext_noop("任务已办结，申请自动撤销")
SEE_LETTER = gettext_noop("位置见来信正文")
ONLY_PHOTO = gettext_noop("（只有照片）")
OWN_WORDS = frozenset({CAME_BACK, NO_RECHECK, REQUEST_ENDED, SEE_LETTER, ONLY_PHOTO})


def own_words(text: str) -> str:
    """A free text as it was written; the program's own in the language of the page."""
    return gettext(text) if text in OWN_WORDS else text
