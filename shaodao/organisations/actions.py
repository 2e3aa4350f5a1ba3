"""Writes about people: accounts, passwords, posts. Each is a line in the general log."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.foundation import log
from shaodao.foundation.errors import Invalid
from shaodao.organisations.models import Organisation, Person, Post


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


def _check_password(password: str, person: Person) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid({"password": " ".join(error.messages)}) from None


def set_post(person: Person, role: str, organisation_code: str, *, active: bool = True, by: Any = None) -> Post:
    """Give a person a role in an organisation, or end it; an ended post stays in the records."""
    if role not in Post.Role.values:
        raise Invalid({"role": _("岗位应为其中之一：%(roles)s") % {"roles": ", ".join(Post.Role.values)}})
    organisation = Organisation.objects.filter(code=organisation_code).first()
    if organisation is None:
        raise Invalid({"organisation": _("没有这个单位：%(code)s") % {"code": organisation_code}})
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
