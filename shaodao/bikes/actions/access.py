"""Keys for an operator's machines: issued and revoked on the operator's file, so that its events tell of them."""

from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from shaodao.bikes.actions.record import Step, body
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid
from shaodao.organisations import tokens
from shaodao.organisations.models import ApiToken, Person

SCOPE = "bikes"


@body("issue_token")
def issue_token(s: Step, name: str, person: Person, expires_on: date | None) -> str:
    """The plain text of a new token with the scope `bikes`, which is kept nowhere. Good to the end of its last day."""
    ends: datetime | None = None
    if expires_on is not None:
        if expires_on < s.loaded.facts.today:
            raise Invalid({"expires_on": _("应不早于今天")})
        ends = clock.from_local(datetime.combine(expires_on, time()) + timedelta(days=1))
    row, plain = tokens.issue(person, name, [SCOPE], s.now, expires_at=ends, by=s.actor.person)
    s.data = {"token": row.pk, "name": name, "person": person.username}
    return plain


@body("revoke_token")
def revoke_token(s: Step, token: ApiToken) -> None:
    tokens.revoke(token, s.actor.person, s.now)
    s.data = {"token": token.pk, "name": token.name}
