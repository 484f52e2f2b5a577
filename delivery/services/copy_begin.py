"""A recipient who has an account takes a dataset into a project of their own, inside the portal."""

from datetime import datetime

from django.db import transaction

from delivery import events
from delivery.models import DatasetCopy
from portal.actors import Actor
from portal.counts import Change, apply_change
from portal.errors import Conflict, Invalid, NotSignedIn
from portal.models import Dataset, Project
from portal.queue import enqueue
from portal.stores import LOCAL
from sharing.models import ShareLink
from sharing.services.recording import lock_link
from sharing.services.takings import count_download
from uploads.access import Sender
from uploads.services.datasets import DatasetWish, create_dataset
from uploads.services.room import require_disk_room, require_quota


def begin_copy(*, link: ShareLink, project: Project, title: str, actor: Actor, now: datetime) -> DatasetCopy:
    """A closed dataset in `project` that fills by itself, and is released once all of it reads back right.

    Asked again it is the same copy. Its bytes count against the quota from now on. Who asks may open `link` and send
    into `project`: that was looked at before. Raises Conflict while the dataset still grows,
    Invalid, NoRoom, LinkUsedUp.
    """
    if actor.user is None:
        raise NotSignedIn("Sign in to copy the data into one of your projects.")
    source = link.dataset
    if source.state != Dataset.State.RELEASED:
        raise Conflict("Files are still arriving. It can be copied as soon as it is complete.")
    if source.project_id == project.pk:
        raise Invalid("The data lie in this project already. Choose another one.")
    wish = _wish(link, project, title)
    with transaction.atomic():
        require_quota(project, source.bytes_verified)
        if project.store == LOCAL != source.store:
            require_disk_room(source.bytes_verified)
        target, new = create_dataset(sender=Sender(actor), project=project, instrument=None, wish=wish, now=now)
        if not new:
            return DatasetCopy.objects.get(target=target)
        count_download(lock_link(link))
        apply_change(target.pk, Change(files=source.verified_count, bytes_expected=source.bytes_verified))
        Dataset.objects.filter(pk=target.pk).update(state=Dataset.State.CLOSED, closed_at=now)
        copy = DatasetCopy.objects.create(
            source=source,
            revision=source.revision,
            link=link,
            target=target,
            target_name=target.name,
            asked_by=actor.user,
            asked_from=actor.address,
            client=actor.client,
        )
        events.copy_begun(copy, target, actor)
        enqueue("delivery.tasks.copy_task", copy.pk)
    return copy


def _wish(link: ShareLink, project: Project, title: str) -> DatasetWish:
    source = link.dataset
    return DatasetWish(
        client_key=f"copy:{link.pk}:{source.revision}:{project.pk}",
        title=title or source.title,
        description=source.description,
        investigation=source.investigation,
        keywords=[keyword.word for keyword in source.keywords.all()],
        metadata=source.metadata,
    )
