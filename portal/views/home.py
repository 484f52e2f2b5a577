"""What needs you now, and your projects."""

from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import visible_datasets, visible_projects
from portal.models import Dataset, Membership
from portal.needs import needs_of
from portal.panels import row_notes
from portal.views.fetch import person_of

NEWEST = 10


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    newest = list(visible_datasets(person).order_by("-created_at")[:NEWEST])
    context = {
        "now": now,
        "needs": needs_of(person, now),
        "datasets": newest,
        "notes": row_notes(newest),
        "projects": visible_projects(person)[:NEWEST],
    }
    return render(request, "portal/home.html", context)


@login_required
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    role = Membership.objects.filter(project=OuterRef("pk"), user=person).values("role")
    newest = Dataset.objects.filter(project=OuterRef("pk")).order_by("-created_at").values("created_at")
    listed = visible_projects(person).annotate(my_role=Subquery(role[:1]), newest_at=Subquery(newest[:1]))
    return render(request, "portal/projects.html", {"now": timezone.now(), "projects": listed})
