"""The page a recipient sees first, without an account: what it is, from whom, until when, and how to get it."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from portal.addresses import address_if_any
from sharing.access import authorise
from sharing.gate.visits import START, only_looks
from sharing.kit import kit_of_link
from sharing.services.recording import note_opened
from sharing.views.browsing import browse_files
from sharing.views.link_pages import link_page
from sharing.wording import sender_of


@link_page
def landing(request: HttpRequest, token: str) -> HttpResponseBase:
    now = timezone.now()
    link = authorise(token, now)
    if not only_looks(request):
        note_opened(link=link, now=now)
    dataset, page = link.dataset, reverse("link", args=[token])
    zip_url = reverse("link_zip", args=[token, dataset.name])
    context = {
        "link": link,
        "dataset": dataset,
        "sender": sender_of(link),
        "keywords": [keyword.word for keyword in dataset.keywords.all()],
        "page": page,
        "zip_url": f"{zip_url}?{START}",
        "manifest_url": reverse("link_manifest", args=[token]),
        "now": now,
        "copy_page": address_if_any("link_copy", token=token),
        "selection_page": reverse("link_selection", args=[token]),
        "kit": kit_of_link(link, token),
        "tree_url": reverse("link_tree", args=[token]),
        **browse_files(request, dataset, lambda path: reverse("link_file", args=[token, path])),
    }
    return render(request, "sharing/landing.html", context)
