"""Where the addresses in a reminder lead that stop it. Opening them changes nothing: mail filters do that too.

No password is asked for, as who is the wrong person has none; so the page names the data only to who said it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from portal.link_passwords import is_unlocked
from sharing.access import authorise, lock_of, recipient_actor
from sharing.models import ShareLink
from sharing.services.answers import note_answer
from sharing.services.data_ends import data_end
from sharing.views.link_pages import link_view

Answer = ShareLink.Answer


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asks and says: ``question`` is its heading, ``button`` says yes, ``done`` is the heading after it."""

    answer: ShareLink.Answer
    question: str
    sentence: str
    button: str
    done: str


EARLIER = (
    "The facility does not keep these data longer than they are needed: when all recipients have them, they are "
    "deleted, and the link ends with them. Say it only when you have everything."
)
QUESTIONS = {
    "i_have_it": Question(
        Answer.HAS_IT,
        "Do you have the data?",
        "Then no more reminders come.",
        "I have the data",
        "You said that you have the data",
    ),
    "not_me": Question(
        Answer.NOT_THEIRS,
        "Are these data not for you?",
        "Then no more reminders come, and whoever sent them is told that you are the wrong person.",
        "These are not for me",
        "You said that these data are not for you",
    ),
    "no_reminders": Question(
        Answer.NO_REMINDERS,
        "Do you want no more reminders?",
        "The link goes on working until its end; then the data may be gone.",
        "Stop the reminders",
        "You asked for no more reminders",
    ),
}


@link_view("GET", "HEAD", "POST")
def i_have_it(request: HttpRequest, token: str) -> HttpResponseBase:
    return _ask(request, token, "i_have_it")


@link_view("GET", "HEAD", "POST")
def not_me(request: HttpRequest, token: str) -> HttpResponseBase:
    return _ask(request, token, "not_me")


@csrf_exempt  # mail programs call it with one click (RFC 8058); the token in the address is the secret
@link_view("GET", "HEAD", "POST")
def no_reminders(request: HttpRequest, token: str) -> HttpResponseBase:
    return _ask(request, token, "no_reminders")


def _ask(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    now, asked = timezone.now(), QUESTIONS[name]
    link = authorise(token, now)
    if request.method == "POST":
        note_answer(link=link, answer=asked.answer, actor=recipient_actor(request, link), now=now)
    context = {
        "asked": asked,
        "is_said": link.answer == asked.answer,
        "title": link.dataset.title if is_unlocked(request, lock_of(link)) else "",
        "contact": link.dataset.project.contact_email,
        "recipient": link.recipient,
        "consequence": _consequence(link, asked, now),
        "page": reverse("link", args=[token]),
    }
    return render(request, "sharing/answer.html", context)


def _consequence(link: ShareLink, asked: Question, now: datetime) -> str:
    """A sentence when "I have it" is also an agreement that the data may go."""
    end = data_end(link.dataset, now) if asked.answer == Answer.HAS_IT else None
    return EARLIER if end and end.agreed_earlier else ""
