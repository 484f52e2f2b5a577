"""What a visitor with a drop link sees, without an account: what is asked for, then the place for the files."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from portal.errors import NotFound
from portal.link_passwords import PasswordForm, is_unlocked, unlock
from portal.models import Dataset
from portal.views.form_pages import status_of
from portal.views.link_pages import secret_address
from uploads.access import visitor
from uploads.dataset_forms import VisitorForm
from uploads.drop_access import authorise_drop, lock_of, note_sending, sendings_of
from uploads.models import DropLink
from uploads.services.datasets import create_dataset
from uploads.services.drops import note_drop
from uploads.views.browser import uploader

_REFUSED = "uploads/drop_refused.html"


@secret_address("GET", "HEAD", "POST", refused=_REFUSED)
def drop(request: HttpRequest, drop_token: str) -> HttpResponseBase:
    """Looking counts as nothing. With a password the page asks for it first."""
    link = authorise_drop(drop_token, timezone.now())
    if not is_unlocked(request, lock_of(link)):
        return _ask_password(request, link, drop_token)
    form = VisitorForm(request.POST or None, instrument=link.instrument, initial={"title": link.title})
    if form.is_valid():
        dataset = _begin(request, link, form)
        return redirect("drop_files", drop_token, dataset.pk)
    begun = Dataset.objects.filter(pk__in=sendings_of(request, link)).order_by("-created_at")
    context = {"link": link, "form": form, "begun": begun, "token": drop_token, "now": timezone.now()}
    return render(request, "uploads/drop.html", context, status=status_of(form))


@secret_address("GET", "HEAD", refused=_REFUSED)
def drop_files(request: HttpRequest, drop_token: str, drop_id: UUID) -> HttpResponseBase:
    """The place for the files, as long as they are not finished; afterwards how far they are."""
    link = authorise_drop(drop_token, timezone.now())
    if drop_id not in sendings_of(request, link):
        raise NotFound("This browser has not begun such a sending. Begin on the page of the link.")
    dataset = Dataset.objects.select_related("project").get(pk=drop_id)
    address = reverse("drop_files", args=[drop_token, drop_id])
    context = {"link": link, "token": drop_token, **uploader(dataset, done=address, drop=drop_token)}
    return render(request, "uploads/drop_files.html" if dataset.is_open else "uploads/drop_done.html", context)


def _ask_password(request: HttpRequest, link: DropLink, token: str) -> HttpResponseBase:
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        if unlock(request, lock_of(link), form.cleaned_data["password"]):
            return redirect("drop", token)
        form.add_error("password", "This is not the password of this link. Ask whoever sent it to you.")
    return render(request, "uploads/drop_password.html", {"link": link, "form": form}, status=status_of(form))


def _begin(request: HttpRequest, link: DropLink, form: VisitorForm) -> Dataset:
    """The same form a second time is the same dataset."""
    name, email = form.cleaned_data["visitor_name"], form.cleaned_data["visitor_email"]
    dataset, _ = create_dataset(
        sender=visitor(request, link, label=f"{name}, {email}"),
        project=link.project,
        instrument=link.instrument,
        wish=form.wish(),
        now=timezone.now(),
    )
    note_drop(dataset=dataset, link=link, name=name, email=email)
    note_sending(request, link, dataset.pk)
    return dataset
