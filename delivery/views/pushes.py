"""Members push a dataset to a destination by hand, and stop a push."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from delivery.forms import PushForm
from delivery.models import Delivery
from delivery.services.push_begin import begin_live_push, begin_push, cancel_push
from portal.access import may_send, require, signed_in_actor, visible_datasets
from portal.errors import Conflict
from portal.forms import tell
from portal.models import Dataset
from portal.views.fetch import A_MANAGER, dataset_to_change
from portal.views.form_pages import form_page, status_of


@login_required
@form_page
def push(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    dataset = dataset_to_change(request, dataset_id)
    form = PushForm(request.POST or None, dataset=dataset)
    if form.is_valid():
        try:
            begun = _begin(request, dataset, form)
        except Conflict as error:
            tell(form, error)
        else:
            name = begun.destination.name
            messages.success(request, f"It is on its way to “{name}”; you get a mail when everything is there.")
            return redirect(dataset)
    return render(request, "delivery/push.html", {"dataset": dataset, "form": form}, status=status_of(form))


def _begin(request: HttpRequest, dataset: Dataset, form: PushForm) -> Delivery:
    """Raises Conflict."""
    data, actor = form.cleaned_data, signed_in_actor(request)
    destination, occasion = data["destination"], f"hand:{data['occasion'].hex}"
    if "idle_hours" not in data:
        return begin_push(dataset=dataset, destination=destination, occasion=occasion, actor=actor)
    return begin_live_push(
        dataset=dataset,
        destination=destination,
        occasion=occasion,
        actor=actor,
        now=timezone.now(),
        idle_hours=data["idle_hours"],
    )


@login_required
@form_page
def cancel(request: HttpRequest, delivery_id: int) -> HttpResponse:
    visible = Delivery.objects.filter(dataset__in=visible_datasets(request.user))
    delivery = get_object_or_404(visible.select_related("dataset__project", "destination"), pk=delivery_id)
    require(may_send(request.user, delivery.dataset.project), A_MANAGER)
    name = delivery.destination.name
    if request.method == "POST":
        if cancel_push(delivery=delivery, actor=signed_in_actor(request), now=timezone.now()):
            messages.success(request, f"The push to “{name}” is cancelled.")
        return redirect(delivery.dataset)
    context = {
        "title": f"Cancel the push to “{name}”?",
        "sentence": f"“{delivery.dataset.title}” will be there in part only.",
        "consequences": ["What has arrived there stays there.", "A new push sends only what is missing."],
        "action": "Cancel push",
        "cancel": "Go on pushing",
        "cancel_url": delivery.dataset.get_absolute_url(),
    }
    return render(request, "confirm.html", context)
