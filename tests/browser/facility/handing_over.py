"""What recipients do with their links: nothing, look, begin, break off, or take everything."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from keeping.services.deleting import delete_by_hand
from portal.actors import Actor
from portal.mail_sending import send_due_mail
from portal.models import DataFile, Notice
from reminders.services.remind import remind_recipients
from sharing.gate.offers import zip_offer
from sharing.layouts import layout_of
from sharing.models import Receipt, ShareLink
from sharing.services.by_hand import ShareWish, revoke_link, share_by_hand
from sharing.services.dispatch import dispatch_dataset
from sharing.services.expiry import note_expired_links
from sharing.services.recording import Delivery, begin_delivery, end_delivery, note_opened
from tests.browser.facility.arrivals import Run, dataset_of
from tests.browser.facility.disks import measure_storage
from tests.browser.facility.moved_clock import Story
from tests.browser.facility.people import House

CURL = "curl/8.5.0"
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0"
BYTES_A_SECOND = 45 * 10**6


@dataclass(frozen=True)
class Guest:
    """A recipient at their place."""

    email: str
    address: str
    client: str = BROWSER


def hand_over(story: Story, run: Run) -> datetime:
    """Links and mails as at the release, a minute after it; when that is."""
    moment = run.ended + timedelta(minutes=1)
    story.at(moment, lambda: dispatch_dataset(dataset_id=dataset_of(run).pk, now=moment))
    story.at(moment + timedelta(seconds=8), send_mails)
    return moment


def share(story: Story, house: House, run: Run, *, by: str, to: list[str], moment: datetime, days: int) -> None:
    wish = ShareWish(to, moment + timedelta(days=days), f"{by} {moment:%Y%m%d%H%M}")
    actor = house.actor(by)
    story.at(moment, lambda: share_by_hand(dataset=dataset_of(run), wish=wish, actor=actor, now=moment))
    story.at(moment + timedelta(seconds=8), send_mails)


def revoke(story: Story, house: House, run: Run, *, email: str, by: str, moment: datetime) -> None:
    actor = house.actor(by)
    story.at(moment, lambda: revoke_link(link=link_of(run, email), actor=actor, now=moment))


def look(story: Story, run: Run, guest: Guest, moment: datetime) -> None:
    story.at(moment, lambda: note_opened(link=link_of(run, guest.email), now=moment))


def take_all(story: Story, run: Run, guest: Guest, moment: datetime, *, part: float = 1.0) -> None:
    """Opens the page, begins the zip, and ends with ``part`` of it."""
    look(story, run, guest, moment - timedelta(minutes=2))
    size = int(sum(size for _, size in run.files) * part)
    ended = moment + timedelta(seconds=size / BYTES_A_SECOND)
    story.at(moment, lambda: begin_delivery(delivery=_zip_for(run, guest), now=moment))
    story.at(ended, lambda: _end_zip(run, guest, part, ended))


def take_files(story: Story, run: Run, guest: Guest, moment: datetime, *, count: int) -> None:
    """Takes the first files one by one."""
    look(story, run, guest, moment - timedelta(minutes=2))
    for number in range(count):
        ended = moment + timedelta(seconds=9 * (number + 1))
        story.at(ended, lambda number=number, ended=ended: _take_file(run, guest, number, ended))  # type: ignore[misc]


def send_mails() -> None:
    """Into the folder of mails, as a worker would."""
    send_due_mail(clock=timezone.now)


def strike_each_day(story: Story, since: datetime) -> None:
    """What the clock does at six in the morning."""
    moment = since.replace(hour=6, minute=0, second=0, microsecond=0)
    while moment < story.now:
        story.at(moment, lambda moment=moment: note_expired_links(now=moment))  # type: ignore[misc]
        story.at(moment, lambda moment=moment: remind_recipients(now=moment))  # type: ignore[misc]
        story.at(moment, send_mails)
        story.at(moment, lambda moment=moment: measure_storage(moment, story.now))  # type: ignore[misc]
        moment += timedelta(days=1)


def lose_mail(run: Run, email: str, state: Notice.State, trouble: str) -> None:
    """The mail server did not take it, or did not say whether it did."""
    notice = Notice.objects.filter(dataset=dataset_of(run), to=email).latest("pk")
    notice.state, notice.last_error, notice.sent_at, notice.attempts = state, trouble, None, 3
    notice.save()


def link_of(run: Run, email: str) -> ShareLink:
    links = ShareLink.objects.select_related("dataset__project", "dataset__instrument", "created_by")
    return links.filter(dataset__client_key=run.key, recipient=email).latest("pk")


def set_terms(run: Run, email: str, **columns: object) -> None:
    ShareLink.objects.filter(pk=link_of(run, email).pk).update(**columns)


def _zip_for(run: Run, guest: Guest) -> Delivery:
    link = link_of(run, guest.email)
    offer = zip_offer(link.dataset, layout_of(link.dataset))
    return Delivery(
        dataset=link.dataset,
        actor=_actor(link, guest),
        kind=Receipt.Kind.ZIP,
        subject=offer.subject,
        total=offer.total,
        spans=((0, offer.total),),
        revision=offer.revision,
        link=link,
    )


def _end_zip(run: Run, guest: Guest, part: float, now: datetime) -> None:
    delivery = _zip_for(run, guest)
    end_delivery(delivery=delivery, sent=int(delivery.total * part), now=now)
    send_mails()


def _take_file(run: Run, guest: Guest, number: int, now: datetime) -> None:
    link = link_of(run, guest.email)
    file = DataFile.objects.filter(dataset=link.dataset).order_by("path")[number]
    delivery = Delivery(
        dataset=link.dataset,
        actor=_actor(link, guest),
        kind=Receipt.Kind.FILE,
        subject=file.path,
        total=file.size,
        spans=((0, file.size),),
        revision=link.dataset.revision,
        link=link,
        file=file,
    )
    end_delivery(delivery=delivery, sent=file.size, now=now)


def _actor(link: ShareLink, guest: Guest) -> Actor:
    return Actor("recipient", str(link.pk), link.recipient, guest.address, guest.client)


def delete(run: Run, house: House, *, by: str, moment: datetime) -> None:
    """The files are no longer offered; the dataset can still be restored."""
    delete_by_hand(dataset=dataset_of(run), actor=house.actor(by), now=moment)
