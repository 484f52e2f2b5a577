"""When is it full, what goes next? As a page and as CSV; and whether its reader is mailed the same."""

from collections.abc import Iterator

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.models import User
from portal.storage_csv import day_lines, table_lines
from portal.storage_report import storage_report
from portal.storage_sections import report_sections
from portal.views.fetch import person_of
from portal.views.staff_door import staff_only


@staff_only
@require_safe
def storage(request: HttpRequest) -> HttpResponse:
    report = storage_report(timezone.now())
    context = {"report": report, "now": report.now, "reports_go": settings.STORAGE_REPORT, "person": request.user}
    return render(request, "staff/storage.html", context)


@staff_only
@require_safe
def storage_csv(request: HttpRequest) -> StreamingHttpResponse:
    return _as_file(table_lines(report_sections(timezone.now())), "storage")


@staff_only
@require_safe
def storage_days_csv(request: HttpRequest) -> StreamingHttpResponse:
    return _as_file(day_lines(), "storage-days")


@staff_only
@require_POST
def storage_mail(request: HttpRequest) -> HttpResponse:
    """Switches the mail to this person on or off."""
    wanted = request.POST.get("wanted") == "yes"
    User.objects.filter(pk=person_of(request).pk).update(gets_storage_report=wanted)
    messages.success(request, "You are mailed the report." if wanted else "You are not mailed the report any more.")
    return redirect("staff_storage")


def _as_file(lines: Iterator[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.csv"'
    return response
