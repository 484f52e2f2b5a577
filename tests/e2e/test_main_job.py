"""From the instrument's folder into the recipient's hands, through the real agent, server, worker, mail and curl."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

from demo import handover
from demo.visitor import Visitor
from tests.e2e.running import Agent, Portal

RITA = "rita@example.org"


def files_of_all_kinds(folder: Path) -> int:
    """Nested, empty, large enough for several pieces of a read, and named as people name files."""
    contents = {
        "run.log": b"",
        "Übersicht Probe n° 1.tif": os.urandom(70_000),
        "stacks/position 01/stack.tif": os.urandom(3_000_000),
        "stacks/position 02/stack.tif": os.urandom(1),
        "notes (copy).txt": "naïve café\n".encode(),
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return len(contents)


def test_files_arrive_are_verified_mailed_fetched_and_audited(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    began, folder = time.time(), tmp_path / "run 7"
    count = files_of_all_kinds(folder)

    sent = ada.run("send", str(folder), "--title", "Run 7", "--to", RITA, "--json")
    assert sent.returncode == 0, sent.stderr
    report = json.loads(sent.stdout)
    assert (report["files"], report["verified"], report["failed"]) == (count, count, [])

    mail = handover.mail_to(RITA, portal.var / "mail", after=began, dataset=report["dataset"]["name"])
    link = handover.link_in(mail, portal.address)
    archive = tmp_path / "received.zip"
    handover.fetch(handover.zip_address(link), archive)
    received = handover.unpack(archive, tmp_path / "received")
    assert handover.check_sums(received) == count
    handover.same_as_sent(received, folder, set())

    sam = Visitor()
    sam.log_in(portal.address, portal.facility["logins"]["staff"])
    audit = sam.read(f"{portal.address}/staff/audit/?dataset={report['dataset']['name']}")
    assert RITA in audit
    assert RITA in sam.read(report["dataset"]["url"])


def test_agent_killed_in_the_middle_sends_only_what_is_missing(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.dat").write_bytes(os.urandom(9_000_000))  # too large for a bundle
    of_this = "FROM uploads_upload u JOIN portal_dataset d ON d.id = u.dataset_id WHERE d.title = 'Killed'"
    command = ("send", str(folder), "--title", "Killed", "--to", RITA, "--json")

    agent = ada.start(*command, "--bwlimit", "60M")  # so that it is not done before it can be killed
    deadline = time.monotonic() + 120
    while portal.count(f"SELECT count(*) {of_this} AND u.state = 'finished'") < 10:
        assert time.monotonic() < deadline, ada.log.read_text()
        assert agent.poll() is None, "the agent was done before it could be killed"
        time.sleep(0.02)
    agent.kill()
    agent.communicate()

    outcome = ada.run(*command)
    assert outcome.returncode == 0, outcome.stderr
    report = json.loads(outcome.stdout)
    assert (report["dataset"]["state"], report["verified"]) == ("released", 40)
    transfers = 4  # at most these were on their way and may have begun anew
    assert portal.count(f"SELECT count(*) {of_this}") <= 40 + transfers


def test_web_processes_killed_in_the_middle_cost_nothing(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "large.dat").write_bytes(os.urandom(300_000_000))
    agent = ada.start("send", str(folder), "--title", "Through it all", "--to", RITA, "--json")
    web = psutil.Process(portal.programs.running["web"].pid)
    for _ in range(3):
        time.sleep(0.7)
        for worker in web.children():
            with suppress(psutil.NoSuchProcess):
                worker.kill()
    output, _ = agent.communicate(timeout=400)
    assert agent.returncode == 0, ada.log.read_text()
    report = json.loads(output)
    assert (report["dataset"]["state"], report["verified"]) == ("released", 1)


def test_unknown_token_is_refused_in_a_sentence(portal: Portal, tmp_path: Path) -> None:
    outcome = Agent(tmp_path / "agent", tmp_path / "log").connect(portal.address, "lcu_" + "x" * 43)
    assert outcome.returncode == 4
    assert "token" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not list((tmp_path / "agent").glob("*.toml"))


def test_nothing_secret_is_in_the_logs(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    began, folder = time.time(), tmp_path / "secret"
    files_of_all_kinds(folder)
    report = json.loads(ada.run("send", str(folder), "--title", "Secret", "--to", RITA, "--json").stdout)
    mail = handover.mail_to(RITA, portal.var / "mail", after=began, dataset=report["dataset"]["name"])
    link = handover.link_in(mail, portal.address)
    Visitor().read(link)
    passwords = [password for _email, password in portal.facility["logins"].values()]
    secrets = [link.rpartition("/")[2], portal.facility["upload_token"], *passwords]
    logs = {path.name: path.read_text(errors="replace") for path in (portal.var / "log").glob("*.log")}
    assert "/s/…" in logs["web.log"]
    assert [(name, secret) for name, text in logs.items() for secret in secrets if secret in text] == []


def test_the_portal_hears_its_own_worker_and_scheduler(portal: Portal) -> None:
    until = time.monotonic() + 120
    told: dict[str, object] = {}
    while (told.get("worker"), told.get("scheduler")) != ("ok", "ok") and time.monotonic() < until:
        told = json.loads(Visitor().read(f"{portal.address}/readyz"))
        time.sleep(0.2)
    assert (told["worker"], told["scheduler"]) == ("ok", "ok")
