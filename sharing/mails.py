"""What the mails of this room say, decided when they are sent: only then is a link written out."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from portal.digests import wish_of
from portal.models import Dataset, Notice
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text
from sharing.links import address_of
from sharing.models import ANSWER_WITHIN, RenewalRequest, ShareLink, Way, policy_of
from sharing.renewal_links import answer_address
from sharing.services.data_ends import until_of
from sharing.wording import sender_of


def dataset_ready(notice: Notice) -> Mail | None:
    """To a recipient. No longer needed once the link is over."""
    brought = _brought_by(notice)
    if brought is None:
        return None
    link, url = brought
    dataset, until = link.dataset, until_of(link, notice.as_of)
    context = {
        **_about(dataset),
        "link": link,
        "sender": sender_of(link),
        "until": day_text(until.at),
        "until_short": f"{timezone.localtime(until.at):%-d %B %Y}",
        "why_not_longer": until.why,
        "url": url,
        "zip_url": "" if link.password_hash or Way.ZIP not in link.ways else f"{url}/{dataset.name}.zip",
        "contact": dataset.project.contact_email,
        "facts": [
            ("What", dataset.title),
            ("From", sender_of(link)),
            ("Files", _files_of(dataset)),
            ("Until", day_text(until.at)),
            *([("Downloads", f"{link.most_downloads} at most")] if link.most_downloads else []),
        ],
    }
    return Mail("dataset-ready", context, reply_to=[dataset.project.contact_email])


def dataset_released(notice: Notice) -> Mail | None:
    """To the operators."""
    if notice.dataset is None:
        return None
    links = ShareLink.objects.filter(dataset=notice.dataset).order_by("recipient")
    recipients = list(dict.fromkeys(links.values_list("recipient", flat=True)))
    return _for_members(notice, notice.dataset, recipients=recipients)


def first_complete_download(notice: Notice) -> Mail | None:
    """To the operators: somebody has everything for the first time."""
    link = ShareLink.objects.filter(pk=notice.context["link"]).first()
    if notice.dataset is None or link is None:
        return None
    return _for_members(notice, notice.dataset, link=link)


def download_complete(notice: Notice) -> Mail | None:
    """To who shared it by hand: this recipient has everything."""
    link = ShareLink.objects.filter(pk=notice.subject_id).select_related("dataset__instrument").first()
    return _for_members(notice, link.dataset, link=link) if link else None


def more_time_asked(notice: Notice) -> Mail | None:
    """To who shared it, or the operators. No longer needed once it was answered, the link revoked or the data gone."""
    request = _renewal(notice)
    if request is None or (not notice.is_sent and not RenewalRequest.objects.to_answer().filter(pk=request.pk)):
        return None
    link = request.link
    context = {
        **_about(link.dataset),
        "link": link,
        "ended": day_text(request.ended_at),
        "days": policy_of(link.dataset.project).days,
        "answer_url": answer_address(request, notice.to) or "",
        "answer_days": ANSWER_WITHIN.days,
        "link_url": settings.PORTAL_URL + reverse("link_terms", args=[link.pk]),
    }
    return Mail("more-time-asked", context, reply_to=[link.recipient])


def more_time_given(notice: Notice) -> Mail | None:
    """To the recipient who asked. No longer needed when the link is over again."""
    brought = _brought_by(notice)
    if brought is None:
        return None
    link, url = brought
    until = until_of(link, notice.as_of)
    context = {
        **_about(link.dataset),
        "link": link,
        "url": url,
        "until": day_text(until.at),
        "why_not_longer": until.why,
        "contact": link.dataset.project.contact_email,
        "facts": [
            ("What", link.dataset.title),
            ("From", sender_of(link)),
            ("Files", _files_of(link.dataset)),
            ("Until", day_text(until.at)),
        ],
    }
    return Mail("more-time-given", context, reply_to=[link.dataset.project.contact_email])


def more_time_refused(notice: Notice) -> Mail | None:
    """To the recipient who asked. No longer needed when the link works by now."""
    request = _renewal(notice)
    if request is None or (request.link.is_open(notice.as_of) and not notice.is_sent):
        return None
    contact = request.link.dataset.project.contact_email
    context = {**_about(request.link.dataset), "link": request.link, "words": request.words, "contact": contact}
    return Mail("more-time-refused", context, reply_to=[contact])


def _brought_by(notice: Notice) -> tuple[ShareLink, str] | None:
    """The link that the mail takes to its recipient, with the address; None once it is over."""
    found = ShareLink.objects.select_related("dataset__project", "dataset__instrument", "created_by")
    link = found.filter(pk=notice.subject_id).first()
    url = address_of(link) if link else None
    if link is None or url is None or (link.is_over(notice.as_of) and not notice.is_sent):
        return None
    return link, url


def _renewal(notice: Notice) -> RenewalRequest | None:
    requests = RenewalRequest.objects.select_related("link__dataset__project", "link__dataset__instrument")
    return requests.select_related("link__created_by").filter(pk=notice.subject_id).first()


def not_theirs(notice: Notice) -> Mail | None:
    """To who shared it, or the operators: the recipient says that they are the wrong person."""
    links = ShareLink.objects.select_related("dataset__project", "dataset__instrument")
    link = links.filter(pk=notice.subject_id).first()
    if link is None or (link.revoked_at is not None and not notice.is_sent):
        return None
    link_url = settings.PORTAL_URL + reverse("link_terms", args=[link.pk])
    return Mail("not-theirs", {**_about(link.dataset), "link": link, "link_url": link_url})


def _for_members(notice: Notice, dataset: Dataset, **more: object) -> Mail:
    """One that members may turn off, each on a page of their own."""
    wish = wish_of(notice)
    return Mail(notice.kind, {**_about(dataset), **wish, **more}, preferences=wish["wish_url"])


def _files_of(dataset: Dataset) -> str:
    said = f"{counted(dataset.verified_count, 'file,files')}, {size_text(dataset.bytes_verified)}"
    return said if dataset.released_at else f"{said} so far; the page shows how the others come"


def _about(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "source": dataset.instrument.name if dataset.instrument else dataset.project.name,
        "count": counted(dataset.verified_count, "file,files"),
        "size": size_text(dataset.bytes_verified),
        "dataset_url": settings.PORTAL_URL + dataset.get_absolute_url(),
    }
