"""What happens to a released dataset: a link for each recipient, a mail to each, a mail to the operators."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from portal.actors import SYSTEM, Actor
from portal.digests import tell_of_download, watchers_of
from portal.link_tokens import current_key_id
from portal.models import Dataset, User
from portal.outbox import new_notice, queue_notices
from portal.queue import enqueue
from portal.templatetags.quantities import counted, size_text
from sharing import events
from sharing.layouts import LARGE
from sharing.models import ShareLink
from sharing.services.telling import operators_of
from sharing.services.terms import Terms

RELEASE = "release"
FREE_TERMS = Terms()


def dispatch_dataset(*, dataset_id: UUID, now: datetime) -> list[ShareLink]:
    """Links and mails for the recipients the sender named; those made. Doing it again does nothing."""
    with transaction.atomic():
        waiting = Dataset.objects.select_for_update(of=("self",)).select_related("project", "instrument")
        dataset = waiting.filter(pk=dataset_id, state=Dataset.State.RELEASED, dispatched_at__isnull=True).first()
        if dataset is None:
            return []
        dataset.dispatched_at = now
        dataset.save(update_fields=["dispatched_at"])
        links = make_links(
            dataset=dataset,
            recipients=dataset.recipients.values_list("email", flat=True),
            owner=_sender(dataset),
            label=dataset.sent_by,
            occasion=RELEASE,
            starts_at=now,
            expires_at=now + dataset.project.link_lifetime,
        )
        tell_of_download(
            "dataset-released",
            [*operators_of(dataset), *watchers_of(dataset.project_id)],
            dataset=dataset,
            said=f"released: {counted(dataset.verified_count, 'file,files')}, {size_text(dataset.bytes_verified)}",
            subject_id=dataset.pk,
            slot=RELEASE,
            now=now,
        )
        announce(links, SYSTEM)
        if dataset.verified_count >= LARGE:
            enqueue("sharing.tasks.lay_out_dataset_task", str(dataset.pk))
    return links


def dispatch_forgotten(*, now: datetime) -> int:
    """What a lost bell left behind; the number of datasets."""
    forgotten = Dataset.objects.filter(state=Dataset.State.RELEASED, dispatched_at__isnull=True)
    ids = list(forgotten.values_list("pk", flat=True))
    for dataset_id in ids:
        dispatch_dataset(dataset_id=dataset_id, now=now)
    return len(ids)


def make_links(
    *,
    dataset: Dataset,
    recipients: Iterable[str],
    owner: User | None,
    label: str,
    occasion: str,
    starts_at: datetime,
    expires_at: datetime,
    message: str = "",
    terms: Terms = FREE_TERMS,
) -> list[ShareLink]:
    """One link each for those who have none for this occasion; in a transaction of the caller's."""
    known = set(ShareLink.objects.filter(dataset=dataset, occasion=occasion).values_list("recipient", flat=True))
    wanted = dict.fromkeys(recipient.lower() for recipient in recipients)
    columns = terms.columns()
    links = [
        ShareLink(
            **columns,
            key_id=current_key_id(),
            dataset=dataset,
            recipient=recipient,
            occasion=occasion,
            created_by=owner,
            created_by_label=label,
            starts_at=starts_at,
            expires_at=expires_at,
            message=message,
        )
        for recipient in wanted
        if recipient not in known
    ]
    return ShareLink.objects.bulk_create(links)


def announce(links: list[ShareLink], actor: Actor) -> None:
    """Mail and audit of new links; call it last in their transaction."""
    queue_notices(
        new_notice("dataset-ready", link.recipient, subject_id=link.pk, slot="made", dataset=link.dataset)
        for link in links
    )
    for link in links:
        events.link_made(link, actor)


def _sender(dataset: Dataset) -> User | None:
    """The member who sent it in the browser: their links stop with their account."""
    kind, _, user_id = dataset.sender.partition(":")
    return User.objects.filter(pk=user_id).first() if kind == "user" else None
