"""A recipient's way into a project of their own."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from delivery.forms import CopyForm, projects_to_send_into
from delivery.services.copy_begin import begin_copy
from portal.access import signed_in_actor
from portal.errors import PortalError
from portal.forms import tell
from portal.models import User
from portal.views.form_pages import status_of
from sharing.access import admit
from sharing.models import Way
from sharing.views.link_pages import link_view


@link_view("GET", "HEAD", "POST")
def link_copy(request: HttpRequest, token: str) -> HttpResponseBase:
    """Log-in comes back here: the link says what, the account says where to."""
    now = timezone.now()
    link = admit(request, token, now, Way.COPY)
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    projects = [project for project in projects_to_send_into(request.user) if project != link.dataset.project]
    form = CopyForm(request.POST or None, projects=projects, source=link.dataset)
    if form.is_valid():
        title: str = form.cleaned_data["title"]
        try:
            copy = begin_copy(
                link=link, project=form.project_of(), title=title, actor=signed_in_actor(request), now=now
            )
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(request, "The copy has begun. This page may be closed: it goes on by itself.")
            return redirect("dataset", copy.target_id)
    page = reverse("link", args=[token])
    context = {"form": form, "dataset": link.dataset, "projects": projects, "page": page}
    return render(request, "delivery/copy.html", context, status=status_of(form))
