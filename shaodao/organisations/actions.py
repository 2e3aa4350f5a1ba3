"""Writes about people: accounts, passwords, posts. Each is a line in the general log."""

import re
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from shaodao.foundation import log
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations import rules
from shaodao.organisations.models import ENTERED, Organisation, Person, Post


@transaction.atomic
def create_person(
    username: str, name: str, password: str | None, *, sample: bool = False, by: Person | None = None
) -> Person:
    """A new account without any post. Raises Invalid (username taken or malformed, password too weak)."""
    person = Person(username=username, name=name or username, sample=sample)
    if password is None:
        person.set_unusable_password()
    else:
        _check_password(password, person)
        person.set_password(password)
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        raise Invalid({k: " ".join(v) for k, v in error.message_dict.items()}) from None
    person.save()
    log.write("person.create", f"person:{person.pk}", actor=by, data={"username": username})
    return person


def set_password(person: Person, password: str, *, by: Person | None = None) -> None:
    """A new password; raises Invalid when it is too weak."""
    _check_password(password, person)
    person.set_password(password)
    person.save(update_fields=["password"])
    log.write("person.password", f"person:{person.pk}", actor=by)


def invite(person: Person, *, by: Person | None = None) -> str:
    """The path of a page, good once and for three days, on which the person chooses a password.

    Nobody else ever knows it. The old password, if there was one, stops at once, and with it every session.
    """
    if not person.is_active:
        raise Refused(_("账号已停用，请先启用"))
    person.set_unusable_password()
    person.save(update_fields=["password"])
    log.write("person.invite", f"person:{person.pk}", actor=by)
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("welcome", args=[uid, default_token_generator.make_token(person)])


@transaction.atomic
def change_person(person: Person, *, name: str, name_en: str, active: bool, by: Person | None = None) -> None:
    """Name, and whether the person may sign in. Raises Invalid (fields), Refused (nobody would be left to administer)."""
    if not active:
        _keep_an_admin(person, _("不能停用"))
    new = {"name": name.strip(), "name_en": name_en.strip(), "is_active": active}
    changed = {k: [getattr(person, k), v] for k, v in new.items() if getattr(person, k) != v}
    for key, value in new.items():
        setattr(person, key, value)
    try:
        person.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise Invalid({k: " ".join(v) for k, v in error.message_dict.items()}) from None
    if not person.name:
        raise Invalid({"name": _("必填")})
    if changed:
        person.save(update_fields=list(new))
        log.write("person.change", f"person:{person.pk}", actor=by, data=changed)


def _keep_an_admin(person: Person, what: str) -> None:
    """Refuse what would leave the district without anybody who can administer accounts."""
    admins = Post.objects.filter(role=Post.Role.ADMIN, active=True, person__is_active=True)
    mine = admins.filter(person=person)
    if mine.exists() and not admins.exclude(person=person).exists():
        raise Refused(_("%(what)s：这是最后一位系统管理员") % {"what": what})


@transaction.atomic
def reset_factor(person: Person, *, by: Person | None = None, reason: str = "") -> int:
    """Take away every factor and recovery code, open the factor if wrong codes closed it, and end all sessions.

    For whoever lost the phone: the next sign-in needs the password alone, and sets up anew where the post requires it.
    The number of factors that there were.
    """
    n = person.factors.count()
    person.factors.all().delete()
    person.recovery_codes.all().delete()
    Person.objects.filter(pk=person.pk).update(wrong_codes=0, session_epoch=F("session_epoch") + 1)
    person.refresh_from_db(fields=["wrong_codes", "session_epoch"])
    log.write("factor.reset", f"person:{person.pk}", actor=by, reason=reason, data={"factors": n})
    return n


def _check_password(password: str, person: Person) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid({"password": " ".join(error.messages)}) from None


@transaction.atomic
def set_post(person: Person, role: str, organisation_code: str, *, active: bool = True, by: Any = None) -> Post:
    """Give a person a role in an organisation, or end it; an ended post stays in the records.

    Raises Invalid (unknown, or a role that such an organisation cannot have), Refused (the last administrator's post).
    """
    if role not in Post.Role.values:
        raise Invalid({"role": _("岗位应为其中之一：%(roles)s") % {"roles": ", ".join(Post.Role.values)}})
    organisation = Organisation.objects.filter(code=organisation_code).first()
    if organisation is None:
        raise Invalid({"organisation": _("没有这个单位：%(code)s") % {"code": organisation_code}})
    if active and not rules.can_hold(role, organisation.kind):
        kinds = "、".join(sorted(str(rules.Kind(k).label) for k in rules.HELD_IN[rules.Role(role)]))
        raise Invalid({"role": _("这个岗位只能设在：%(kinds)s") % {"kinds": kinds}})
    if active and not organisation.active:
        raise Invalid({"organisation": _("该单位已停用")})
    if not active and role == Post.Role.ADMIN:
        _keep_an_admin(person, _("不能结束"))
    post, _made = Post.objects.update_or_create(
        person=person, role=role, organisation=organisation, defaults={"active": active}
    )
    log.write(
        "post.give" if active else "post.end",
        f"person:{person.pk}",
        actor=by,
        data={"role": role, "organisation": organisation_code},
    )
    return post


@transaction.atomic
def create_organisation(
    code: str, name: str, kind: str, *, name_en: str = "", illustrative: bool = False, by: Person | None = None
) -> Organisation:
    """An organisation that is not of the pack; loading a pack leaves it. Raises Invalid (code malformed or taken, name)."""
    row = Organisation(
        code=code.strip(),
        name=name.strip(),
        name_en=name_en.strip(),
        kind=kind,
        illustrative=illustrative,
        source=ENTERED,
    )
    errors: dict[str, Any] = {}
    try:
        row.full_clean()
    except ValidationError as error:
        errors = {k: " ".join(v) for k, v in error.message_dict.items()}
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}", row.code):
        errors["code"] = _("用 1 至 20 个字母、数字、短横线")
    if errors:
        raise Invalid(errors)
    row.save()
    log.write("organisation.create", f"organisation:{row.code}", actor=by, data={"name": row.name, "kind": kind})
    return row
