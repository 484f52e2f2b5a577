"""At most so many mails of a project a day, so that one that goes wild does not get the facility's mail server blocked.

A day is one of the portal's zone. What is beyond the ceiling waits until the next day, says so in the outbox, and the
project's managers are told once a day. Mails for which nobody waits, such as reminders, go only until four fifths of
the ceiling are used up: a first link or a warning of deletion has the last fifth. Mails that are about no dataset
(invitations, new passwords, this one) are never held back.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from portal.mail_claims import give_back
from portal.models import Dataset, MailDay, Membership, Notice, Project
from portal.outbox import new_notice, queue_notices

State = Notice.State
AT_ONCE = 1000
SPARED = 5  # mails that can wait leave one of so many to the others
WENT_OUT = (State.SENT, State.UNCERTAIN)


def keep_to_ceilings(claimed: list[Notice], now: datetime) -> list[Notice]:
    """Those of ``claimed``, just taken to be sent, that may go out today; the others are made to wait.

    Cost: one short transaction, at most two, for each project of the batch that has a ceiling.
    """
    spared: set[int] = set()
    for (project, can_wait), mails in _by_project(claimed).items():
        room = _reserve(project, day_of(now), len(mails), most_of(project, can_wait=can_wait))
        beyond = mails[room:]
        spared.update(mail.pk for mail in beyond)
        give_back(beyond)  # so the next batch asks again: of those in the room, not all may go out
        if not room:
            _hold_back(project, now, spares=can_wait and most_of(project, can_wait=True) < ceiling_of(project))
    return [mail for mail in claimed if mail.pk not in spared]


def return_room(unsent: Iterable[Notice], day: date) -> None:
    """Takes mails out of the day's count that in the end did not go out."""
    for (project, _), mails in _by_project(unsent).items():
        rest = Greatest(F("mails"), len(mails)) - len(mails)
        MailDay.objects.filter(project=project, day=day).update(mails=rest)


def ceiling_of(project: Project) -> int:
    """Mails a day; 0: no limit."""
    return project.mails_a_day or settings.MAILS_A_DAY


def most_of(project: Project, *, can_wait: bool) -> int:
    """How many mails may have gone on a day for one more of that kind to go."""
    ceiling = ceiling_of(project)
    return ceiling - ceiling // SPARED if can_wait else ceiling


def day_of(now: datetime) -> date:
    return timezone.localtime(now, timezone.get_default_timezone()).date()


def _by_project(mails: Iterable[Notice]) -> dict[tuple[Project, bool], list[Notice]]:
    """Of the projects that have a ceiling; apart from each other those that can wait, or not."""
    found: dict[tuple[Project, bool], list[Notice]] = defaultdict(list)
    for mail in mails:
        if mail.dataset and ceiling_of(mail.dataset.project):
            found[mail.dataset.project, mail.can_wait].append(mail)
    return found


def _reserve(project: Project, day: date, wanted: int, most: int) -> int:
    """How many of ``wanted`` mails fit into the day if it has ``most``; they are counted from now on."""
    with transaction.atomic():
        MailDay.objects.get_or_create(project=project, day=day)
        count = MailDay.objects.select_for_update().get(project=project, day=day)
        room = max(0, min(wanted, most - count.mails))
        if room:
            MailDay.objects.filter(pk=count.pk).update(mails=F("mails") + room)
    return room


def _hold_back(project: Project, now: datetime, *, spares: bool) -> None:
    """All mails of the project that are due, or only those that can wait, where that spares some for the others. What
    another worker takes at this moment it will hold back itself."""
    day, until = day_of(now), _begin_of(day_of(now) + timedelta(days=1))
    due = Notice.objects.to_send().due(now).filter(dataset__in=Dataset.objects.filter(project=project))
    waiting = due.filter(can_wait=True) if spares else due
    while _make_wait(waiting, until, _reason(project, day, spares=spares)) == AT_ONCE:
        pass
    managers = Membership.objects.filter(project=project, role=Membership.Role.MANAGER, user__is_active=True)
    slot = f"{day.isoformat()} reminders" if spares else day.isoformat()
    queue_notices(
        new_notice("mails-held", address, subject_id=project.pk, slot=slot, context={"reminders": spares})
        for address in managers.values_list("user__email", flat=True)
    )


def _reason(project: Project, day: date, *, spares: bool) -> str:
    ceiling = ceiling_of(project)
    if spares:
        return (
            f"The project has sent {most_of(project, can_wait=True)} of its {ceiling} mails on {day:%-d %B}, or more; "
            "the rest is for links, warnings and answers. This one waits for the next day."
        )
    return f"The project has sent {ceiling} mails on {day:%-d %B}, as many as it may. This one waits for the next day."


def _make_wait(waiting: QuerySet[Notice], until: datetime, reason: str) -> int:
    """The number of mails, at most `AT_ONCE`. Waits for no lock, so two workers that do it cannot block each other."""
    with transaction.atomic():
        free = waiting.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
        ids = list(free[:AT_ONCE])
        Notice.objects.filter(pk__in=ids).update(not_before=until, last_error=reason)
    return len(ids)


def _begin_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())
