"""The page for those without an account who were warned: keep it longer, or it may go. Looking changes nothing."""

from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from keeping.answer_links import address_to_fetch, find_asked
from keeping.models import AskedPerson
from keeping.services.answers import answer_delete, answer_keep
from keeping.services.facts import situation_of
from keeping.services.keepings import day_offered, extension_of
from portal.actors import Actor
from portal.client_address import client_address
from portal.errors import Forbidden, Invalid
from portal.views.link_pages import secret_address


@secret_address("GET", "HEAD", "POST", refused="keeping/answer_refused.html")
def answer(request: HttpRequest, keep_token: str) -> HttpResponseBase:
    now = timezone.now()
    asked = find_asked(keep_token, now)
    manages = asked.role == AskedPerson.Role.MANAGER
    if request.method == "POST":
        _note_answer(request, asked, now)
        return redirect("keep_answer", keep_token)
    keeping = asked.keeping
    situation = situation_of(keeping)
    until, refused = extension_of(keeping, now=now, manages=manages, situation=situation)
    context = {
        "now": now,
        "asked": asked,
        "manages": manages,
        "keeping": keeping,
        "dataset": keeping.dataset,
        "until": until,
        "offered": day_offered(until) if until else "",
        "fetch_url": address_to_fetch(asked, now),
        "refused": refused,
        "early": situation.policy.early,
    }
    return render(request, "keeping/answer.html", context)


def _note_answer(request: HttpRequest, asked: AskedPerson, now: datetime) -> None:
    answer, actor = request.POST.get("answer"), _actor(request, asked)
    if answer == "keep":
        answer_keep(asked=asked, actor=actor, now=now, offered=request.POST.get("offered", ""))
    elif answer == "delete" and asked.role == AskedPerson.Role.MANAGER:
        raise Forbidden("Sign in and delete it on its page, so that the history names your account.")
    elif answer == "delete":
        answer_delete(asked=asked, actor=actor, now=now)
    else:
        raise Invalid("The form came without an answer. Open the page again and choose one of the two buttons.")


def _actor(request: HttpRequest, asked: AskedPerson) -> Actor:
    """Whoever holds the address, named by whom it was sent to."""
    client = request.headers.get("User-Agent", "")[:200]
    return Actor("recipient", f"asked:{asked.pk}", asked.email, client_address(request), client)
