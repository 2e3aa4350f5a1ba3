"""A town in a database of its own, driven by lines on stdin: the other side of the event stream's test.

Prints one JSON line when ready (tokens, session), then one for each line that it was sent.
"""

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from shaodao.cases.models import Case  # noqa: E402
from shaodao.foundation import clock  # noqa: E402
from shaodao.organisations import tokens  # noqa: E402
from tests.town import Town  # noqa: E402


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    call_command("migrate", verbosity=0)
    town = Town()
    roles = {
        "office": town.person("headquarters"),
        "street": town.person("street"),
        "department": town.person("department"),
        "other": town.person("street", town.other_office),
    }
    client = Client()
    client.force_login(roles["street"], backend="django.contrib.auth.backends.ModelBackend")
    keys = {name: tokens.issue(person, "t", ["read"], clock.now())[1] for name, person in roles.items()}
    keys["writer"] = tokens.issue(roles["office"], "w", ["report"], clock.now())[1]
    keys["nobody"] = tokens.issue(town.person("admin"), "n", ["read"], clock.now())[1]
    town.people["admin-HQ"].posts.update(active=False)
    say(tokens=keys, session=client.cookies["sessionid"].value)
    for line in sys.stdin:
        word, _space, rest = line.strip().partition(" ")
        if word == "report":
            lon = 113.2045 if rest == "other" else 113.2005
            say(number=town.report(lon=lon).number)
        elif word == "many":
            say(numbers=[town.report(lat=40.0001 + i / 1e6).number for i in range(int(rest))])
        elif word == "dispatch":
            case = Case.objects.get(pk=int(rest.partition("-")[2]))
            town.act("file", case, "duty_leader")
            town.act("dispatch", case, "dispatcher", lead="SANI")
            say(number=case.number)
        elif word == "leave":
            town.people["street-140213051"].posts.update(active=False)
            say(left=True)


main()
