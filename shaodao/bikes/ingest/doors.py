"""Where an operator's system pushes to: what its page says."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from shaodao.bikes.models import Operator
from shaodao.bikes.providers import provider_id
from shaodao.foundation.listen import Broker


@dataclass(frozen=True)
class Doors:
    """Addresses of one operator; `mqtt` is its topic, empty where MQTT is off."""

    mds: str
    provider_id: str
    mqtt: str


def of(operator: Operator) -> Doors:
    """`operator.organisation` is read. The broker's address is not told: it may carry our password."""
    mds = settings.ORIGIN + reverse("mds_vehicles").removesuffix("vehicles")
    return Doors(mds, provider_id(operator.organisation.code), _topic(operator.organisation.code))


def _topic(code: str) -> str:
    try:
        return Broker.of(settings.MQTT_URL).topic_of(code) if settings.MQTT_URL else ""
    except ValueError:
        return ""
