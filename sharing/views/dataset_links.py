"""All links of a dataset, to be ticked and made longer together."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.access import may_send, require, signed_in_actor
from portal.errors import PortalError
from portal.forms import tell
from portal.keyset import newest_first
from portal.models import Dataset
from portal.templatetags.quantities import counted
from portal.views.fetch import dataset_of
from portal.views.form_pages import form_page, status_of
from sharing.forms import ExtensionForm
from sharing.models import policy_of
from sharing.services.data_ends import no_link_longer
from sharing.services.extending import Extended, counts_of, extend_links

ROWS = 100
_NONE = "None of these links ends earlier than that, or they were revoked; nothing was changed."


@login_required
@form_page
def dataset_links(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Cost: the same number of queries for any number of links."""
    dataset, now = dataset_of(request, dataset_id), timezone.now()
    may_share = may_send(request.user, dataset.project)
    if request.method == "POST":
        require(may_share, "a manager of the project to extend links")
    days = policy_of(dataset.project).days
    form = ExtensionForm(request.POST or None, counts=counts_of(dataset, now), days=days)
    if form.is_valid():
        try:
            extended = _extend(request, dataset, form)
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(request, _said_of(extended))
            return redirect(request.get_full_path())
    context = {
        "dataset": dataset,
        "page": newest_first(dataset.share_links.order_by(), request.GET, size=ROWS),
        "ticked": {int(pk) for pk in request.POST.getlist("link") if pk.isdecimal()},
        "form": form,
        "may_extend": may_share and dataset.may_be_shared,
        "now": now,
    }
    return render(request, "sharing/dataset_links.html", context, status=status_of(form))


def _said_of(extended: Extended) -> str:
    said = f"{counted(extended.count, 'link was,links were')} extended." if extended.count else ""
    if extended.data_end is None:
        return said or _NONE
    return f"{said} {no_link_longer(extended.data_end)}".strip()


def _extend(request: HttpRequest, dataset: Dataset, form: ExtensionForm) -> Extended:
    return extend_links(
        dataset=dataset,
        which=form.cleaned_data["which"],
        ticked=[int(pk) for pk in request.POST.getlist("link") if pk.isdecimal() and int(pk) < 2**63],
        extension=form.extension(),
        actor=signed_in_actor(request),
        now=timezone.now(),
    )
