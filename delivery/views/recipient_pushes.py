"""Recipients push to storage of their own, and see how far it is. The link is all they need."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from delivery.kinds import KINDS
from delivery.models import Delivery
from delivery.services.recipient_push import KINDS_OFFERED, may_push, push_for_recipient
from portal.errors import NotFound, PortalError
from portal.forms import tell
from portal.views.form_pages import status_of
from sharing.access import admit, recipient_actor
from sharing.models import Way
from sharing.views.link_pages import link_view

_OF_MEMBERS = ("name", "on_release", "live", "read_back")


@link_view("GET", "HEAD", "POST")
def link_push(request: HttpRequest, token: str, kind: str) -> HttpResponseBase:
    now = timezone.now()
    link = admit(request, token, now, Way.PUSH)
    if kind not in KINDS_OFFERED or not may_push(link):
        raise NotFound("The people who sent the data do not offer this. Download them instead.")
    form = KINDS[kind](request.POST or None)
    for name in _OF_MEMBERS:
        del form.fields[name]
    if form.is_valid():
        try:
            actor = recipient_actor(request, link)
            push_for_recipient(link=link, kind=kind, said=form.said(), actor=actor, now=now)
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(request, "The data are on their way; you get a mail when everything is there.")
            return redirect("link_push", token, kind)
    context = {
        "form": form,
        "dataset": link.dataset,
        "kinds": [KINDS[name] for name in KINDS_OFFERED],
        "last": Delivery.objects.filter(link=link).select_related("destination").first(),
        "token": token,
        "page": reverse("link", args=[token]),
    }
    return render(request, "delivery/link_push.html", context, status=status_of(form))
