"""An instrument: its agents and how they are, what it sent, how a computer of it is set up."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.keyset import BY_CREATION, newest_first
from portal.panels import row_notes
from portal.views.fetch import person_of, project_of
from portal.views.projects import project_context
from uploads.forms import UploadTokenForm
from uploads.models import UploadToken
from uploads.views.agents import agents_of
from uploads.views.tokens import token_row

SECTION = "project_instruments"


@login_required
@require_safe
def instrument(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    project = project_of(request, code)
    found = get_object_or_404(project.instruments, slug=slug)
    now = timezone.now()
    datasets = found.datasets.select_related("project", "instrument")
    page = newest_first(datasets, request.GET, BY_CREATION)
    context = project_context(request, project, SECTION)
    context |= {"instrument": found, "page": page, "notes": row_notes(page.rows), **agents_of(project, found, now)}
    if context["manages"]:
        tokens = UploadToken.objects.filter(instrument=found).select_related("created_by", "replaced_by", "instrument")
        begin = {"label": f"{found.name}, control PC", "notification_emails": person_of(request).email}
        context["rows"] = [token_row(token, now) for token in tokens]
        context["setup"] = UploadTokenForm(project=project, initial={**begin, "instrument": found.pk})
    return render(request, "uploads/instrument.html", context)
