"""Pages for members: share a dataset, change what a link allows, send it again, take it back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import may_send, require, signed_in_actor, visible_datasets
from portal.errors import NotFound, PortalError
from portal.forms import tell
from portal.keyset import newest_first
from portal.templatetags.quantities import counted
from portal.views.form_pages import status_of
from sharing.access import visible_links
from sharing.errors import NotReleased
from sharing.forms import LinkTermsForm, RenewalAnswerForm, ShareForm
from sharing.link_mails import mails_of, notes_on
from sharing.links import address_of
from sharing.models import RenewalRequest, ShareLink, Way, policy_of
from sharing.qr import qr_code
from sharing.services.by_hand import revoke_link, share_by_hand
from sharing.services.data_ends import no_link_longer, until_of, untils_of
from sharing.services.terms import change_terms
from sharing.services.terms import send_again as send_link_again
from sharing.wording import steps_of, ways_used

_RENEWALS = 20
_ASK = "a manager of the project to change or revoke it"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def share(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    dataset = visible_datasets(request.user).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it. Ask a manager of its project.")
    require(may_send(request.user, dataset.project), "a manager of the project to share it, or to make you an operator")
    if not dataset.may_be_shared:
        raise NotReleased("A dataset can be shared until it expires.")
    form = ShareForm(request.POST or None, initial={"days": dataset.project.link_days})
    if form.is_valid():
        now = timezone.now()
        links = share_by_hand(dataset=dataset, wish=form.wish(now), actor=signed_in_actor(request), now=now)
        messages.success(request, _said_of(links, now))
        return redirect(dataset)
    return render(request, "sharing/share.html", {"dataset": dataset, "form": form}, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def link_terms(request: HttpRequest, link_id: int) -> HttpResponse:
    """One link: until when, how often, in which ways; its address for whoever made it."""
    link, now = _visible_link(request, link_id), timezone.now()
    may_send_it = may_send(request.user, link.dataset.project)
    if request.method == "POST":
        require(may_send_it, _ASK)
    form = LinkTermsForm(request.POST or None, link=link)
    if form.is_valid():
        try:
            changed = change_terms(link=link, terms=form.terms(), actor=signed_in_actor(request), now=now)
        except PortalError as error:
            tell(form, error)
        else:
            link.refresh_from_db(fields=["expires_at"])
            why = until_of(link, now).why if "expires_at" in changed else ""
            messages.success(request, f"The link of {link.recipient} was changed. {why}".strip())
            return redirect("link_terms", link.pk)
    address = address_of(link) if link.created_by == request.user and link.is_open(now) else None
    context = {
        "link": link,
        "dataset": link.dataset,
        "form": form,
        "now": now,
        "may_change": may_send_it and link.revoked_at is None and link.dataset.may_be_shared,
        "is_open": link.is_open(now),
        "why_not_longer": until_of(link, now).why if link.is_open(now) else "",
        "address": address,
        "qr": qr_code(address) if address else "",
        "ways": [Way(way).label for way in link.ways],
        "steps": steps_of(link),
        "ways_used": ways_used(link),
        "mails": mails_of(link),
        "notes": notes_on(link, now),
        **_renewals(link, may_send_it),
        "page": newest_first(link.receipts.select_related("file").order_by(), request.GET),
    }
    return render(request, "sharing/link.html", context, status=status_of(form))


@require_POST
@login_required
def send_again(request: HttpRequest, link_id: int) -> HttpResponse:
    link = link_of_sender(request, link_id)
    send_link_again(link=link, actor=signed_in_actor(request), now=timezone.now())
    messages.success(request, f"The mail to {link.recipient} is on its way again.")
    return redirect("link_terms", link.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def revoke(request: HttpRequest, link_id: int) -> HttpResponse:
    link = link_of_sender(request, link_id)
    if request.method == "POST":
        revoke_link(link=link, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, f"The link of {link.recipient} no longer works.")
        return redirect(link.dataset)
    context = {
        "title": f"Revoke the link of {link.recipient}?",
        "sentence": f"Revoking stops {link.recipient} from downloading “{link.dataset.title}”, at once and for good.",
        "consequences": _consequences(link),
        "action": "Revoke link",
        "cancel": "Keep link",
        "cancel_url": link.dataset.get_absolute_url(),
    }
    return render(request, "confirm.html", context)


def _said_of(links: list[ShareLink], now: datetime) -> str:
    said = f"Shared with {counted(len(links), 'person,people')}; the mails are on their way."
    cut = next((until for until in untils_of(links, now).values() if until.why), None)
    return f"{said} {no_link_longer(cut.at)}" if cut else said


def _renewals(link: ShareLink, may_answer: bool) -> dict[str, Any]:
    """Who asked for more time, newest first; the form for the one that waits, where it is of use."""
    asked = list(link.renewal_requests.all()[:_RENEWALS])
    waiting = next((one for one in asked if one.state == RenewalRequest.State.WAITING), None)
    if waiting is None or not may_answer or not link.may_be_renewed(timezone.now()):
        return {"renewals": asked}
    form = RenewalAnswerForm(initial={"days": policy_of(link.dataset.project).days}, auto_id="renewal_%s")
    return {"renewals": asked, "renewal": waiting, "renewal_form": form}


def link_of_sender(request: HttpRequest, link_id: int) -> ShareLink:
    """Raises NotFound for strangers, Forbidden for those who only view."""
    link = _visible_link(request, link_id)
    require(may_send(request.user, link.dataset.project), _ASK)
    return link


def _visible_link(request: HttpRequest, link_id: int) -> ShareLink:
    link = visible_links(request.user).filter(pk=link_id).first()
    if link is None:
        raise NotFound("There is no such link, or you may not see its dataset. Ask a manager of its project.")
    return link


def _consequences(link: ShareLink) -> list[str]:
    taken = {
        ShareLink.State.NOT_OPENED: "They have not opened it yet.",
        ShareLink.State.OPENED: "They have opened the page, but taken nothing.",
        ShareLink.State.STARTED: "They are downloading and have not got everything yet.",
        ShareLink.State.PARTIAL: "They have taken some of it, but not everything yet.",
        ShareLink.State.COMPLETE: "They have everything already; what they have stays with them.",
        ShareLink.State.VERIFIED: "They have everything and checked it; what they have stays with them.",
    }
    return [
        taken[ShareLink.State(link.state)],
        "A download that is running now may still finish; the next one is refused.",
        "No more reminders go out for this link. You can share the dataset with them again.",
    ]
