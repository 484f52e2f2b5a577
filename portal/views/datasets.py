"""One dataset: did it arrive whole, and did they get it?"""

from copy import copy
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access import may_send, signed_in_actor
from portal.errors import Invalid, NotFound
from portal.filter_forms import FileFilter, FilePlace
from portal.folders import Listing, list_folder, search_files
from portal.forms import DescriptionForm, tell
from portal.keyset import newest_first
from portal.models import AuditEvent, Dataset
from portal.panels import dataset_panels, polls
from portal.services.datasets import describe_dataset
from portal.views.fetch import dataset_of, dataset_to_change
from portal.views.form_pages import form_page, status_of

EVENTS_SHOWN = 20


@login_required
@require_safe
def dataset(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = dataset_of(request, dataset_id)
    events = AuditEvent.objects.filter(dataset_id=found.pk).order_by("-pk")
    context = {
        "now": timezone.now(),
        "dataset": found,
        "may_change": may_send(request.user, found.project),
        "keywords": list(found.keywords.all()),
        "recipients": list(found.recipients.all()),
        "panels": [(panel, polls(found, panel)) for panel in dataset_panels(request, found)],
        "events": list(events[: EVENTS_SHOWN + 1]),
        "events_shown": EVENTS_SHOWN,
        **_files_context(request, found),
    }
    return render(request, "portal/dataset.html", context)


@never_cache
@login_required
@require_safe
def panel(request: HttpRequest, dataset_id: UUID, key: str) -> HttpResponse:
    """One panel again, with the badge of the dataset's state; the answer to a live part of the page."""
    found = dataset_of(request, dataset_id)
    panels = [panel for panel in dataset_panels(request, found) if panel.key == key]
    if not panels:
        raise NotFound("The dataset's page has no such part for you.")
    context = {"now": timezone.now(), "dataset": found, "panel": panels[0], "polls": polls(found, panels[0])}
    return render(request, "portal/panel_again.html", context)


@login_required
@require_safe
def files(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """A folder, or the rest of one, for the tree on the dataset's page."""
    found = dataset_of(request, dataset_id)
    return render(request, "portal/file_list.html", {"dataset": found, **_files_context(request, found)})


@login_required
@require_safe
def timeline(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = dataset_of(request, dataset_id)
    page = newest_first(AuditEvent.objects.filter(dataset_id=found.pk), request.GET)
    return render(request, "portal/timeline.html", {"now": timezone.now(), "dataset": found, "page": page})


@login_required
@form_page
def edit(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Title, description, keywords."""
    found = dataset_to_change(request, dataset_id)
    words = ", ".join(found.keywords.values_list("word", flat=True))
    form = DescriptionForm(request.POST or None, instance=copy(found), initial={"keywords": words})
    if request.method == "POST" and form.is_valid():
        try:
            describe_dataset(dataset=found, actor=signed_in_actor(request), **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("dataset", dataset_id=found.pk)
    return render(request, "portal/dataset_form.html", {"dataset": found, "form": form}, status=status_of(form))


def _files_context(request: HttpRequest, dataset: Dataset) -> dict[str, object]:
    """The folder of the address, or the files that its filter finds. Two queries at most."""
    filter_form, place_form = FileFilter(request.GET), FilePlace(request.GET)
    filter_form.is_valid()
    place_form.is_valid()
    text, state = filter_form.cleaned_data.get("q", ""), filter_form.cleaned_data.get("state", "")
    folder, start = place_form.cleaned_data.get("folder", ""), place_form.cleaned_data.get("start", "")
    listing: Listing
    if text or state:
        listing = search_files(dataset.pk, text=text, state=state, cursor=start)
    else:
        listing = list_folder(dataset.pk, folder, start)
    return {"file_filter": filter_form, "listing": listing, "filtered": bool(text or state), "start": start}
