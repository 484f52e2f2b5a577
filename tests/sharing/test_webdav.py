"""The drive that can only be read: what it says in XML, to whom, and that what is fetched is written down."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from portal.actors import Actor
from portal.models import AuditEvent, Dataset, User
from portal.services.access_tokens import make_access_token
from tests.sharing.conftest import FILES, MakeDataset, store_file
from tests.sharing.test_trees import HOSTILE

pytestmark = pytest.mark.django_db
ALL = ["resourcetype", "displayname", "getlastmodified", "getcontentlength", "getcontenttype", "getetag"]


class Drive:
    """A program that has somebody's token."""

    def __init__(self, person: User, user_name: str = "") -> None:
        _, secret = make_access_token(
            actor=Actor.of_user(person), label="laptop", scope="read", lifetime=timedelta(days=1), now=timezone.now()
        )
        login = b64encode(f"{user_name or person.email}:{secret}".encode()).decode()
        self.client = Client(headers={"Authorization": f"Basic {login}"})

    def ask(self, method: str, path: str = "", body: str = "", **headers: str) -> Any:
        response: Any = self.client.generic(
            method, f"/dav/{quote(path)}", body, content_type="application/xml", headers=headers
        )
        response.body = b"".join(response.streaming_content) if response.streaming else response.content
        return response

    def list(self, path: str = "", body: str = "", depth: str = "1") -> dict[str, dict[str, str | None]]:
        """By address: each property that is there with its text; of a folder, `resourcetype` is `collection`."""
        answer = self.ask("PROPFIND", path, body, Depth=depth)
        assert (answer.status_code, answer["Content-Type"]) == (207, 'application/xml; charset="utf-8"')
        root = ET.fromstring(answer.body)  # noqa: S314  (our own)
        return {response.findtext("{DAV:}href", ""): properties(response) for response in root}


def properties(response: ET.Element) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in response.findall("{DAV:}propstat"):
        missing = "404" in part.findtext("{DAV:}status", "")
        for each in part.find("{DAV:}prop") or ():
            name = each.tag.removeprefix("{DAV:}")
            inner = "collection" if len(each) else each.text
            found[name] = "not there" if missing else inner
    return found


@pytest.fixture
def drive(bob: User) -> Drive:
    return Drive(bob)


def asking_for(*names: str) -> str:
    return f'<d:propfind xmlns:d="DAV:" xmlns:o="http://other.example/?a&amp;b"><d:prop>{"".join(names)}</d:prop></d:propfind>'


def test_a_person_sees_their_projects_the_datasets_in_them_and_their_files(drive: Drive, dataset: Dataset) -> None:
    assert [*drive.list()] == ["/dav/", "/dav/em/"]
    assert [*drive.list("em")] == ["/dav/em/", f"/dav/em/{dataset.name}/"]
    top = drive.list(f"em/{dataset.name}")
    here = f"/dav/em/{dataset.name}/"
    assert [href.removeprefix(here) for href in top] == [
        "",
        "Grid%201/",
        "empty.dat",
        "notes.txt",
        "manifest-sha256.txt",
    ]
    assert top[here]["resourcetype"] == top[f"{here}Grid%201/"]["resourcetype"] == "collection"
    file = dataset.files.get(path="notes.txt")
    assert top[f"{here}notes.txt"] == {
        "resourcetype": None,
        "displayname": "notes.txt",
        "getlastmodified": "Sat, 21 Nov 2026 04:16:07 GMT",
        "getcontentlength": "16",
        "getcontenttype": "application/octet-stream",
        "getetag": f'"{file.sha256}"',
    }
    assert [*drive.list(f"em/{dataset.name}/notes.txt")] == [f"{here}notes.txt"]
    assert [*drive.list(f"em/{dataset.name}", depth="0")] == [here]


def test_what_is_told_of_a_file_is_what_is_sent(drive: Drive, dataset: Dataset) -> None:
    for path in ("notes.txt", "Grid 1/tile 2.tif", "manifest-sha256.txt"):
        told = drive.list(f"em/{dataset.name}/{path}")[f"/dav/em/{dataset.name}/{quote(path)}"]
        for method in ("HEAD", "GET"):
            sent = drive.ask(method, f"em/{dataset.name}/{path}")
            properties = ("getcontentlength", "getetag", "getlastmodified", "getcontenttype")
            headers = ("Content-Length", "ETag", "Last-Modified", "Content-Type")
            assert [told[name] for name in properties] == [sent[name] for name in headers]


def test_only_what_is_asked_for_is_told_and_what_is_not_there_is_named(drive: Drive, dataset: Dataset) -> None:
    body = asking_for("<d:getcontentlength/>", "<o:checksums/>", "<d:quota/>", "<plain/>")
    answer = drive.ask("PROPFIND", f"em/{dataset.name}/notes.txt", body, Depth="0").body.decode()
    assert '<X:checksums xmlns:X="http://other.example/?a&amp;b"/>' in answer
    told = drive.list(f"em/{dataset.name}/notes.txt", body)[f"/dav/em/{dataset.name}/notes.txt"]
    assert told == {
        "getcontentlength": "16",
        "{http://other.example/?a&b}checksums": "not there",
        "quota": "not there",
        "plain": "not there",
    }
    assert drive.list(f"em/{dataset.name}", body, "0")[f"/dav/em/{dataset.name}/"]["getcontentlength"] == "not there"


def test_names_alone_and_everything_can_be_asked_for(drive: Drive, dataset: Dataset) -> None:
    href = f"/dav/em/{dataset.name}/notes.txt"
    for asked, text in (("propname", None), ("allprop", "16")):
        told = drive.list(f"em/{dataset.name}/notes.txt", f'<propfind xmlns="DAV:"><{asked}/></propfind>')[href]
        assert [*told] == ALL
        assert told["getcontentlength"] == text


