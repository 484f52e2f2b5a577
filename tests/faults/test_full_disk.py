"""P9: a full disk stops uploads (507), not the site, and they go on when there is room."""

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener
from uuid import uuid4
from zipfile import ZipFile

import pytest

from deploy.broker import answers, command, prepare, socket_path
from tests.faults.conftest import Found, StartPortal
from tests.faults.live_portal import Answer, Facility, LivePortal, Wire, copy_facility, environment_of, manage
from tests.faults.sizes import times

KIB, MIB = 1024, 1024 * 1024
ROUNDS = times(10, 100)
SIZE, ACKNOWLEDGED, LEFT = 300 * KIB, 100 * KIB, 64 * KIB
pytestmark = [pytest.mark.promise("P9"), pytest.mark.slow]
CAN_MOUNT = os.geteuid() == 0 if hasattr(os, "geteuid") else False
PLANTED = Path(__file__).parent / "planted"
PASSWORD = "correct horse battery staple"

PEOPLE = f"""
from datetime import timedelta
from django.utils import timezone
from portal.models import Dataset, Membership, User
from sharing.links import address_of
from sharing.services.dispatch import make_links
alice, dataset = User.objects.get(), Dataset.objects.get()
alice.set_password("{PASSWORD}")
alice.save()
Membership.objects.create(project=dataset.project, user=alice, role="manager")
now = timezone.now()
(link,) = make_links(
    dataset=dataset, recipients=["rita@university.example"], owner=alice, label="Alice", occasion="hand:1",
    starts_at=now, expires_at=now + timedelta(days=30),
)
print(address_of(link))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that 100 rounds do not fill."""
    if not CAN_MOUNT:
        pytest.skip("only on machines where tests run as root: a small file system is mounted")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture(scope="module")
