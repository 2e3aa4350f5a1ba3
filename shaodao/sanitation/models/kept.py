"""The events of the sanitation book."""

from django.db import models

from shaodao.book.models import Kept, RowEvent
from shaodao.cases.models.fields import PERSON, ref

__all__ = ["BookEvent", "Kept"]


class BookEvent(RowEvent):
    """One change of one row of the book."""

    actor = ref(PERSON, "sanitation_events")

    class Meta(RowEvent.Meta):
        constraints = [models.UniqueConstraint(fields=["subject", "seq"], name="book_event_once")]