@pytest.mark.parametrize(
    "body",
    [
        "no xml", "<propfind/>", '<propfind xmlns="DAV:"/>', '<propfind xmlns="DAV:"><prop></propfind>',
        '<!DOCTYPE p [<!ENTITY e "eeee">]><propfind xmlns="DAV:"><prop>&e;</prop></propfind>',
        asking_for(*(f"<o:p{number}/>" for number in range(200))),
    ],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused(drive: Drive, body: str) -> None:
    assert drive.ask("PROPFIND", "", body, Depth="0").status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Depth": "infinity"}, {"Depth": "2"}])
def test_everything_at_once_is_refused_in_the_words_of_the_standard(drive: Drive, headers: dict[str, str]) -> None:
    answer = drive.ask("PROPFIND", **headers)
    assert (answer.status_code, b"<D:propfind-finite-depth/>" in answer.body) == (403, True)


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPPATCH", "POST", "PATCH", "TRACE"]
)
def test_nothing_can_be_changed(drive: Drive, dataset: Dataset, method: str) -> None:
    answer = drive.ask(method, f"em/{dataset.name}/notes.txt")
    assert (answer.status_code, answer["Allow"]) == (405, "OPTIONS, GET, HEAD, PROPFIND")


def test_it_says_what_it_is_to_everybody(client: Client) -> None:
    answer = client.options("/dav/")
    assert (answer.status_code, answer["DAV"], answer["Allow"]) == (200, "1", "OPTIONS, GET, HEAD, PROPFIND")


def test_names_of_every_kind_can_be_listed_and_fetched(drive: Drive, make_dataset: MakeDataset) -> None:
    files = {f"in {name}/{name}": name.encode() for name in [*HOSTILE, "odd\ufffe.txt"]}
    dataset = make_dataset(files)
    here = f"/dav/em/{dataset.name}/"
    found: dict[str, bytes] = {}
    for folder in drive.list(f"em/{dataset.name}"):
        if folder not in (here, f"{here}manifest-sha256.txt"):
            answer: Any = drive.client.generic("PROPFIND", folder, headers={"Depth": "1"})
            for response in ET.fromstring(b"".join(answer.streaming_content)):  # noqa: S314  (our own)
                href = response.findtext("{DAV:}href", "")
                if href != folder:
                    found[href] = b"".join(drive.client.get(href).streaming_content)  # type: ignore[attr-defined]
    assert found == {here + quote(path): content for path, content in files.items()}


def test_who_may_not_see_it_is_told_as_little_as_on_the_pages(
    dataset: Dataset, charlie: User, sam: User, client: Client, bob: User
) -> None:
    stranger = Drive(charlie)
    assert [*stranger.list()] == ["/dav/"]
    for path in ("em", f"em/{dataset.name}", f"em/{dataset.name}/notes.txt", "nothing", "em/nothing", "%00", "em/%00"):
        for method in ("PROPFIND", "GET", "HEAD"):
            assert stranger.ask(method, path, Depth="1").status_code == 404
    assert [*Drive(sam).list("em")][1:] == [f"/dav/em/{dataset.name}/"]
    for method in ("PROPFIND", "GET"):
        refused = client.generic(method, "/dav/")
        assert (refused.status_code, refused["WWW-Authenticate"][:5]) == (401, "Basic")
    theirs = Drive(bob)
    type(bob).objects.filter(pk=bob.pk).update(is_active=False)
    assert theirs.ask("PROPFIND", Depth="0").status_code == 401


def test_a_session_of_a_browser_is_no_key(bob: User, client: Client) -> None:
    client.force_login(bob)
    assert client.get("/dav/").status_code == 401


def test_what_is_fetched_is_in_the_audit_as_on_the_pages(drive: Drive, dataset: Dataset, bob: User) -> None:
    drive.list(f"em/{dataset.name}")
    drive.ask("HEAD", f"em/{dataset.name}/notes.txt")
    assert not AuditEvent.objects.filter(kind="downloaded").exists()
    answer = drive.ask("GET", f"em/{dataset.name}/notes.txt", Range="bytes=3-5")
    assert (answer.status_code, answer.body) == (206, FILES["notes.txt"][3:6])
    event = AuditEvent.objects.get(kind="downloaded")
    assert (event.actor, event.subject, event.bytes, event.complete) == (bob.email, "notes.txt", 3, False)


def test_a_browser_sees_plain_folders(drive: Drive, dataset: Dataset) -> None:
    for path, shown in (("", "em/"), ("em/", f"{dataset.name}/"), (f"em/{dataset.name}/", "Grid%201/")):
        assert f'<a href="{shown}">' in drive.ask("GET", path).body.decode()


def test_files_of_a_dataset_that_still_grows_appear_when_they_are_verified(
    drive: Drive, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset({"1.tif": b"1"}, state="open", closed_at=None, released_at=None)
    assert f"/dav/em/{dataset.name}/1.tif" in drive.list(f"em/{dataset.name}")
    store_file(dataset, "2.tif", b"2").save()
    Dataset.objects.filter(pk=dataset.pk).update(
        revision=2, verified_count=2, file_count=2, bytes_verified=2, bytes_expected=2
    )
    assert f"/dav/em/{dataset.name}/2.tif" in drive.list(f"em/{dataset.name}")


def test_deleted_datasets_are_not_shown(drive: Drive, dataset: Dataset) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(state="purged")
    assert [*drive.list("em")] == ["/dav/em/"]
    assert drive.ask("PROPFIND", f"em/{dataset.name}", Depth="0").status_code == 404
