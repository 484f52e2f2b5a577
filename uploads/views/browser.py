"""Uploading in the browser: first what it is, then the files."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import may_send, require, signed_in_actor
from portal.errors import PortalError
from portal.forms import tell
from portal.models import Dataset, Instrument, Project
from portal.project_tabs import project_tabs
from portal.views.fetch import A_MANAGER, dataset_to_change, person_of, project_of
from portal.views.form_pages import form_page, status_of
from uploads.access import Sender
from uploads.dataset_forms import NewDatasetForm
from uploads.errors import DatasetClosed
from uploads.services.datasets import create_dataset

MANY_FILES = 1000  # from here on the page says that the agent is the better way


@login_required
@form_page
def upload_new(request: HttpRequest, code: str) -> HttpResponse:
    """What the data are. ``?instrument=`` chooses whose questions are asked."""
    project = project_of(request, code)
    require(may_send(request.user, project), A_MANAGER)
    instrument = _instrument(project, request.GET.get("instrument", ""))
    form = NewDatasetForm(request.POST or None, instrument=instrument)
    if form.is_valid():
        try:
            dataset, _ = create_dataset(
                sender=Sender(signed_in_actor(request)),
                project=project,
                instrument=instrument,
                wish=form.dataset_wish(),
                now=timezone.now(),
            )
        except PortalError as error:
            tell(form, error)
        else:
            return redirect("dataset_upload", dataset.pk)
    context = {
        "project": project,
        "form": form,
        "instrument": instrument,
        "instruments": project.instruments.all(),
        "tabs": project_tabs(person_of(request), project, "project"),
    }
    return render(request, "uploads/upload_new.html", context, status=status_of(form))


@login_required
@require_safe
def dataset_upload(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Choose files, watch them become verified, finish. Come back to it as long as the dataset is open."""
    dataset = dataset_to_change(request, dataset_id)
    if not dataset.is_open:
        raise DatasetClosed("The dataset is closed and takes no more files. Begin a new upload for them.")
    return render(request, "uploads/dataset_upload.html", uploader(dataset, done=dataset.get_absolute_url()))


def uploader(dataset: Dataset, *, done: str, drop: str = "") -> dict[str, Any]:
    """The context of ``uploads/uploader.html``. ``done``: where one goes after finishing."""
    return {
        "dataset": dataset,
        "api": reverse("api-1:api-root"),
        "done": done,
        "drop": drop,
        "worker": static("digest-worker.js"),
        "many": MANY_FILES,
        "portal_url": settings.PORTAL_URL,
    }


def _instrument(project: Project, slug: str) -> Instrument | None:
    return get_object_or_404(project.instruments, slug=slug) if slug else None
