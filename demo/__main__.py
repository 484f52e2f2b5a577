"""``python -m demo [--port 8000] [--data FOLDER] [--once]``: the main job, done for real and checked step by step.

Starts the portal, makes a facility, lets the agent send what a simulated microscope writes (or FOLDER), and follows
the data until they are in the recipient's hands and the audit tells of it. Writes ``var/demo.json``.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from demo import handover
from demo.acquisition import RECIPIENT, Instrument
from demo.checklist import Checklist, StepFailed, require
from demo.microscope import MARKER
from demo.visitor import Visitor
from deploy.one_machine import CannotStart, listen_to_stop_signals, portal_running, wait_for_end
from deploy.program_group import ProgramGroup, StartFailed
from portal.config import ROOT, load_config

TITLE = "Mouse kidney, mosaic and stacks"


class Demo:
    """One run of the demo: where it keeps things, and what it learned so far (the content of ``var/demo.json``)."""

    def __init__(self, port: int, var: Path, data: Path | None) -> None:
        self.port, self.var, self.data = port, var, data
        self.portal = f"http://127.0.0.1:{port}"
        self.known: dict[str, Any] = {"portal": self.portal, "tus_endpoint": f"{self.portal}/tus/"}
        self.checklist = Checklist()
        self.began = time.time()
        self.folder = var / "demo" / datetime.now(UTC).strftime("%Y-%m-%d_%H.%M.%S")
        self.file = var / "demo.json"
        shutil.rmtree(var / "demo", ignore_errors=True)

    @contextmanager
    def running_portal(self) -> Iterator[ProgramGroup]:
        """The portal with mail going to files and its own address in links, whatever else is set."""
        settings = {"LABCOURIER_URL": self.portal, "LABCOURIER_EMAIL_URL": ""}
        with portal_running(self.port, var=self.var, log_folder=self.var / "log", settings=settings) as group:
            with self.checklist.step("The portal runs") as told:
                told.append(f"The portal runs at {self.portal}: {', '.join(group.running)}.")
            yield group

    def make_facility(self) -> None:
        with self.checklist.step("Make a facility") as told:
            command = [sys.executable, "-m", "demo.facility", str(self.file)]
            environment = {**os.environ, "LABCOURIER_VAR": str(self.var)}
            outcome = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=False)
            require(outcome.returncode == 0, "it could not be made; the reason stands above")
            self.known |= json.loads(outcome.stdout)
            told.append("A facility exists: a project, an instrument with its upload token, Alice, Bob and Sam.")

    def send(self) -> None:
        instrument = Instrument(home=self.var / "demo" / "agent", log=self.var / "log" / "agent.log")
        with self.checklist.step("Connect the agent") as told:
            instrument.connect(self.portal, self.known["upload_token"])
            told.append("The agent on the instrument PC is connected.")
        with self.checklist.step("Send and verify the files") as told:
            if self.data:
                report = instrument.send(self.data, self.data.resolve().name)
            else:
                report = instrument.send_while_acquiring(self.sent_folder, TITLE)
            megabytes, source = report["bytes"] / 1e6, "your folder" if self.data else "the microscope"
            told.append(f"{report['files']} files ({megabytes:.1f} MB) from {source} arrived,")
            told.append("and the portal read every byte back and verified it.")
        self.known |= {"dataset": report["dataset"]["id"], "dataset_name": report["dataset"]["name"]}
        self.known |= {"dataset_url": report["dataset"]["url"], "files": report["files"]}

    @property
    def sent_folder(self) -> Path:
        return self.data or self.folder / "acquisition"

    def hand_over(self) -> None:
        with self.checklist.step("Mail the recipient") as told:
            mails = self.var / "mail"
            mail = handover.mail_to(RECIPIENT, mails, after=self.began, dataset=self.known["dataset_name"])
            self.known["share_link"] = handover.link_in(mail, self.portal)
            told.append(f"The dataset is released, and Rita has her mail: “{mail['Subject']}”.")
        with self.checklist.step("Fetch the zip with curl") as told:
            archive = self.folder / "received.zip"
            size = handover.fetch(handover.zip_address(self.known["share_link"]), archive)
            told.append(f"curl fetched the zip behind Rita's link: {size} bytes, as announced.")
        with self.checklist.step("Check it with sha256sum -c") as told:
            received = handover.unpack(archive, self.folder / "received")
            files = handover.check_sums(received)
            require(files == self.known["files"], f"the manifest names {files} files, {self.known['files']} were sent")
            handover.same_as_sent(received, self.sent_folder, {MARKER})
            told.append(f"sha256sum -c: all {files} files are what the instrument wrote.")

    def look_at_the_audit(self) -> None:
        with self.checklist.step("Read the audit as staff") as told:
            sam = Visitor()
            sam.log_in(self.portal, self.known["logins"]["staff"])
            query = urlencode({"dataset": self.known["dataset_name"]})
            page = sam.read(f"{self.portal}/staff/audit/?{query}")
            require(self.known["dataset_name"] in page, "the audit does not name the dataset")
            require(RECIPIENT in page, f"the audit does not name {RECIPIENT}")
            told.append("The audit shows it to Sam: what came, what was handed over, who took it.")

    def write_down(self) -> None:
        """``var/demo.json``, readable by its owner alone: it holds passwords and a token."""
        draft = self.file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self.known, indent=2, ensure_ascii=False) + "\n")
        draft.replace(self.file)

    def tell(self) -> None:
        print(f"\n  Portal     {self.portal}")
        for role, (address, password) in self.known["logins"].items():
            print(f"  {role:<10} {address}   password {password}")
        print(f"  Dataset    {self.known['dataset_url']}")
        print(f"  Rita's link  {self.known['share_link']}")
        print(f"  Mails      {self.var / 'mail'}   (all of this: {self.file})", flush=True)


def run(demo: Demo, *, once: bool) -> int:
    with demo.running_portal() as group:
        programs = {name: process.pid for name, process in group.running.items()}
        demo.make_facility()
        demo.send()
        demo.hand_over()
        demo.look_at_the_audit()
        demo.write_down()
        demo.tell()
        if not once:
            print("\nLook around; Ctrl-C stops everything.\n", flush=True)
            raise StepFailed(f"{wait_for_end(group)} ended by itself; see {demo.var / 'log'}")
    with demo.checklist.step("Stop everything") as told:
        left = [name for name, session in programs.items() if _session_lives(session)]
        require(not left, f"still running: {', '.join(left)}")
        told.append("Everything is stopped, nothing is left running.")
    return 0


def _session_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Do the main job for real, on this machine.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, help="send this folder instead of simulated images")
    parser.add_argument("--once", action="store_true", help="stop after the last step")
    arguments = parser.parse_args()
    if arguments.data and not arguments.data.is_dir():
        parser.error(f"{arguments.data} is no folder")
    listen_to_stop_signals()
    try:
        return run(Demo(arguments.port, load_config().var.resolve(), arguments.data), once=arguments.once)
    except (CannotStart, StartFailed, StepFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
        return 1 if arguments.once else 0


if __name__ == "__main__":
    sys.exit(main())
