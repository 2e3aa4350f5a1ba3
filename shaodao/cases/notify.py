"""What reporters are told and when: by e-mail if they gave one, else by SMS, in the language they reported in.

One call in `Step.commit` queues the texts in the transaction that made them true. The outbox holds no address, only
`contact:ID`; it is looked up when the text is sent, so that an erased contact is never written to.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.cases.masking import masked
from shaodao.cases.models import Callback, Contact, Note, Report
from shaodao.cases.words import CaseState
from shaodao.foundation import delivery
from shaodao.foundation.models import Delivery, OutboxMessage
from shaodao.foundation.naming import named
from shaodao.foundation.prepared import Prepared

if TYPE_CHECKING:
    from shaodao.cases.actions.step import Step

Text = str | Promise
BOOK = "contact"
CONTACTS = Prepared(
    lambda case: (
        Contact.objects.filter(~Q(email="") | ~Q(phone=""), report__case=case)
        .select_related("report")
        .order_by("report_id")
    )
)


def _filed(s: "Step", report: Report) -> str:
    return _("您反映的问题已受理立案。")


def _declined(s: "Step", report: Report) -> str:
    return _("您反映的问题未予立案，理由：%(reason)s") % {"reason": masked(s.reason)}


def _dispatched(s: "Step", report: Report) -> str:
    return _("您反映的问题已交 %(unit)s 办理。") % {"unit": named(s.case.lead) or _("有关单位")}


def _note(s: "Step", report: Report) -> str:
    note = next((row for row in s.added if isinstance(row, Note)), None)
    return _("办理进展：%(text)s") % {"text": masked(note.text)} if note and note.told else ""


def _replied(s: "Step") -> str:
    """The reply that was written for the reporters in this step."""
    return "".join(row.text for row in s.added if isinstance(row, Note) and row.kind == Note.Kind.REPLY)


def _settled(s: "Step", report: Report) -> str:
    return _("您说问题没有解决，现答复如下：%(text)s") % {"text": _replied(s)}


def _reopened(s: "Step", report: Report) -> str:
    return _("您说问题没有解决，已交原单位重新办理。")


def _closed(s: "Step", report: Report) -> str:
    """What came of it, and the one-time link to say how it was."""
    text = _("您反映的问题已办结。") + _replied(s)
    if s.action == "close_not_fixed":
        text = _("您反映的问题暂未能解决，现予结案，原因：%(reason)s") % {"reason": masked(s.reason)} + _replied(s)
    mine = next((r for r in s.added if isinstance(r, Callback) and r.report_id == report.pk), None)
    if mine is None:
        return text
    return text + _("请评价（链接只能用一次）：%(url)s") % {"url": f"{settings.ORIGIN}/callback/{mine.token}/"}


def _rebound(s: "Step", report: Report) -> str:
    return _("您反映的问题再次出现，已重新交办。")


def _merged(s: "Step", report: Report) -> str:
    return _("您反映的问题与案件 %(number)s 相同，已并案办理，我们会继续告知进展。") % {"number": s.case.number}


TOLD: dict[str, tuple[Text, Callable[["Step", Report], str]]] = {
    "file": (gettext_lazy("已受理"), _filed),
    "decline": (gettext_lazy("未予立案"), _declined),
    "dispatch": (gettext_lazy("已派遣"), _dispatched),
    "self_handle": (gettext_lazy("已派遣"), _dispatched),
    "whistle_confirm": (gettext_lazy("已派遣"), _dispatched),
    "note": (gettext_lazy("办理进展"), _note),
    "close": (gettext_lazy("已办结"), _closed),
    "close_not_fixed": (gettext_lazy("已结案"), _closed),
    "clear": (gettext_lazy("已办结"), _closed),
    "rebound": (gettext_lazy("重新办理"), _rebound),
    "recheck": (gettext_lazy("重新办理"), _rebound),
    "reopen": (gettext_lazy("重新办理"), _reopened),
    "settle_callback": (gettext_lazy("回访答复"), _settled),
    "merge_in": (gettext_lazy("已并案"), _merged),
}


def reporters(step: "Step", message: OutboxMessage) -> int:
    """Queue what this step's reporters should hear; answers how many texts. Sample cases write to nobody.

    Two queries, none for an action that reporters do not hear of. One text for each address, however often it reported.
    """
    if step.action not in TOLD or step.case.sample or not wanted(step):
        return 0
    subject, words = TOLD[step.action]
    rows: list[Delivery] = []
    seen: set[str] = set()
    for contact in contacts_of(step):
        address = contact.email or contact.phone
        if address in seen:
            continue
        seen.add(address)
        with translation.override(contact.language):
            text = words(step, contact.report)
            if text:
                rows.append(_delivery(step, message, contact, str(subject), text))
    Delivery.objects.bulk_create(rows)
    return len(rows)


def wanted(step: "Step") -> bool:
    """Is this step news to a reporter? A note that stays inside is not, nor a look-again that found nothing."""
    if step.action == "note":
        return bool(step.data.get("told"))
    return step.action != "recheck" or step.case.state != CaseState.CLOSED


def contacts_of(step: "Step") -> list[Contact]:
    """Contacts of the reports that hang on the case; after a merge only of those that came with it."""
    if step.action == "merge_in":
        return [c for c in CONTACTS.all(step.case.pk) if c.report_id in step.data.get("reports", [])]
    return CONTACTS.all(step.case.pk)


def _delivery(step: "Step", message: OutboxMessage, contact: Contact, subject: str, text: str) -> Delivery:
    channel = Delivery.Channel.EMAIL if contact.email else Delivery.Channel.SMS
    follow = _("案件编号 %(number)s，查询码 %(code)s：%(url)s") % {
        "number": step.case.number,
        "code": contact.report.follow_code,
        "url": f"{settings.ORIGIN}/follow/",
    }
    return Delivery(
        message=message,
        channel=channel,
        recipient=f"{BOOK}:{contact.pk}",
        subject=f"{_('哨到')} {step.case.number} {subject}",
        body=f"{text}\n\n{follow}" if channel == Delivery.Channel.EMAIL else f"{text} {follow}",
        next_attempt_at=step.now,
    )


def address_of(key: str) -> str:
    """The address of a contact now; empty when it was erased."""
    contact = Contact.objects.filter(pk=int(key)).first() if key.isdigit() else None
    return (contact.email or contact.phone) if contact else ""


def register() -> None:
    """Called once when the program starts."""
    delivery.address_book(BOOK, address_of)
