"""A manager says what an instrument asks of each dataset."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from portal.access import signed_in_actor
from portal.metadata_forms import MetadataFormSet, MetadataRows, rows_of
from portal.services.instruments import change_instrument
from portal.views.fetch import managed_project
from portal.views.form_pages import form_page
from portal.views.projects import project_context


@login_required
@form_page
def metadata_template(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """One row more on "Add a field", which saves nothing yet; so it works without script."""
    found = managed_project(request, code)
    instrument = get_object_or_404(found.instruments, slug=slug)
    rows = _rows(request, rows_of(instrument.metadata_template))
    saves = request.method == "POST" and "add" not in request.POST
    if saves and rows.is_valid():
        change_instrument(instrument=instrument, actor=signed_in_actor(request), metadata_template=rows.template())
        messages.success(request, "Saved.")
        return redirect("instrument", code=code, slug=slug)
    context = project_context(request, found, "project_instruments")
    context |= {"instrument": instrument, "rows": rows, "refused": saves}
    return render(request, "portal/metadata_template.html", context, status=422 if saves else 200)


def _rows(request: HttpRequest, begin: list[dict[str, object]]) -> MetadataRows:
    if request.method != "POST":
        return MetadataFormSet(initial=begin)
    if "add" not in request.POST:
        return MetadataFormSet(request.POST, initial=begin)
    longer = request.POST.copy()
    total = longer.get("form-TOTAL_FORMS", "")
    longer["form-TOTAL_FORMS"] = str(int(total) + 1) if total.isascii() and total.isdigit() else "1"
    return MetadataFormSet(longer, initial=begin)
