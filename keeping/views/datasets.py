"""One dataset: until when it is kept, and what its people can do about that."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from keeping.forms import ExtendForm, HoldForm, KeepingForm
from keeping.outlook import outlook_of
from keeping.services.deleting import delete_by_hand, restore
from keeping.services.keepings import assign_keeping, extend, hold, release_hold
from portal.access import may_manage, require, signed_in_actor
from portal.errors import Invalid
from portal.forms import tell
from portal.models import Dataset
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text
from portal.views.fetch import A_MANAGER, dataset_of, dataset_to_change
from portal.views.form_pages import form_page, status_of

PAGE = "dataset_keeping"


@login_required
@form_page
def dataset_keeping(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """For everybody who may see it; managers choose its class and owner here."""
    found, now = dataset_of(request, dataset_id), timezone.now()
    outlook = outlook_of(found, request.user, now)
    form = KeepingForm(request.POST or None, keeping=outlook.keeping, project=found.project)
    if request.method == "POST":
        require(outlook.manages, A_MANAGER)
        if form.is_valid():
            chosen = form.cleaned_data
            actor = signed_in_actor(request)
            assign_keeping(dataset=found, retention=chosen["retention"], owner=chosen["owner"], actor=actor)
            messages.success(request, "Saved. The day of the deletion is computed anew within minutes.")
            return redirect(PAGE, found.pk)
    context = {"now": now, "dataset": found, "outlook": outlook, "form": form}
    return render(request, "keeping/dataset.html", context, status=status_of(form))


@login_required
@form_page
def dataset_hold(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = _managed(request, dataset_id)
    form = HoldForm(request.POST or None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        hold(dataset=found, reason=reason, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, "Held. Nothing of it is deleted until somebody releases the hold.")
        return redirect(PAGE, found.pk)
    context = {
        "title": f"Hold “{found.title}”?",
        "sentence": "Neither the clock nor anybody by hand can delete it while it is held.",
        "form": form,
        "harmless": True,
        "action": "Hold dataset",
        "cancel_url": reverse(PAGE, args=[found.pk]),
    }
    return render(request, "confirm.html", context, status=status_of(form))


@login_required
@form_page
def dataset_release_hold(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = _managed(request, dataset_id)
    if request.method == "POST":
        release_hold(dataset=found, actor=signed_in_actor(request))
        messages.success(request, "The hold was released. The clock goes on.")
        return redirect(PAGE, found.pk)
    return _confirm(
        request,
        found,
        title=f"Release the hold of “{found.title}”?",
        sentence="From then on it is kept as its class says.",
        consequences=[_after_the_hold(found)],
        action="Release hold",
    )


@login_required
@form_page
def dataset_extend(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """By what its class gives; managers may choose a day."""
    found, now = dataset_to_change(request, dataset_id), timezone.now()
    outlook = outlook_of(found, request.user, now)
    form = ExtendForm(request.POST if request.method == "POST" else None, manages=outlook.manages)
    if outlook.until is None or form.is_valid():
        until = form.end() if form.is_bound and form.is_valid() else None
        try:
            kept = extend(dataset=found, actor=signed_in_actor(request), now=now, manages=outlook.manages, until=until)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, f"It is kept until {day_text(kept.extended_until or now)}.")
            return redirect(PAGE, found.pk)
    step = day_text(outlook.until) if outlook.until else ""
    return _confirm(
        request,
        found,
        title=f"Keep “{found.title}” longer?",
        sentence=f"It is then kept until {step}{', or until a later day that you choose' if outlook.manages else ''}.",
        consequences=["People are warned again before that day."],
        form=form,
        action="Keep longer",
        harmless=True,
    )


@login_required
@form_page
def dataset_delete(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = _managed(request, dataset_id)
    if request.method == "POST":
        keeping = delete_by_hand(dataset=found, actor=signed_in_actor(request), now=timezone.now())
        day = day_text(keeping.purge_after) if keeping.purge_after else ""
        messages.success(request, f"Deleted. Until {day} it can be restored here.")
        return redirect(PAGE, found.pk)
    files = f"{counted(found.verified_count, 'file,files')}, {size_text(found.bytes_verified)}"
    return _confirm(
        request,
        found,
        title=f"Delete “{found.title}”?",
        sentence=f"Nobody can see or download its files any more: {files}.",
        consequences=[
            "All links to it say that the data were deleted.",
            "It can be restored for a while; then the files are removed for good, in second copies too.",
            "The list of its files, their checksums and the history stay.",
            "What instruments still hold is not touched, nor what others have downloaded.",
        ],
        action="Delete dataset",
    )


@login_required
@form_page
def dataset_restore(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = _managed(request, dataset_id)
    if request.method == "POST":
        restore(dataset=found, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, "Restored. Links that have not ended work again.")
        return redirect(PAGE, found.pk)
    return _confirm(
        request,
        found,
        title=f"Restore “{found.title}”?",
        sentence="Its files can be seen and downloaded again.",
        consequences=["It is kept for another 30 days at least."],
        action="Restore dataset",
        harmless=True,
    )


def _after_the_hold(dataset: Dataset) -> str:
    if dataset.is_gone:
        return "It is deleted: its files are removed for good once its grace period is over, perhaps at once."
    return "If its time is over already, people are warned two weeks before it is deleted."


def _managed(request: HttpRequest, dataset_id: UUID) -> Dataset:
    dataset = dataset_of(request, dataset_id)
    require(may_manage(request.user, dataset.project), A_MANAGER)
    return dataset


def _confirm(request: HttpRequest, dataset: Dataset, **context: object) -> HttpResponse:
    context |= {"cancel": "Leave it as it is", "cancel_url": reverse(PAGE, args=[dataset.pk])}
    form = context.get("form")
    return render(request, "confirm.html", context, status=status_of(form) if isinstance(form, BaseForm) else 200)
