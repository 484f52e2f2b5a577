"""Pages for members: share a dataset, take a link back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.access import may_send, require, signed_in_actor, visible_datasets
from portal.errors import NotFound
from portal.templatetags.quantities import counted
from sharing.access import visible_links
from sharing.errors import NotReleased
from sharing.forms import ShareForm
from sharing.models import ShareLink
from sharing.services.by_hand import revoke_link, share_by_hand


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def share(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    dataset = visible_datasets(request.user).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it. Ask a manager of its project.")
    require(may_send(request.user, dataset.project), "a manager of the project to share it, or to make you an operator")
    if dataset.state != dataset.State.RELEASED:
        raise NotReleased("A dataset can be shared from its release, when all files are verified, until it expires.")
    form = ShareForm(request.POST or None, initial={"days": dataset.project.link_days})
    if form.is_valid():
        now = timezone.now()
        links = share_by_hand(dataset=dataset, wish=form.wish(now), actor=signed_in_actor(request), now=now)
        messages.success(request, f"Shared with {counted(len(links), 'person,people')}; the mails are on their way.")
        return redirect(dataset)
    status = 422 if form.is_bound else 200
    return render(request, "sharing/share.html", {"dataset": dataset, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def revoke(request: HttpRequest, link_id: int) -> HttpResponse:
    link = visible_links(request.user).filter(pk=link_id).first()
    if link is None:
        raise NotFound("There is no such link, or you may not see its dataset. Ask a manager of its project.")
    require(may_send(request.user, link.dataset.project), "a manager of the project to revoke it")
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
