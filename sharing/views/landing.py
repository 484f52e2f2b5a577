"""The page a recipient sees first, without an account: what it is, from whom, until when, and how to get it."""

from functools import partial

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from portal.addresses import address_if_any
from portal.link_passwords import PasswordForm, unlock
from portal.views.form_pages import status_of
from sharing.access import admit, authorise, find_link, lock_of, recipient_actor
from sharing.errors import PasswordWanted
from sharing.gate.visits import START, only_looks
from sharing.kit import kit_of_link
from sharing.models import RenewalRequest, ShareLink, Way
from sharing.services.data_ends import until_of
from sharing.services.more_time import ask_for_more_time
from sharing.services.recording import note_opened
from sharing.views.browsing import browse_files
from sharing.views.link_pages import link_page, link_view
from sharing.views.live import live_context
from sharing.wording import sender_of


@link_page
def landing(request: HttpRequest, token: str) -> HttpResponseBase:
    now = timezone.now()
    try:
        link = admit(request, token, now)
    except PasswordWanted:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        return _password_page(request, token, PasswordForm())
    if not only_looks(request):
        note_opened(link=link, now=now)
    dataset, page = link.dataset, reverse("link", args=[token])
    zip_url = reverse("link_zip", args=[token, dataset.name])
    context = {
        "link": link,
        "until": until_of(link, now),
        "dataset": dataset,
        "sender": sender_of(link),
        "keywords": [keyword.word for keyword in dataset.keywords.all()],
        "page": page,
        "zip_url": f"{zip_url}?{START}",
        "manifest_url": reverse("link_manifest", args=[token]),
        "now": now,
        "push_page": address_if_any("link_push", token=token, kind="s3"),
        "copy_page": address_if_any("link_copy", token=token),
        "selection_page": reverse("link_selection", args=[token]) if Way.ZIP in link.ways else "",
        "kit": kit_of_link(link, token),
        "tree_url": reverse("link_tree", args=[token]),
        **live_context(dataset, token),
        **browse_files(request, dataset, partial(_file_address, link, token)),
    }
    return render(request, "sharing/landing.html", context)


def _file_address(link: ShareLink, token: str, path: str) -> str:
    """Empty where the link does not allow single files."""
    return reverse("link_file", args=[token, path]) if Way.FILES in link.ways else ""


@link_view("POST")
def unlock_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """The password, said once for this browser."""
    link = authorise(token, timezone.now())
    form = PasswordForm(request.POST)
    if form.is_valid():
        if unlock(request, lock_of(link), form.cleaned_data["password"]):
            return redirect("link", token)
        form.add_error("password", "This is not the password of this link. Ask whoever sent it to you.")
    return _password_page(request, token, form)


@link_view("POST")
def more_time(request: HttpRequest, token: str) -> HttpResponseBase:
    """Of a link that ran out: it works again at once, or the people who sent it get one mail, however often asked."""
    link = find_link(token)
    asked = ask_for_more_time(link=link, actor=recipient_actor(request, link), now=timezone.now())
    if asked is None or asked.state == RenewalRequest.State.REFUSED:
        return redirect("link", token)
    context = {"asked": asked, "link": link, "page": reverse("link", args=[token])}
    if asked.state == RenewalRequest.State.GRANTED:
        context["why_not_longer"] = until_of(asked.link, timezone.now()).why
    return render(request, "sharing/more_time.html", context)


def _password_page(request: HttpRequest, token: str, form: PasswordForm) -> HttpResponseBase:
    """Says nothing about the data: the address alone is not enough to be told."""
    context = {"form": form, "unlock_url": reverse("unlock_link", args=[token])}
    return render(request, "sharing/link_password.html", context, status=status_of(form))
