"""Members are told of downloads as they wish: of what concerns them, or of everything in a mail each or one digest a
day, or of nothing.

The digest of a day is an outbox row that is queued with its first line and goes out the next morning where the person
is. So no task makes digests, and the outbox sends each once.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.models import Dataset, DigestLine, Membership, Notice, User
from portal.outbox import Mail, new_notice, queue_notices
from portal.zones import zone_named

DIGEST = "downloads-digest"
MORNING = time(7)
KEPT_FOR = timedelta(days=90)  # staff read a sent digest again as long

Told = Membership.Told
WATCHING = (Told.EACH, Told.DAILY)


def tell_of_download(
    kind: str,
    addresses: Iterable[str],
    *,
    dataset: Dataset,
    said: str,
    subject_id: object,
    slot: str,
    now: datetime,
    context: dict[str, Any] | None = None,
) -> None:
    """Queues the mail ``kind`` as ``queue_notice`` does, except for members who wish otherwise.

    ``said`` is how a digest says it. Addresses of nobody in the project get the mail; whoever has several spellings of
    one gets one. Cost: one query more.
    """
    told = {address.lower(): address for address in reversed(list(addresses))}
    if not told:
        return
    wishes = _wishes(told, dataset)
    notices = [
        new_notice(kind, address, subject_id=subject_id, slot=slot, dataset=dataset, context=context)
        for known, address in reversed(told.items())
        if known not in wishes or wishes[known].told_of_downloads in (Told.MINE, Told.EACH)
    ]
    daily = [wish.user for wish in wishes.values() if wish.told_of_downloads == Told.DAILY]
    lines = [
        DigestLine(
            person=person,
            day=day_of(person, now),
            dataset=dataset,
            kind=kind,
            subject_id=str(subject_id),
            slot=slot,
            said=said[:400],
            at=now,
        )
        for person in daily
    ]
    DigestLine.objects.bulk_create(lines, ignore_conflicts=True)
    queue_notices([*notices, *(_digest_of(line.person, line.day) for line in lines)])


def watchers_of(project_id: int) -> list[str]:
    """The members who chose to be told of everything in a project, whoever shared it. One query."""
    members = Membership.objects.filter(project=project_id, told_of_downloads__in=WATCHING, user__is_active=True)
    return list(members.order_by("pk").values_list("user__email", flat=True))


def wish_of(notice: Notice) -> dict[str, str]:
    """For the foot of a mail that members may turn off: why it came, if it was chosen, and where to choose otherwise.
    Both empty for an address of nobody in the project. One query."""
    wish = _wishes([notice.to], notice.dataset).get(notice.to.lower()) if notice.dataset else None
    if wish is None:
        return {"chosen_for": "", "wish_url": ""}
    chosen = wish.told_of_downloads in WATCHING
    return {"chosen_for": wish.project.name if chosen else "", "wish_url": settings.PORTAL_URL + reverse("mail_wishes")}


def day_of(person: User, now: datetime) -> date:
    return now.astimezone(zone_named(person.time_zone)).date()


def morning_after(person: User, day: date) -> datetime:
    """When the digest of ``day`` goes out."""
    return datetime.combine(day + timedelta(days=1), MORNING, zone_named(person.time_zone))


def digest(notice: Notice) -> Mail | None:
    """What was to be told of a day. Of projects where the person no longer wishes it, or no longer is, nothing."""
    person = User.objects.filter(pk=notice.subject_id, is_active=True).first()
    if person is None:
        return None
    mine = Membership.objects.filter(user=person).exclude(told_of_downloads=Told.NEVER)
    lines = DigestLine.objects.filter(person=person, day=notice.slot, dataset__project__in=mine.values("project"))
    ordered = lines.select_related("dataset__project").order_by("dataset__project__name", "dataset__name", "id")
    datasets = [_about(dataset, list(said)) for dataset, said in groupby(ordered, key=lambda line: line.dataset)]
    if not datasets:
        return None
    context = {
        "day": date.fromisoformat(notice.slot),
        "datasets": datasets,
        "count": sum(len(dataset["said"]) for dataset in datasets),
        "settings_url": settings.PORTAL_URL + reverse("mail_wishes"),
    }
    return Mail("downloads-digest", context, preferences=str(context["settings_url"]))


def forget_old_lines(now: datetime) -> int:
    return DigestLine.objects.filter(day__lt=(now - KEPT_FOR).date()).delete()[0]


def _wishes(addresses: Iterable[str], dataset: Dataset) -> dict[str, Membership]:
    """By address, of those members of the dataset's project who have one of these."""
    known = {address.lower() for address in addresses}
    members = Membership.objects.filter(project=dataset.project_id, user__email__in=known, user__is_active=True)
    return {member.user.email: member for member in members.select_related("user", "project")}


def _digest_of(person: User, day: date) -> Notice:
    morning = morning_after(person, day)
    return new_notice(DIGEST, person.email, subject_id=person.pk, slot=day.isoformat(), not_before=morning)


def _about(dataset: Dataset, lines: list[DigestLine]) -> dict[str, Any]:
    """One sentence may stand for two mails: whoever shares and operates gets both."""
    return {
        "dataset": dataset,
        "project": dataset.project.name,
        "url": settings.PORTAL_URL + dataset.get_absolute_url(),
        "said": list(dict.fromkeys(line.said for line in lines)),
    }
