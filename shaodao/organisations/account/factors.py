"""The second factor: set up, checked, taken away. Each write is one transaction with its line in the general log."""

import secrets
from datetime import datetime

import pyotp
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from pyotp.exceptions import OTPVerificationError

from shaodao.foundation import district, log
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.account import rules
from shaodao.organisations.account.sealing import Unreadable, seal, unseal
from shaodao.organisations.models import Factor, Person, Post, RecoveryCode


def need_of(person: Person, *, strong: bool = False) -> rules.Need:
    """What this person's sign-in needs after the password (two queries at most)."""
    settings = district.current().settings
    if not rules.allowed(settings) or strong:
        return rules.Need.NOTHING
    return rules.need(
        settings, roles_of(person), sample=person.sample, has_factor=person.factors.exists(), strong=strong
    )


def roles_of(person: Person) -> set[str]:
    return set(Post.objects.filter(person=person, active=True).values_list("role", flat=True))


def is_required(person: Person) -> bool:
    return rules.required(district.current().settings, roles_of(person), person.sample)


def address(secret: str, person: Person, issuer: str) -> str:
    """The `otpauth://` address of a key, which an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.username, issuer_name=issuer)


@transaction.atomic
def set_up_app(person: Person, secret: str, code: str, now: datetime) -> list[str]:
    """An authenticator app, in place of the one before. The code proves that it has the key.

    Answers fresh recovery codes, shown this once, if the person has none left; else an empty list. Raises Invalid.
    """
    step = _step(secret, rules.plain(code), now)
    if step is None:
        raise Invalid({"code": _("代码不对。请核对手机的时间，输入验证器此刻显示的 6 位数字")})
    Person.objects.select_for_update().get(pk=person.pk)  # two set-ups at once: one after the other
    person.factors.filter(kind=Factor.Kind.TOTP).delete()
    Factor.objects.create(
        person=person,
        kind=Factor.Kind.TOTP,
        secret=seal(secret),
        last_step=step,
        created_at=now,
        last_used_at=now,
    )
    log.write("factor.add", f"person:{person.pk}", now=now, actor=person, data={"kind": "totp"})
    return first_recovery_codes(person, now)


def first_recovery_codes(person: Person, now: datetime) -> list[str]:
    """Recovery codes for whoever has none left."""
    return [] if codes_left(person) else new_recovery_codes(person, now)


@transaction.atomic
def new_recovery_codes(person: Person, now: datetime) -> list[str]:
    """Ten new codes, shown this once; the old ones stop. Raises Refused without a factor that they could stand for."""
    if not person.factors.exists():
        raise Refused(_("先设置第二重验证，才有恢复码"))
    codes: set[str] = set()
    while len(codes) < rules.RECOVERY_CODES:
        codes.add("".join(secrets.choice(rules.ALPHABET) for _n in range(rules.RECOVERY_LENGTH)))
    person.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(person=person, digest=_digest(person, c)) for c in codes)
    log.write("factor.recovery_codes", f"person:{person.pk}", now=now, actor=person)
    return [rules.shown(code) for code in codes]


def codes_left(person: Person) -> int:
    return person.recovery_codes.filter(used_at=None).count()


@transaction.atomic
def remove(factor: Factor, now: datetime) -> None:
    """Its owner takes a factor away; with the last one the recovery codes go. Raises Refused where a post needs one."""
    person = factor.person
    last = not person.factors.exclude(pk=factor.pk).exists()
    if last and is_required(person):
        raise Refused(_("您的岗位须有第二重验证：请先添加新的，再移除这一个"))
    factor.delete()
    if last:
        person.recovery_codes.all().delete()
    log.write("factor.remove", f"person:{person.pk}", now=now, actor=person, data={"kind": factor.kind})


def check(person: Person, text: str, now: datetime) -> bool:
    """Is this the authenticator's code of now, or a recovery code that was not used yet? It is used up by asking.

    One UPDATE with its condition decides, so that of two requests with the same code, in any process, one is let in.
    """
    code = rules.plain(text)
    return (rules.is_totp(code) and _use_app(person, code, now)) or (
        rules.is_recovery(code) and _use_recovery(person, code, now)
    )


def _use_app(person: Person, code: str, now: datetime) -> bool:
    factor = person.factors.filter(kind=Factor.Kind.TOTP).first()
    if factor is None:
        return False
    try:
        step = _step(unseal(factor.secret), code, now)
    except Unreadable:
        return False
    if step is None:
        return False
    fresh = Factor.objects.filter(pk=factor.pk, last_step__lt=step)
    return fresh.update(last_step=step, last_used_at=now) == 1


@transaction.atomic
def _use_recovery(person: Person, code: str, now: datetime) -> bool:
    used = person.recovery_codes.filter(digest=_digest(person, code), used_at=None).update(used_at=now) == 1
    if used:
        log.write(
            "factor.recovery_used", f"person:{person.pk}", now=now, actor=person, data={"left": codes_left(person)}
        )
    return used


def _step(secret: str, code: str, now: datetime) -> int | None:
    """The step of 30 seconds whose code this is, within the tolerance; None if there is none."""
    if not rules.is_totp(code):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=rules.STEPS_OFF)
    except OTPVerificationError:
        return None


def _digest(person: Person, code: str) -> str:
    return salted_hmac("organisations.recovery", f"{person.pk}:{code}", algorithm="sha256").hexdigest()


def count_wrong(person: Person, now: datetime) -> None:
    """One more wrong code in a row; at the limit the factor is closed until an administrator resets it."""
    Person.objects.filter(pk=person.pk).update(wrong_codes=F("wrong_codes") + 1)
    person.refresh_from_db(fields=["wrong_codes"])
    if person.wrong_codes == rules.TOO_MANY:
        log.write("factor.closed", f"person:{person.pk}", now=now, data={"wrong_codes": person.wrong_codes})


def forget_wrong(person: Person) -> None:
    if person.wrong_codes:
        Person.objects.filter(pk=person.pk).update(wrong_codes=0)


def is_closed(person: Person) -> bool:
    return person.wrong_codes >= rules.TOO_MANY


@transaction.atomic
def end_sessions(person: Person, now: datetime) -> None:
    """Every session of this person ends, in every browser, also the one that asked (its view may sign it in anew)."""
    Person.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    person.refresh_from_db(fields=["session_epoch"])
    log.write("session.end_all", f"person:{person.pk}", now=now, actor=person)
