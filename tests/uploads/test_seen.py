"""The panel of the dataset page and the mail about damaged files."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal import storage
from portal.models import DataFile, Dataset, Notice, User
from portal.panels import Panel
from uploads.mails import file_corrupt
from uploads.needs import stalled_uploads
from uploads.panels import arrival


def panel_of(dataset: Dataset) -> Panel:
    dataset.refresh_from_db()
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    return arrival(request, dataset)


def html_of(dataset: Dataset) -> str:
    panel = panel_of(dataset)
    return render_to_string(panel.template, {"dataset": dataset, "panel": panel, **panel.context})


def damaged(ada: Any, dataset: Dataset, worker: Any, path: str) -> None:
    file = ada.send(dataset, path, b"01234")
    storage.store().path(file.received_key).write_bytes(b"0123X")
    worker()


def test_an_empty_dataset_says_so(dataset: Dataset) -> None:
    assert "No files yet" in html_of(dataset)


def test_bars_uploads_and_damage_are_shown(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "fine", b"01234")
    damaged(ada, dataset, worker, "<b>damaged</b>")
    ada.patch(ada.start(10, dataset=dataset, path="coming.mrc"), 0, b"0123")
    html = html_of(dataset)
    assert "coming.mrc" in html
    assert "&lt;b&gt;damaged&lt;/b&gt;" in html
    assert "1\u00a0file did not arrive as sent" in html
    assert "safe to delete" not in html
    assert panel_of(dataset).context["arrived_bytes"] == 9
    assert panel_of(dataset).live


def test_when_all_is_verified_the_source_may_go(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "fine", b"01234")
    worker()
    ada.close(dataset)
    assert "safe to delete at the source" in html_of(dataset)
    assert not panel_of(dataset).live


def test_the_panel_costs_the_same_for_thousands_of_files(
    dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    DataFile.objects.bulk_create(
        DataFile(dataset=dataset, path=f"f{n}", path_key=f"{n:064}", size=1, state="received") for n in range(3000)
    )
    Dataset.objects.update(file_count=3000, received_count=3000, bytes_expected=3000)
    with django_assert_max_num_queries(8):  # two of them for bundles
        html_of(dataset)


def test_the_mail_names_the_files_and_what_to_do(ada: Any, dataset: Dataset, worker: Any) -> None:
    damaged(ada, dataset, worker, "a/scan.tif")
    mail = file_corrupt(Notice.objects.get(kind="file-corrupt"))
    assert mail
    context = {"site_name": "Portal", "support_email": "help@x.example", **mail.context}
    for part in ("subject.txt", "body-text.txt", "body-html.html"):
        text = render_to_string(f"emails/{mail.template}-{part}", context)
        assert "1\u00a0file" in text
        if "body" in part:
            assert "a/scan.tif" in text
            assert str(dataset.get_absolute_url()) in text


def test_one_mail_an_hour_for_a_dataset_in_trouble(ada: Any, dataset: Dataset, worker: Any) -> None:
    for name in ("a", "b", "c"):
        damaged(ada, dataset, worker, name)
    assert Notice.objects.filter(kind="file-corrupt").count() <= 2  # two when the hour has just changed


def test_uploads_that_stopped_need_a_person(ada: Any, dataset: Dataset, bob: User, charlie: User) -> None:
    now = timezone.now()
    ada.start(10, dataset=dataset)
    assert stalled_uploads(bob, now) == []
    (need,) = stalled_uploads(bob, now + timedelta(minutes=20))
    assert (need.state, need.subject) == ("stalled", "A run")
    assert "1\u00a0upload stopped" in need.text
    assert stalled_uploads(charlie, now + timedelta(minutes=20)) == []
