"""What the mails of this room say; `settings.MAILS` names the functions."""

from django.conf import settings
from django.urls import reverse

from delivery.models import DatasetCopy, Delivery, Hook
from portal.digests import wish_of
from portal.models import Notice
from portal.outbox import Mail
from sharing.links import address_of


def copy_failed(notice: Notice) -> Mail | None:
    """A copy into somebody's project was given up and removed."""
    copy = DatasetCopy.objects.select_related("source__project").filter(pk=notice.subject_id).first()
    if copy is None:
        return None
    source = copy.source
    context = {"copy": copy, "source": source, "contact": source.project.contact_email}
    return Mail("copy-failed", context, reply_to=[source.project.contact_email])


def push_ended(notice: Notice) -> Mail | None:
    """A dataset was pushed to a destination, or could not be."""
    found = Delivery.objects.select_related("dataset__project", "destination", "link")
    delivery = found.filter(pk=notice.subject_id).first()
    if delivery is None:
        return None
    dataset = delivery.dataset
    url = settings.PORTAL_URL + dataset.get_absolute_url()
    if delivery.link:
        url = address_of(delivery.link) or settings.PORTAL_URL
    context = {"delivery": delivery, "dataset": dataset, "destination": delivery.destination, "url": url}
    told = _wish(delivery, notice)
    return Mail(notice.kind, context | told, [dataset.project.contact_email], preferences=told["wish_url"])


def _wish(delivery: Delivery, notice: Notice) -> dict[str, str]:
    """Of those to whom a push at the release is told; what failed, or somebody asked for, is no matter of wishes."""
    asked = delivery.link or delivery.asked_by
    return {"wish_url": ""} if asked or delivery.state != Delivery.State.DONE else wish_of(notice)


def hook_stopped(notice: Notice) -> Mail | None:
    """A hook is no longer told of files; nothing for one that was removed or started again meanwhile."""
    stopped = Hook.objects.select_related("project").filter(pk=notice.subject_id, state=Hook.State.STOPPED)
    hook = stopped.first()
    if hook is None:
        return None
    url = settings.PORTAL_URL + reverse("hook", args=[hook.project.code, hook.pk])
    return Mail("hook-stopped", {"hook": hook, "project": hook.project, "url": url})
