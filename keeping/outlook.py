"""Until when a dataset is kept and why, as its pages tell it, and what this person may do about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from keeping.due import deletion_at
from keeping.models import AskedPerson, Keeping, RetentionClass
from keeping.services.facts import situation_of
from keeping.services.keepings import extension_of, keeping_of
from portal.access import MAY_MANAGE, MAY_SEND, role_in
from portal.models import Dataset, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

Answer = AskedPerson.Answer


@dataclass(frozen=True, slots=True)
class Outlook:
    """``at``: the day of the deletion by the clock, if any; ``until``: what one more extension by this person gives."""

    keeping: Keeping
    retention: RetentionClass | None
    at: datetime | None
    until: datetime | None
    manages: bool
    sends: bool
    answers: list[AskedPerson]

    @property
    def is_default(self) -> bool:
        return self.keeping.retention_class_id is None

    @property
    def may_delete(self) -> bool:
        return self.manages and not self.keeping.is_held and self.keeping.dataset.state == Dataset.State.RELEASED


def outlook_of(dataset: Dataset, person: "User | AnonymousUser", now: datetime) -> Outlook:
    """Computed now, not as last noted. Cost: eleven queries at most."""
    keeping = keeping_of(dataset)
    keeping.dataset = dataset
    situation = situation_of(keeping)
    role = role_in(person, dataset.project)
    until, _ = extension_of(keeping, now=now, manages=role in MAY_MANAGE, situation=situation)
    answers = AskedPerson.objects.filter(keeping=keeping.pk).exclude(answer=Answer.NONE) if keeping.pk else []
    return Outlook(
        keeping=keeping,
        retention=situation.retention,
        at=None if dataset.is_gone else deletion_at(situation.facts, situation.policy, now),
        until=until if role in MAY_SEND else None,
        manages=role in MAY_MANAGE,
        sends=role in MAY_SEND,
        answers=list(answers),
    )
