"""Older versions of a dataset's files: what there were, and their bytes as long as they are kept."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dataplane.errors import NotStored
from portal.access import may_send, signed_in_actor
from portal.errors import NotFound
from portal.keyset import newest_first
from portal.models import DataFile
from portal.older_versions import open_older
from portal.views.fetch import dataset_of, dataset_to_change
from uploads import events


@login_required
@require_safe
def versions(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    dataset = dataset_of(request, dataset_id)
    older = DataFile.objects.filter(dataset=dataset).exclude(kept=DataFile.Kept.NOT)
    page = newest_first(older, request.GET)
    may_take = may_send(request.user, dataset.project)
    context = {"now": timezone.now(), "dataset": dataset, "page": page, "may_take": may_take}
    return render(request, "uploads/versions.html", context)


@login_required
@require_safe
def version(request: HttpRequest, dataset_id: UUID, file_id: int) -> FileResponse:
    """The bytes; audited before the first of them goes out."""
    dataset = dataset_to_change(request, dataset_id)
    file = get_object_or_404(DataFile.objects.older_versions().select_related("dataset"), dataset=dataset, pk=file_id)
    try:
        stream = open_older(dataset, file)
    except NotStored as error:
        raise NotFound("This older version is not kept any more. Take the newest one.") from error
    if request.method == "GET":
        events.older_version_downloaded(file, signed_in_actor(request))
    return FileResponse(stream, as_attachment=True, filename=file.path.rpartition("/")[2])
