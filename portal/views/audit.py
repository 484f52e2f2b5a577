"""Who took what, when, from where; and the same as CSV."""

from datetime import UTC

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal import events
from portal.access import signed_in_actor
from portal.audit_csv import csv_lines
from portal.audit_plot import plot_accesses
from portal.audit_search import search_audit
from portal.filter_forms import AuditFilter
from portal.keyset import newest_first
from portal.views.staff_door import staff_only


@staff_only
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    form, now = AuditFilter(request.GET), timezone.now()
    wish = form.wish()
    found = search_audit(wish)
    last = min(wish.until or now, now).astimezone(UTC).date()
    context = {
        "now": now,
        "filter": form,
        "page": newest_first(found, request.GET),
        "plot": plot_accesses(search_audit(wish.without_days()), last),
    }
    return render(request, "staff/audit.html", context)


@staff_only
@require_safe
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All rows of the filter. That somebody took them is an event of its own."""
    form = AuditFilter(request.GET)
    found = search_audit(form.wish())
    filters = {name: str(value) for name, value in form.cleaned_data.items() if value}
    events.audit_exported(signed_in_actor(request), filters)
    response = StreamingHttpResponse(csv_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate():%Y-%m-%d}.csv"'
    return response
