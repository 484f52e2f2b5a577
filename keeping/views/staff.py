"""The staff's page: what goes next in all projects, what is held, what can be restored."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from keeping.lists import SHOWN, holds, next_deletions, restorable
from portal.models import Project
from portal.views.staff_door import staff_only


@staff_only
@require_safe
def deletions(request: HttpRequest) -> HttpResponse:
    everywhere = Project.objects.all()
    context = {
        "now": timezone.now(),
        "sends": True,
        "manages": True,
        "deletions": next_deletions(everywhere)[:SHOWN],
        "holds": holds(everywhere)[:SHOWN],
        "restorable": restorable(everywhere)[:SHOWN],
        "shown": SHOWN,
    }
    return render(request, "keeping/staff.html", context)
