"""People outside send files in by a drop link, and can do nothing else with it."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.models import AuditEvent, Dataset, Instrument, Notice, Project, User
from tests.uploads.conftest import Pc, encoded
from uploads.drop_access import TOKENS, drop_address
from uploads.mails import drop_link as drop_link_mail
from uploads.models import Drop, DropLink
from uploads.services.drops import DropLinkWish, make_drop_link

PASSWORD = "three small words"


@pytest.fixture
def make_link(project: Project, alice: User) -> Any:
    from portal.actors import Actor

    def make(**fields: Any) -> DropLink:
        now = timezone.now()
        wish = {"title": "Your scans", "expires_at": now + timedelta(days=7), "notify_emails": ["alice@em.example"]}
        return make_drop_link(
            project=project, actor=Actor.of_user(alice), wish=DropLinkWish(**{**wish, **fields}), now=now
        )

    return make


def token_of(link: DropLink) -> str:
    return str(TOKENS.of(link.public_id, link.key_id))


class Visitor(Pc):
    """A browser with a drop link: a session, a CSRF token, no account."""

    def __init__(self, link: DropLink) -> None:
        self.link, self.page = link, reverse("drop", args=[token_of(link)])
        self.client = Client(enforce_csrf_checks=True, headers={"Drop-Link": token_of(link)})

    def look(self) -> Any:
        answer = self.client.get(self.page)
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.content.decode()):
            self.client.defaults["HTTP_X_CSRFTOKEN"] = found[1]
        return answer

    def submit(self, **fields: str) -> Any:
        return self.client.post(self.page, fields)

    def begin(self, **fields: str) -> Dataset:
        page = self.look().content.decode()
        key = re.search(r'name="key" value="([\w-]+)"', page)
        said = {"visitor_name": "Karl", "visitor_email": "karl@lab.example", "title": "Scans", "key": key and key[1]}
        answer = self.submit(**{**said, **fields})  # type: ignore[arg-type]
        assert answer.status_code == 302, answer.content.decode()
        return Dataset.objects.get(pk=answer["Location"].rpartition("/")[2])


def test_a_visitor_sends_files_and_everybody_is_told(make_link: Any, worker: Any) -> None:
    karl = Visitor(make_link())
    dataset = karl.begin()
    assert (dataset.sent_by, dataset.operator_emails) == ("Karl, karl@lab.example", ["alice@em.example"])
    karl.send(dataset, "a/scan.tif", b"0123")
    worker()
    assert karl.close(dataset).json()["state"] == "released"
    assert Notice.objects.filter(kind="drop-received", to="karl@lab.example").count() == 1
    assert Drop.objects.get().visitor_name == "Karl"
    done = karl.client.get(reverse("drop_files", args=[token_of(karl.link), dataset.pk]))
    assert "have arrived" in done.content.decode()


def test_looking_leaves_nothing_and_tells_nobody(make_link: Any) -> None:
    answer = Visitor(make_link()).look()
    assert answer.status_code == 200
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert "noindex" in answer["X-Robots-Tag"]
    assert not Dataset.objects.exists()


def test_one_visitor_does_not_see_what_another_sends(make_link: Any) -> None:
    link = make_link()
    karl, rita = Visitor(link), Visitor(link)
    dataset = karl.begin()
    upload = karl.start(10, dataset=dataset)
    rita.begin()
    assert rita.get(f"/datasets/{dataset.pk}").status_code == 404
    assert rita.get("/datasets").json()["datasets"][0]["id"] != str(dataset.pk)
    assert rita.create(4, b"0123", dataset=dataset).status_code == 404
    assert rita.tus("HEAD", upload).status_code == 404
    assert rita.client.get(reverse("drop_files", args=[token_of(link), dataset.pk])).status_code == 404
    assert karl.tus("HEAD", upload).status_code == 200


def test_the_link_opens_nothing_but_the_sending(make_link: Any, dataset: Dataset) -> None:
    karl = Visitor(make_link())
    karl.begin()
    assert karl.get(f"/datasets/{dataset.pk}").status_code == 404
    assert (
        karl.post("/datasets", {"client_key": "8c0e1d6e-0d2b-4a58-a3b6-1f7d5f0f2b1a", "title": "x"}).status_code == 403
    )
    assert karl.client.get("/projects/em/").status_code == 302
    assert karl.create(4, b"0123").status_code == 422  # no dataset of the day for visitors


def test_without_the_csrf_token_nothing_is_sent(make_link: Any) -> None:
    karl = Visitor(make_link())
    dataset = karl.begin()
    del karl.client.defaults["HTTP_X_CSRFTOKEN"]
    assert karl.create(4, b"0123", dataset=dataset).status_code == 403


@pytest.mark.usefixtures("no_second_passes")
def test_the_password_is_asked_first_and_guessing_is_slowed(make_link: Any) -> None:
    link = make_link(password=PASSWORD)
    assert PASSWORD not in link.password_hash
    karl = Visitor(link)
    assert "Your name" not in karl.look().content.decode()
    for _ in range(3):
        assert karl.submit(password="wrong guess").status_code == 422
    slowed = karl.submit(password=PASSWORD)
    assert slowed.status_code == 429
    assert int(slowed["Retry-After"]) >= 1
    other = Visitor(link)
    other.client.defaults["REMOTE_ADDR"] = "192.0.2.7"
    other.look()
    assert other.submit(password=PASSWORD).status_code == 302
    assert "Your name" in other.look().content.decode()
    other.begin()


def test_before_the_password_a_known_sending_is_closed_too(make_link: Any) -> None:
    link = make_link()
    karl = Visitor(link)
    dataset = karl.begin()
    DropLink.objects.filter(pk=link.pk).update(password_hash="pbkdf2_sha256$1$x$y")
    assert karl.get(f"/datasets/{dataset.pk}").status_code == 404


def test_the_limit_holds_over_all_that_is_sent(make_link: Any) -> None:
    karl = Visitor(make_link(limit_bytes=10))
    first, second = karl.begin(), karl.begin(title="More")
    assert karl.create(6, b"012345", dataset=first).status_code == 201
    refused = karl.create(5, b"01234", dataset=second)
    assert refused.status_code == 413
    assert "takes 10\u00a0B in all; 4\u00a0B are left" in json.loads(refused.content)["message"]
    assert karl.announce(second, {"path": "b.tif", "size": 5}).status_code == 413
    assert karl.create(4, b"0123", dataset=second).status_code == 201


@pytest.mark.parametrize("metadata", [{"kind": "bundle", "files": "1", "manifest": "512"}, {}])
def test_the_limit_cannot_be_passed_by_other_kinds_of_uploads(make_link: Any, metadata: dict[str, str]) -> None:
    karl = Visitor(make_link(limit_bytes=10))
    values = {"dataset": str(karl.begin().pk), "path": "a.tif", **metadata}
    header = ",".join(f"{key} {encoded(value)}" for key, value in values.items())
    said: dict[str, Any] = {"Upload_Length": 2048} if metadata else {"Upload_Defer_Length": 1}
    assert karl.tus("POST", Upload_Metadata=header, **said).status_code == 422
    if not metadata:
        assert karl.tus("POST", Upload_Metadata=header, Upload_Concat="partial", Upload_Length=5).status_code == 422


@pytest.mark.parametrize(
    "change",
    [{"revoked_at": timezone.now()}, {"expires_at": timezone.now(), "created_at": timezone.now() - timedelta(days=1)}],
)
def test_a_link_that_is_over_ends_at_once(make_link: Any, change: dict[str, Any]) -> None:
    link = make_link()
    karl = Visitor(link)
    dataset = karl.begin()
    upload = karl.start(4, dataset=dataset)
    DropLink.objects.filter(pk=link.pk).update(**change)
    assert karl.client.get(karl.page).status_code == 410
    assert "Ask" in karl.client.get(karl.page).content.decode()
    assert karl.patch(upload, 0, b"0123").status_code == 410


def test_the_link_of_a_disabled_account_stops(make_link: Any, alice: User) -> None:
    karl = Visitor(make_link())
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert karl.client.get(karl.page).status_code == 410


def test_a_forged_token_is_unknown(make_link: Any) -> None:
    token = token_of(make_link())
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "lcs_" + token[4:], token[:-1], "x"):
        assert Client().get(reverse("drop", args=[wrong])).status_code == 404


def test_what_the_instrument_asks_is_asked_here(make_link: Any, instrument: Instrument) -> None:
    instrument.metadata_template = [
        {"name": "sample", "label": "Sample", "required": True, "choices": [], "help": ""},
        {"name": "voltage", "label": "Voltage", "required": False, "choices": ["200 kV", "300 kV"], "help": ""},
    ]
    instrument.save()
    karl = Visitor(make_link(instrument=instrument))
    karl.look()
    refused = karl.submit(visitor_name="Karl", visitor_email="karl@lab.example", title="x", key=str(instrument.pk))
    assert refused.status_code == 422
    dataset = karl.begin(**{"meta-sample": "Tooth 3", "meta-voltage": "300 kV"})
    assert dataset.metadata == {"sample": "Tooth 3", "voltage": "300 kV"}
    assert dataset.instrument == instrument


def test_an_operator_makes_mails_and_revokes_a_link(client: Client, bob: User, project: Project) -> None:
    client.force_login(bob)
    page = client.get("/projects/em/drop-links/new").content.decode()
    until = (timezone.localdate() + timedelta(days=3)).isoformat()
    assert "Works until" in page
    answer = client.post(
        "/projects/em/drop-links/new",
        {
            "title": "Scans",
            "expires_on": until,
            "limit": "2.5",
            "mail_to": "karl@lab.example",
            "notify_emails": "b@em.example",
        },
    )
    assert answer.status_code == 302
    link = DropLink.objects.get()
    assert link.limit_bytes == 2_500_000_000
    notice = Notice.objects.get(kind="drop-link")
    mail = drop_link_mail(notice)
    assert mail
    assert mail.context["url"] == drop_address(link)
    listed = client.get("/projects/em/drop-links/").content.decode()
    assert str(drop_address(link)) in listed
    assert token_of(link) not in str(AuditEvent.objects.values_list("detail", flat=True))
    client.post(f"/projects/em/drop-links/{link.pk}/revoke")
    link.refresh_from_db()
    assert link.revoked_at
    assert drop_link_mail(notice) is None
    assert set(AuditEvent.objects.values_list("kind", flat=True)) >= {"drop_link_made", "drop_link_revoked"}
