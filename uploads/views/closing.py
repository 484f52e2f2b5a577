"""Closing a dataset in the browser: for what no agent closes, such as an acquisition that was given up."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.access import signed_in_actor
from portal.models import Dataset
from portal.templatetags.quantities import counted
from portal.views.fetch import dataset_to_change
from portal.views.form_pages import form_page
from uploads.errors import AlreadyClosed, FilesMissing
from uploads.services.datasets import close_dataset


@login_required
@form_page
def close(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Asks on GET, closes on POST; what stands in the way is told on the dataset's page."""
    dataset = dataset_to_change(request, dataset_id)
    if request.method != "POST":
        return render(request, "confirm.html", _question(dataset))
    try:
        close_dataset(dataset_id=dataset.pk, actor=signed_in_actor(request), now=timezone.now())
    except FilesMissing as error:
        messages.error(request, error.message)
    except AlreadyClosed as error:
        messages.info(request, error.message)
    else:
        messages.success(request, "The dataset is closed. It is handed over as soon as every file is verified.")
    return redirect(dataset)


def _question(dataset: Dataset) -> dict[str, object]:
    return {
        "title": f"Close “{dataset.title}”?",
        "sentence": "No more files can be sent into it.",
        "consequences": [
            f"It is handed over as it is, with {counted(dataset.file_count, 'file,files')}, once all are verified.",
            "Recipients get their links by mail then.",
            "It cannot be opened again. Further files need a new dataset.",
        ],
        "action": "Close the dataset",
        "cancel_url": dataset.get_absolute_url(),
        "harmless": True,
    }
