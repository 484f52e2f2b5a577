"""The part of a link's page that updates itself while files still come.

Whoever watches says what was shown last and is told in a few bytes when that is still so. A thousand watchers cost two
hundred such answers a second, of one query each; a connection held open for each would cost a thousand threads.
"""

import hashlib
import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from portal.arriving import arriving_now
from portal.models import Dataset
from sharing.access import admit
from sharing.views.link_pages import link_page

NOTHING_NEW = 204


@link_page
def link_live(request: HttpRequest, token: str) -> HttpResponseBase:
    """Cost: one query, that of the link."""
    dataset = admit(request, token, timezone.now()).dataset
    context = live_context(dataset, token)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "sharing/live.html", {"dataset": dataset, "again": True, **context})


def live_context(dataset: Dataset, token: str) -> dict[str, Any]:
    """For the page too, where `again` is missing."""
    arriving = arriving_now(dataset.pk, time.time())
    shown = (dataset.state, dataset.verified_count, dataset.file_count, round(arriving.bytes_rate, -4), arriving.newest)
    return {
        "arriving": arriving,
        "grows": dataset.state in (Dataset.State.OPEN, Dataset.State.CLOSED),
        "live_url": reverse("link_live", args=[token]),
        "page": reverse("link", args=[token]),
        "seen": hashlib.sha256(repr(shown).encode()).hexdigest()[:16],
    }
