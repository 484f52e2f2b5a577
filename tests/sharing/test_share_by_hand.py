from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.actors import Actor
from portal.errors import Invalid
from portal.models import AuditEvent, Dataset, Membership, Notice, User
from sharing.errors import NotReleased
from sharing.models import ShareLink, Way
from sharing.services.by_hand import ShareWish, share_by_hand
from tests.conftest import SignIn
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor

pytestmark = pytest.mark.django_db
FORM = {"recipients": "Rita@university.example\nk.andersson@institute.example", "days": "14", "message": "Dear both"}


def post_share(client: Client, dataset: Dataset, **changes: str) -> object:
    form = {"ways": list(Way.values)} | FORM | {"occasion": str(uuid4())} | changes
    return client.post(reverse("share_dataset", args=[dataset.pk]), form)


def status(answer: object) -> int:
    return answer.status_code  # type: ignore[attr-defined, no-any-return]


def test_a_manager_and_an_operator_share_with_several_people(
    dataset: Dataset, alice: User, bob: User, sign_in: SignIn
) -> None:
    for user in (alice, bob):
        before = timezone.now()
        assert status(post_share(sign_in(user), dataset)) == 302
        links = ShareLink.objects.filter(created_by=user).order_by("recipient")
        assert [link.recipient for link in links] == ["k.andersson@institute.example", "rita@university.example"]
        for link in links:
            assert timedelta(0) <= link.expires_at - before - timedelta(days=14) < timedelta(minutes=1)
            assert link.message == "Dear both"
            assert Visitor(link).get().status_code == 200
    assert Notice.objects.filter(kind="dataset-ready").count() == 4
    assert AuditEvent.objects.filter(kind="link_made", actor=bob.email).count() == 2


def test_a_form_sent_twice_shares_once(dataset: Dataset, alice: User, sign_in: SignIn) -> None:
    client, occasion = sign_in(alice), str(uuid4())
    for _ in range(2):
        assert status(post_share(client, dataset, occasion=occasion)) == 302
    assert ShareLink.objects.count() == 2
    assert Notice.objects.filter(kind="dataset-ready").count() == 2


def test_sharing_again_makes_another_link(dataset: Dataset, alice: User, sign_in: SignIn) -> None:
    for _ in range(2):
        post_share(sign_in(alice), dataset, recipients="rita@university.example")
    assert ShareLink.objects.count() == 2


def test_viewers_are_told_whom_to_ask_and_strangers_nothing(
    dataset: Dataset, charlie: User, sign_in: SignIn, client: Client
) -> None:
    assert status(post_share(sign_in(charlie), dataset)) == 404
    Membership.objects.create(project=dataset.project, user=charlie, role=Membership.Role.VIEWER)
    assert status(post_share(sign_in(charlie), dataset)) == 403
    assert status(post_share(client, dataset)) == 302  # to the log-in
    assert not ShareLink.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("recipients", "rita at university", "no e-mail address"),
        ("recipients", "rita@university.example, nobody@", "no e-mail address"),
        ("recipients", "", "required"),
        ("recipients", " ,\n", "Name 1 to 100 recipients"),
        ("recipients", " ".join(f"r{n}@u.example" for n in range(101)), "Name 1 to 100 recipients"),
        ("recipients", "rita@university.example\r\nBcc: x@y.example", "no e-mail address"),
        ("days", "0", "greater than or equal to 1"),
        ("days", "99999999999", "less than or equal to 3650"),
        ("days", "", "required"),
        ("message", "x" * 2001, "at most 2000"),
        ("occasion", "no uuid", "valid UUID"),
    ],
)
def test_bad_input_shares_nothing_and_keeps_the_form(
    dataset: Dataset, alice: User, sign_in: SignIn, field: str, value: str, said: str
) -> None:
    answer = post_share(sign_in(alice), dataset, **{field: value})
    assert status(answer) == 422
    text = answer.content.decode()  # type: ignore[attr-defined]
    assert said in text
    assert field == "message" or "Dear both" in text
    assert not ShareLink.objects.exists()


def test_a_dataset_is_shared_while_its_files_come(make_dataset: MakeDataset, alice: User, sign_in: SignIn) -> None:
    arriving = make_dataset(state="open", closed_at=None, released_at=None)
    assert status(post_share(sign_in(alice), arriving)) == 302
    assert ShareLink.objects.filter(dataset=arriving).exists()


def test_a_dataset_that_was_deleted_is_not_shared(make_dataset: MakeDataset, alice: User, sign_in: SignIn) -> None:
    deleted = make_dataset(state="purged")
    assert status(post_share(sign_in(alice), deleted)) == 409
    wish = ShareWish(["rita@university.example"], timezone.now() + timedelta(days=1), "x")
    for dataset in (deleted, make_dataset(state="expired")):
        with pytest.raises(NotReleased):
            share_by_hand(dataset=dataset, wish=wish, actor=Actor.of_user(alice), now=timezone.now())


def test_a_link_that_would_end_before_it_starts_is_refused(dataset: Dataset, alice: User) -> None:
    now = timezone.now()
    with pytest.raises(Invalid, match="before it starts"):
        share_by_hand(
            dataset=dataset, wish=ShareWish(["rita@u.example"], now, "x"), actor=Actor.of_user(alice), now=now
        )


def test_the_share_page_offers_the_project_s_lifetime(dataset: Dataset, alice: User, sign_in: SignIn) -> None:
    page = sign_in(alice).get(reverse("share_dataset", args=[dataset.pk]))
    assert page.status_code == 200
    assert 'name="days" value="30"' in page.content.decode()
    assert f'action="{reverse("share_dataset", args=[dataset.pk])}"' not in page.content.decode()


def revoke_url(link: ShareLink) -> str:
    return reverse("revoke_link", args=[link.pk])


@pytest.mark.parametrize(
    ("taken", "said"),
    [("", "not opened it yet"), ("/", "taken nothing"), ("some", "not everything yet"), ("all", "everything already")],
)
def test_revoking_says_first_what_will_happen(
    rita_s: Visitor, alice: User, sign_in: SignIn, taken: str, said: str
) -> None:
    if taken:
        rita_s.get() if taken == "/" else rita_s.get_zip(**({"range": "bytes=0-99"} if taken == "some" else {}))
    page = sign_in(alice).get(revoke_url(rita_s.link)).content.decode()
    assert "Revoking stops rita@university.example from downloading" in page
    assert said in page
    assert rita_s.get().status_code == 200


def test_a_revoked_link_refuses_the_next_request(rita_s: Visitor, bob: User, sign_in: SignIn) -> None:
    assert sign_in(bob).post(revoke_url(rita_s.link)).status_code == 302
    assert rita_s.get().status_code == 410
    assert rita_s.get_zip().status_code == 410
    assert AuditEvent.objects.get(kind="link_revoked").actor == bob.email


def test_strangers_and_viewers_revoke_nothing(
    rita_s: Visitor, charlie: User, sign_in: SignIn, client: Client, make_link: MakeLink
) -> None:
    assert sign_in(charlie).post(revoke_url(rita_s.link)).status_code == 404
    assert sign_in(charlie).get(revoke_url(rita_s.link)).status_code == 404
    Membership.objects.create(project=rita_s.link.dataset.project, user=charlie, role=Membership.Role.VIEWER)
    assert sign_in(charlie).post(revoke_url(rita_s.link)).status_code == 403
    assert client.post(revoke_url(rita_s.link)).status_code == 302
    assert client.post("/links/999999999999999999999/revoke").status_code in (302, 404)
    assert rita_s.get().status_code == 200
