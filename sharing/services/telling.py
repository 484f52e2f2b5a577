"""Who of the facility hears of what recipients do, each as they wish (`portal.digests`)."""

from datetime import datetime

from portal.digests import tell_of_download, watchers_of
from portal.models import Dataset, Notice
from sharing.models import ShareLink


def operators_of(dataset: Dataset) -> list[str]:
    """Who is told of release and download: the addresses of the upload token, else the project's."""
    return list(dict.fromkeys(dataset.operator_emails)) or [dataset.project.contact_email]


def tell_of_completion(link: ShareLink, now: datetime) -> None:
    """Queued at each completion, sent for the first: the outbox knows the occasion."""
    dataset = link.dataset
    tell_of_download(
        "first-complete-download",
        operators_of(dataset),
        dataset=dataset,
        said=_has_everything(link),
        subject_id=dataset.pk,
        slot="first",
        now=now,
        context={"link": link.pk},
    )
    _tell_of_each(link, now)


def _tell_of_each(link: ShareLink, now: datetime) -> None:
    """Whoever shared it by hand, or chose to hear of everything, hears of each recipient, not twice of the first."""
    sender = [link.created_by.email] if link.created_by and link.created_by.is_active else []
    firsts = Notice.objects.filter(kind="first-complete-download", subject_id=str(link.dataset_id))
    told = {notice.to.lower() for notice in firsts if notice.context.get("link") == link.pk}
    tell_of_download(
        "download-complete",
        [address for address in (*sender, *watchers_of(link.dataset.project_id)) if address not in told],
        dataset=link.dataset,
        said=_has_everything(link),
        subject_id=link.pk,
        slot="complete",
        now=now,
    )


def _has_everything(link: ShareLink) -> str:
    return f"{link.recipient} has downloaded everything"
