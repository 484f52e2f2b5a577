import pytest
from django.core import serializers
from django.utils import timezone
from pytest_django.fixtures import Settings

from sharing.access import authorise
from sharing.errors import LinkUnknown
from sharing.links import address_of, split_token, token_of
from sharing.models import ShareLink
from tests.sharing.conftest import MakeLink

pytestmark = pytest.mark.django_db
OLD, NEW = "o" * 50, "n" * 50


@pytest.fixture(autouse=True)
def key_ring(settings: Settings) -> None:
    settings.LINK_KEYS = [OLD]


def token(link: ShareLink) -> str:
    made = token_of(link)
    assert made is not None
    return made


def test_a_token_opens_its_link(link: ShareLink) -> None:
    assert authorise(token(link), timezone.now()) == link


def test_the_same_token_can_be_written_again(link: ShareLink) -> None:
    assert token_of(ShareLink.objects.get(pk=link.pk)) == token_of(link)
    assert address_of(link) == f"http://127.0.0.1:8000/s/{token(link)}"


def test_a_token_holds_128_random_bits_and_a_mac_of_128_bits(link: ShareLink) -> None:
    parts = split_token(token(link))
    assert parts is not None
    assert parts[0] == link.public_id
    assert [len(part) for part in parts] == [22, 22]


def test_nothing_stored_is_enough_to_make_a_token(link: ShareLink) -> None:
    stored = serializers.serialize("json", [link])
    assert link.public_id in stored
    assert token(link) not in stored
    assert token(link)[-22:] not in stored


def test_changing_any_character_makes_it_unknown(link: ShareLink) -> None:
    right = token(link)
    for at, letter in enumerate(right):
        wrong = right[:at] + ("A" if letter != "A" else "B") + right[at + 1 :]
        with pytest.raises(LinkUnknown):
            authorise(wrong, timezone.now())


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        "a" * 44,
        "lcs_" + "a" * 43,
        "lcs_" + "a" * 45,
        "lcs_" + "a" * 44,
        "lcs_" + "ü" * 44,
        "../../etc",
        "a" * 5000,
        "\0" * 44,
    ],
)
def test_what_is_no_token_is_unknown(wrong: str, link: ShareLink) -> None:
    with pytest.raises(LinkUnknown):
        authorise(wrong, timezone.now())


def test_the_mac_of_one_link_does_not_open_another(link: ShareLink, make_link: MakeLink) -> None:
    other = make_link(link.dataset, "k.andersson@institute.example")
    with pytest.raises(LinkUnknown):
        authorise(f"lcs_{other.public_id}{token(link)[-22:]}", timezone.now())


def test_links_outlive_a_new_key(link: ShareLink, make_link: MakeLink, settings: Settings) -> None:
    before = token(link)
    settings.LINK_KEYS = [NEW, OLD]
    assert authorise(before, timezone.now()) == link
    newer = make_link(link.dataset)
    assert newer.key_id != link.key_id
    assert authorise(token(newer), timezone.now()) == newer


def test_taking_a_key_away_ends_its_links(link: ShareLink, settings: Settings) -> None:
    before = token(link)
    settings.LINK_KEYS = [NEW]
    assert token_of(link) is None
    assert address_of(link) is None
    with pytest.raises(LinkUnknown):
        authorise(before, timezone.now())
