"""`labcourier` of a person who logged in, and of one whose link has terms, against the real server with its cache."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.test_get import Rita
from tests.sharing.handover import Handover, handed_over, with_cache

SIZES = {f"small/tile {number}.dat": 700 + number for number in range(30)} | {"größe/movie.mrc": 6_000_000}
ALICE = """
from datetime import timedelta
from django.utils import timezone
from portal.actors import Actor
from portal.models import Membership, Project, User
from portal.services.access_tokens import make_access_token
alice = User.objects.create_user("alice@facility.example")
Membership.objects.create(project=Project.objects.get(), user=alice, role="manager")
year, now = timedelta(days=365), timezone.now()
print(make_access_token(actor=Actor.of_user(alice), label="laptop", scope="share", lifetime=year, now=now)[1])
"""
LOCK = """
from django.contrib.auth.hashers import make_password
from sharing.models import ShareLink
ShareLink.objects.update(password_hash=make_password("grüne Wiese"))
"""


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    var = tmp_path_factory.mktemp("portal")
    with handed_over(var, SIZES) as handover, with_cache(handover):
        yield handover


@pytest.fixture
def handover(handed: Handover) -> Handover:
    """As if nothing had been taken yet."""
    handed.forget()
    handed.change(
        "update sharing_sharelink set state = 'not_opened', files_complete = 0, files_verified = 0,"
        " completed_at = null, verified_at = null, downloads = 0, file_rounds = 0"
    )
    return handed


@pytest.fixture
def rita(handover: Handover, tmp_path: Path) -> Rita:
    return Rita(tmp_path, handover.url(handover.address))


@pytest.fixture(scope="module")
def access_token(handed: Handover) -> str:
    """Of Alice, who manages the project."""
    return handed.portal.manage("shell", "--no-imports", "--command", ALICE).strip()


def test_a_person_logs_in_lists_fetches_and_shares(rita: Rita, handover: Handover, access_token: str) -> None:
    url = handover.url("")
    wrong = rita.run("login", url, "--token", "lcp_" + "x" * 43)
    assert (wrong.returncode, "not known" in wrong.stderr) == (4, True)
    assert "alice@" in rita.run("login", url, "--token", access_token).stdout
    assert access_token not in "".join(path.name for path in rita.home.rglob("*"))
    projects = json.loads(rita.run("ls", "--projects", "--json").stdout)["projects"]
    assert projects == [{"code": "em", "name": "Electron microscopy", "role": "manager"}]
    (dataset,) = json.loads(rita.run("ls", "--project", "em", "--json").stdout)["datasets"]
    assert (dataset["name"], dataset["files"]) == ("session", len(SIZES))
    listed = csv.DictReader(io.StringIO(rita.run("ls", "session").stdout))
    assert {row["path"]: int(row["size"]) for row in listed} == SIZES
    own = Rita(rita.home, dataset["url"])
    fetched = own.get("--exclude", "small/tile 1.dat")
    assert (fetched["verified"], fetched["told"], fetched["exit_code"]) == (len(SIZES) - 1, 0, 0)
    assert handover.link_state() == "not_opened"
    told = rita.run("share", "session", "--to", "chen@lab.example", "--days", "2", "--max-downloads", "1")
    assert (told.returncode, "chen@lab.example: a link to session" in told.stdout) == (0, True), told.stderr
    terms = handover.portal.query("select most_downloads from sharing_sharelink where recipient = 'chen@lab.example'")
    handover.change("delete from sharing_sharelink where recipient = 'chen@lab.example'")
    assert terms == [(1,)]
    assert rita.run("logout").returncode == 0
    assert rita.run("ls", "--projects").returncode == 2


def test_a_link_with_a_password_says_what_to_do_and_opens_with_it(rita: Rita, handover: Handover) -> None:
    handover.portal.manage("shell", "--no-imports", "--command", LOCK)
    file = rita.home / "password"
    try:
        silent = rita.run("get", rita.link, str(rita.dest), "--include", "größe")
        assert (silent.returncode, "--password-file" in silent.stderr) == (4, True)
        file.write_text("wrong\n")
        assert "not the link's password" in rita.run("ls", rita.link, "--password-file", str(file)).stderr
        file.write_text("grüne Wiese\n")
        fetched = rita.get("--include", "größe", "--password-file", str(file))
        assert (fetched["verified"], fetched["told"]) == (1, 1)
    finally:
        handover.change("update sharing_sharelink set password_hash = ''")


def test_a_link_that_is_used_up_or_closed_to_programs_ends_the_run_with_the_reason(
    rita: Rita, handover: Handover
) -> None:
    handover.change("update sharing_sharelink set most_downloads = 1, downloads = 1")
    told = rita.get("--include", "größe")
    assert (told["exit_code"], told["verified"]) == (4, 0)
    assert "used up" in told["error"]
    handover.change("update sharing_sharelink set most_downloads = null, ways = '[\"zip\"]'")
    told = rita.get("--include", "größe")
    handover.change('update sharing_sharelink set downloads = 0, ways = \'["zip", "files", "copy", "push"]\'')
    assert (told["exit_code"], told["verified"]) == (4, 0)
    assert "as a zip" in told["error"]
