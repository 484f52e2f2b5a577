"""Members' pages for drop links: list, make, revoke."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access import may_send, require, signed_in_actor
from portal.errors import PortalError
from portal.forms import tell
from portal.models import Project
from portal.templatetags.quantities import counted
from portal.views.fetch import A_MANAGER, person_of, project_of
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context
from uploads.drop_access import drop_address
from uploads.forms import DropLinkForm
from uploads.models import DropLink
from uploads.services.drops import make_drop_link, revoke_drop_link

SECTION = "drop_links"


@login_required
@never_cache
@require_safe
def drop_links(request: HttpRequest, code: str) -> HttpResponse:
    """Cost: the same number of queries for any number of links."""
    project = _project(request, code)
    links = (
        DropLink.objects.filter(project=project)
        .select_related("instrument", "created_by")
        .annotate(sendings=Count("drops"), sent_bytes=Sum("drops__dataset__bytes_expected"))
        .order_by("-pk")
    )
    now = timezone.now()
    rows = [
        {"link": link, "state": _state(link, now), "url": drop_address(link) if link.is_open(now) else ""}
        for link in links
    ]
    return render(request, "uploads/drop_links.html", {**project_context(request, project, SECTION), "rows": rows})


@login_required
@form_page
def drop_link_new(request: HttpRequest, code: str) -> HttpResponse:
    project = _project(request, code)
    form = DropLinkForm(
        request.POST or None,
        project=project,
        initial={
            "expires_on": timezone.localdate() + project.link_lifetime,
            "notify_emails": person_of(request).email,
        },
    )
    if form.is_valid():
        wish = form.wish()
        try:
            make_drop_link(project=project, actor=signed_in_actor(request), wish=wish, now=timezone.now())
        except PortalError as error:
            tell(form, error)
        else:
            mailed = f" and mailed to {counted(len(wish.mail_to), 'person,people')}" if wish.mail_to else ""
            messages.success(request, f"The drop link is made{mailed}.")
            return redirect(SECTION, project.code)
    context = {**project_context(request, project, SECTION), "form": form}
    return render(request, "uploads/drop_link_new.html", context, status=status_of(form))


@login_required
@form_page
def drop_link_revoke(request: HttpRequest, code: str, drop_link_id: int) -> HttpResponse:
    project = _project(request, code)
    link = get_object_or_404(DropLink, pk=drop_link_id, project=project)
    if request.method == "POST":
        revoke_drop_link(link=link, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, f"The drop link “{link.title}” no longer works.")
        return redirect(SECTION, project.code)
    context = {
        "title": f"Revoke the drop link “{link.title}”?",
        "sentence": "Nobody can send files with it any more, at once and for good.",
        "consequences": ["What has been sent stays.", "A sending that is under way cannot be finished by the visitor."],
        "action": "Revoke link",
        "cancel": "Keep link",
        "cancel_url": reverse(SECTION, args=[project.code]),
    }
    return render(request, "confirm.html", context)


def _project(request: HttpRequest, code: str) -> Project:
    project = project_of(request, code)
    require(may_send(request.user, project), A_MANAGER)
    return project


def _state(link: DropLink, now: datetime) -> str:
    if link.revoked_at:
        return "revoked"
    return "open" if link.is_open(now) else "expired"
