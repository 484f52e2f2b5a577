"""Recipients send what they were given to storage of their own, with access data they type in for this one time.

The destination belongs to the link: nobody else sees it or pushes there, and its secrets go when the push ends. Whoever
has a link is not known to us, so hosts must be on the public network, and tries that fail are slowed like guesses.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from delivery import events
from delivery.hosts import addresses_of
from delivery.kinds import KINDS
from delivery.models import Delivery, Destination
from delivery.services.trial import try_out
from delivery.vault import lock_away
from delivery.web_calls import is_public
from portal.actors import Actor
from portal.errors import Conflict, Invalid
from portal.guesses import note_wrong_guess, require_patience
from portal.models import Dataset
from portal.queue import enqueue
from sharing.models import ShareLink
from sharing.services.recording import lock_link
from sharing.services.takings import count_download

KINDS_OFFERED = ("s3", "sftp", "webdav")


def may_push(link: ShareLink) -> bool:
    """Whether the project lets recipients push, and there is something whole to push."""
    return link.dataset.project.recipients_may_push and link.dataset.state == Dataset.State.RELEASED


def push_for_recipient(*, link: ShareLink, kind: str, said: dict[str, str], actor: Actor, now: datetime) -> Delivery:
    """Tried out first. `link` was admitted for this way. Raises Invalid, Conflict, LinkUsedUp, TooManyRequests."""
    if not may_push(link) or kind not in KINDS_OFFERED:
        raise Conflict("The people who sent the data do not offer this. Download them instead.")
    require_patience(f"push {link.pk}", actor.address)
    form, remote = KINDS[kind], KINDS[kind].remote(said)
    try:
        _refuse_private(remote.hosts)
        pinned = try_out(remote)
    except Invalid:
        note_wrong_guess(f"push {link.pk}", actor.address)
        raise
    shown = {name: value for name, value in said.items() if name not in form.secret}
    if pinned:
        shown["host_keys"] = pinned
    with transaction.atomic():
        locked = lock_link(link)
        if Delivery.objects.under_way().filter(link=link).exists():
            raise Conflict("The data are on their way already. Wait until that has ended.")
        count_download(locked)
        destination = Destination.objects.create(
            project=link.dataset.project,
            link=link,
            name=f"Storage of {link.recipient}"[:80],
            kind=kind,
            place=form.place(said)[:700],
            options=shown,
            locked=lock_away({name: said[name] for name in form.secret}),
            tested_at=now,
        )
        delivery = Delivery.objects.create(
            dataset=link.dataset,
            destination=destination,
            occasion=f"link:{destination.pk}",
            link=link,
            asked_from=actor.address,
            client=actor.client,
            asked_by_label=actor.label,
            files_total=link.dataset.verified_count,
            bytes_total=link.dataset.bytes_verified,
        )
        events.push_begun(delivery, actor)
        enqueue("delivery.tasks.push_task")
    return delivery


def _refuse_private(hosts: tuple[str, ...]) -> None:
    """Raises Invalid. File servers of the house are for its members."""
    for host in hosts:
        if host not in settings.DESTINATION_HOSTS and not all(map(is_public, addresses_of(host))):
            raise Invalid(f"{host} is not on the public network. Name another host.")
