"""A page for members: the address of a recipient was wrong, send the link to the right one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.access import signed_in_actor
from portal.errors import PortalError
from portal.forms import tell
from portal.views.form_pages import form_page, status_of
from sharing.forms import AddressForm
from sharing.services.corrections import correct_address
from sharing.undelivered import undelivered
from sharing.views.shares import link_of_sender


@login_required
@form_page
def correct(request: HttpRequest, link_id: int) -> HttpResponse:
    link, now = link_of_sender(request, link_id), timezone.now()
    form = AddressForm(request.POST or None, initial={"address": link.recipient})
    if form.is_valid():
        try:
            made = correct_address(
                link=link, address=form.cleaned_data["address"], actor=signed_in_actor(request), now=now
            )
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(request, f"A link is on its way to {made.recipient}; that of {link.recipient} is revoked.")
            return redirect(link.dataset)
    context = {"link": link, "dataset": link.dataset, "form": form, "mail": undelivered([link]).get(link.pk)}
    return render(request, "sharing/correct_address.html", context, status=status_of(form))