def style(facility: Facility, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pages need of scripts and styles, gathered once."""
    var = tmp_path_factory.mktemp("style")
    manage(environment_of(var), "collectstatic", "--noinput", "--verbosity", "0")
    return var / "static"


@pytest.fixture(scope="module")
def cache() -> Iterator[str]:
    """The address of a cache elsewhere: without one nobody is let in, because guesses could not be counted."""
    with TemporaryDirectory(prefix="lc") as folder:  # short, as the path of a socket must be
        prepare(Path(folder))
        server = subprocess.Popen(command(Path(folder)))
        try:
            while server.poll() is None and not answers(Path(folder)):
                time.sleep(0.05)
            yield f"unix://{socket_path(Path(folder))}?db=1"
        finally:
            server.kill()
            server.wait()


class Site:
    """A portal on a small disk: Ada's wire, Alice's browser, Rita's link to a released dataset."""

    def __init__(self, portal: LivePortal, disk: Path) -> None:
        self.portal, self.disk, self.wire = portal, disk, Wire(portal)
        self.content = os.urandom(20 * KIB)
        self.dataset = self._released_dataset()
        self.link = portal.manage("shell", "--no-imports", "--command", PEOPLE).strip().splitlines()[-1]
        self.link = f"http://127.0.0.1:{portal.port}/s/" + self.link.rpartition("/")[2]
        self.browser: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def page(self, path: str, **form: str) -> str:
        """What Alice's browser shows; raises HTTPError for an error."""
        address = path if path.startswith("http") else f"http://127.0.0.1:{self.portal.port}{path}"
        with self.browser.open(address, urlencode(form).encode() if form else None, timeout=20) as answer:
            return str(answer.read().decode())

    def log_in(self) -> None:
        form = self.page("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token, form
        self.page("/accounts/login/", csrfmiddlewaretoken=token[1], login="alice@facility.example", password=PASSWORD)

    def check_site(self) -> None:
        """Pages for people, downloads for recipients."""
        assert "Log in" in build_opener().open(f"http://127.0.0.1:{self.portal.port}/accounts/login/").read().decode()
        assert "Released" in self.page(f"/datasets/{self.dataset}/")
        rita = build_opener()
        assert rita.open(f"{self.link}/files/scan.mrc").read() == self.content
        archive = re.search(r'/s/[^"]+/([^"/]+\.zip)', rita.open(self.link).read().decode())
        assert archive, "the link's page names no zip"
        with ZipFile(BytesIO(rita.open(f"{self.link}/{archive[1]}").read())) as zipped:
            (name,) = [name for name in zipped.namelist() if name.endswith("scan.mrc")]
            assert zipped.read(name) == self.content

    def fill(self, left: int = 0) -> Path:
        """A file that takes all room but `left` bytes."""
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(256 * KIB)):
                    pass
            except OSError:
                os.truncate(filler, stream.tell() - left)
                return filler
        raise AssertionError("the disk did not fill up")

    def state_of(self, path: str) -> tuple[object, ...]:
        (row,) = self.portal.query("SELECT state, sha256 FROM portal_datafile WHERE path = ?", path)
        return row

    def _released_dataset(self) -> str:
        made = self._post("/api/v1/datasets", {"client_key": str(uuid4()), "title": "Released"})
        digest = hashlib.sha256(self.content).hexdigest()
        sent = self.wire.create(len(self.content), "scan.mrc", self.content, dataset=made["id"], sha256=digest)
        assert sent.status == 201, sent
        self.portal.manage("verify_files")
        assert self._post(f"/api/v1/datasets/{made['id']}/close", {})["state"] == "released"
        return str(made["id"])

    def _post(self, path: str, document: object) -> Any:
        answer = self.wire("POST", path, json.dumps(document).encode(), Content_Type="application/json")
        assert answer.status in (200, 201), answer
        return json.loads(answer.body)


StartSite = Callable[..., Site]


@pytest.fixture
def start_site(start_portal: StartPortal, small_disk: Path, style: Path, cache: str, tmp_path: Path) -> StartSite:
    (tmp_path / "var" / "static").symlink_to(style)

    def start(*configuration: Path) -> Site:
        folders = {"files": small_disk / "files", "staging": small_disk / "staging"}
        portal = start_portal(*configuration, **folders, cache_url=cache)
        return Site(portal, small_disk)

    return start


def check_refused(answer: Answer) -> None:
    assert answer.status == 507, f"answered {answer.status}"
    message = json.loads(answer.body)["message"]
    assert re.search(r"is full\. .+ room", message), message


class Round:
    """A file whose sending a full disk interrupts."""

    def __init__(self, site: Site, number: int) -> None:
        self.site, self.wire, self.path = site, site.wire, f"scan-{number}.mrc"
        self.data = os.urandom(SIZE)
        self.digest = hashlib.sha256(self.data).hexdigest()
        self.upload = self.wire.start(SIZE, self.path, sha256=self.digest)
        assert self.wire.patch(self.upload, 0, self.data[:ACKNOWLEDGED]).status == 204

    def meet_the_full_disk(self) -> int:
        """How many bytes more it kept."""
        check_refused(self.wire.patch(self.upload, ACKNOWLEDGED, self.data[ACKNOWLEDGED:]))
        kept = self.wire.head(self.upload).offset
        assert ACKNOWLEDGED <= kept < SIZE
        staged = (self.site.disk / "staging" / Path(self.upload).name).read_bytes()
        assert staged[:kept] == self.data[:kept], "what was acknowledged is not on the disk"
        return kept - ACKNOWLEDGED

    def go_on(self) -> None:
        offset = self.wire.head(self.upload).offset
        assert self.wire.patch(self.upload, offset, self.data[offset:]).status == 204


def fill_and_clear(site: Site, rounds: int) -> int:
    """Bytes that were still taken on the way to a full disk."""
    taken = 0
    sent = [Round(site, 0)]
    for number in range(rounds):
        given_up = site.wire.start(10, f"given up {number}")
        filler = site.fill(left=LEFT)
        taken += sent[-1].meet_the_full_disk()
        filler.unlink()
        filler = site.fill()
        check_refused(site.wire.create(5, f"small {number}", b"01234"))
        check_refused(site.wire.create(5, f"small {number}"))
        site.check_site()
        assert site.wire("DELETE", given_up).status == 204
        filler.unlink()
        sent[-1].go_on()
        sent.append(Round(site, number + 1))
    sent[-1].go_on()
    site.portal.manage("verify_files")
    for each in sent:
        assert site.state_of(each.path) == ("verified", each.digest)
    assert site.portal.query("SELECT 1 FROM portal_datafile WHERE path LIKE 'small%' OR path LIKE 'given%'") == []
    return taken


def test_a_full_disk_stops_uploads_and_not_the_site_and_they_go_on_later(start_site: StartSite, found: Found) -> None:
    site = start_site()
    filler = site.fill()
    site.log_in()
    filler.unlink()
    taken = fill_and_clear(site, ROUNDS)
    found(
        f"{ROUNDS} times full: log-in, dataset page, share link (file and zip) and DELETE worked; "
        f"{ROUNDS} uploads refused with 507 and {taken} bytes kept on the way went on to verified"
    )


@pytest.mark.parametrize(
    ("planted", "noticed"),
    [("bytes_beyond_the_disk", "answered 204|not on the disk"), ("full_disk_unknown", "answered 50[03]")],
)
def test_a_full_disk_that_is_met_wrongly_is_noticed(start_site: StartSite, planted: str, noticed: str) -> None:
    site = start_site(PLANTED / f"{planted}.py")
    site.log_in()
    with pytest.raises(AssertionError, match=noticed):
        fill_and_clear(site, 1)


def test_what_cannot_fit_is_refused_before_its_first_byte(start_portal: StartPortal, small_disk: Path) -> None:
    wire = Wire(start_portal(files=small_disk / "files", staging=small_disk / "staging"))
    check_refused(wire.create(64 * MIB, "too large"))
    assert wire.start(30 * MIB, "fits")
    check_refused(wire.create(30 * MIB, "fits no more"))


def test_the_reserve_lets_people_in_though_everything_lies_on_one_disk(
    facility: Facility, small_disk: Path, style: Path, cache: str
) -> None:
    """Database, sessions and files share the disk that uploads fill: what is kept free is for the site."""
    copy_facility(facility, small_disk)
    (small_disk / "static").symlink_to(style)
    portal = LivePortal(small_disk, facility.secret, settings={"min_free_bytes": 12 * MIB, "cache_url": cache})
    try:
        portal.start()
        site = Site(portal, small_disk)
        uploads = fill_with_uploads(site.wire)
        check_refused(site.wire.create(4 * MIB, "one more"))
        site.log_in()
        site.check_site()
        assert site.wire("DELETE", uploads[-1]).status == 204
        assert site.wire.start(3 * MIB, "fits again")
    finally:
        portal.stop()


def fill_with_uploads(wire: Wire) -> list[str]:
    """Unfinished uploads that took all the room there is for files."""
    uploads: list[str] = []
    while (answer := wire.create(4 * MIB, f"scan-{len(uploads)}.mrc")).status == 201:
        uploads.append("/tus/" + answer.headers["location"].rsplit("/", 1)[1])
        assert wire.patch(uploads[-1], 0, bytes(4 * MIB - 1)).status == 204
        assert len(uploads) < 20, "nothing is kept free"
    return uploads
