"""A person's own page: what they are told by mail, project by project."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.access import signed_in_actor
from portal.forms import MailWishesForm
from portal.models import Membership
from portal.services.mail_wishes import wish_for_mails
from portal.views.fetch import person_of
from portal.views.form_pages import form_page, status_of


@login_required
@form_page
def mail_wishes(request: HttpRequest) -> HttpResponse:
    """Cost: the same number of queries for any number of projects."""
    person = person_of(request)
    members = list(Membership.objects.filter(user=person).select_related("project").order_by("project__name"))
    form = MailWishesForm(request.POST or None, members=members)
    if form.is_valid():
        wish_for_mails(person=person, wishes=form.wishes(), actor=signed_in_actor(request))
        messages.success(request, "Saved.")
        return redirect("mail_wishes")
    return render(request, "portal/mail_wishes.html", {"form": form, "members": members}, status=status_of(form))
