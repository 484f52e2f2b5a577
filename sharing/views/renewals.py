"""Somebody answers a request for more time: from the mail without logging in, or on the link's page as a member.

Opening the pages changes nothing, so programs that look through mails may do it.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access import may_send, require, signed_in_actor
from portal.actors import Actor
from portal.client_address import client_address
from portal.errors import NotFound, PortalError
from portal.forms import tell
from portal.views.form_pages import status_of
from portal.views.link_pages import secret_address
from sharing.access import visible_links
from sharing.errors import AnswerEnded
from sharing.forms import RenewalAnswerForm
from sharing.models import RenewalRequest, policy_of
from sharing.renewal_links import opened_by
from sharing.services.data_ends import until_of
from sharing.services.renewals import give_more_time, may_answer_by_mail, refuse_more_time

How = RenewalRequest.How


@secret_address("GET", "HEAD", "POST", refused="sharing/refused.html")
def answer_from_mail(request: HttpRequest, answer_token: str) -> HttpResponseBase:
    """The page that the mail's button opens; its two buttons grant or refuse."""
    asked, address = _asked_by_mail(answer_token)
    form = _form(request, asked)
    if form.is_valid() and asked.state == RenewalRequest.State.WAITING:
        try:
            _answer(asked, form, _mail_actor(request, asked, address), How.MAIL)
        except PortalError as error:
            tell(form, error)
        else:
            return redirect("answer_renewal", answer_token)
    now, link = timezone.now(), asked.link
    context = {"asked": asked, "link": link, "dataset": link.dataset, "form": form, "now": now}
    if asked.state == RenewalRequest.State.GRANTED:
        context["why_not_longer"] = until_of(link, now).why
    return render(request, "sharing/answer_renewal.html", context, status=status_of(form))


@require_POST
@login_required
def answer_as_member(request: HttpRequest, link_id: int, renewal_id: int) -> HttpResponse:
    """From the link's page. Raises NotFound for strangers, Forbidden for those who only look, AlreadyAnswered."""
    link = visible_links(request.user).filter(pk=link_id).first()
    asked = link.renewal_requests.filter(pk=renewal_id).first() if link else None
    if link is None or asked is None:
        raise NotFound("Nobody asked for more time for such a link, or you may not see it.")
    require(may_send(request.user, link.dataset.project), "a manager of the project to answer")
    form = RenewalAnswerForm(request.POST)
    if form.is_valid():
        done = _answer(asked, form, signed_in_actor(request), How.MEMBER)
        given = done.state == RenewalRequest.State.GRANTED
        said = "can download again" if given else "was told that there is no more time"
        why = until_of(done.link, timezone.now()).why if given else ""
        messages.success(request, f"{link.recipient} {said}; the mail is on its way. {why}".strip())
    else:
        messages.error(request, " ".join(str(wrong) for wrongs in form.errors.values() for wrong in wrongs))
    return redirect("link_terms", link.pk)


def _asked_by_mail(token: str) -> tuple[RenewalRequest, str]:
    """Raises NotFound, and AnswerEnded when it is too late or the person may no longer answer."""
    opened = opened_by(token)
    if opened is None:
        raise NotFound("Check that the address was copied whole; a mail program may have cut it at the end of a line.")
    asked, address = opened
    if not asked.may_be_answered_by_mail(timezone.now()) or not may_answer_by_mail(address, asked.link.dataset.project):
        raise AnswerEnded("Sign in and open the dataset: who may still answer does so on the page of the link.")
    return asked, address


def _form(request: HttpRequest, asked: RenewalRequest) -> RenewalAnswerForm:
    return RenewalAnswerForm(request.POST or None, initial={"days": policy_of(asked.link.dataset.project).days})


def _answer(asked: RenewalRequest, form: RenewalAnswerForm, actor: Actor, how: How) -> RenewalRequest:
    now, said = timezone.now(), form.cleaned_data
    if said["answer"] == "refuse":
        return refuse_more_time(request=asked, words=said["words"], actor=actor, how=how, now=now)
    return give_more_time(request=asked, days=said["days"], actor=actor, how=how, now=now)


def _mail_actor(request: HttpRequest, asked: RenewalRequest, address: str) -> Actor:
    """Whoever has the mail, named by the address it was sent to."""
    client = request.headers.get("User-Agent", "")[:200]
    return Actor("visitor", f"renewal:{asked.pk}", address, client_address(request), client)
