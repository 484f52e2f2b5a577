"""``make agent-binary``: the agent as one executable file for the system it is built on, tried before it is praised."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "agent" / "packaging" / "labcourier.spec"
FOLDER = ROOT / "var" / "agent"
WORK = ROOT / "var" / "agent-build"
STARTS = 5


def main() -> int:
    build()
    binary = FOLDER / ("labcourier.exe" if sys.platform == "win32" else "labcourier")
    try_out(binary)
    size, seconds = binary.stat().st_size, start_time(binary)
    print(f"{binary.relative_to(ROOT)}: {size / 1e6:.1f} MB, starts in {seconds:.2f} s (median of {STARTS})")
    return 0


def build() -> None:
    print("Building the executable file ...", flush=True)
    places = ["--distpath", str(FOLDER), "--workpath", str(WORK)]
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", *places, str(SPEC)]
    subprocess.run(command, check=True, cwd=ROOT)


def try_out(binary: Path) -> None:
    """It knows its version, and all it needs to look through a folder is inside. Errors: SystemExit with a sentence."""
    with tempfile.TemporaryDirectory() as folder:
        home, data = Path(folder, "home"), Path(folder, "data")
        home.mkdir()
        data.mkdir()
        Path(data, "größe.tif").write_bytes(b"four")
        portal = {"name": "A", "url": "https://portal.example.org", "token": "lcu_none", "project": "A"}
        Path(home, "portals.json").write_text(json.dumps({"default": "A", "portals": [portal]}))
        version = _run(binary, home, "version").strip()
        found = json.loads(_run(binary, home, "send", str(data), "--dry-run", "--json"))
        unit = _run(binary, home, "service", "install", "--dry-run")
    if not version or (found["files"], found["bytes"]) != (1, 4) or str(binary.resolve()) not in unit:
        raise SystemExit(f"{binary} does not work: version {version!r}, found {found}, service {unit!r}.")


def start_time(binary: Path) -> float:
    """Seconds from the call to the end of `version`."""
    durations = []
    for _ in range(STARTS):
        began = time.perf_counter()
        _run(binary, Path(tempfile.gettempdir()), "version")
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)


def _run(binary: Path, home: Path, *arguments: str) -> str:
    """Without anything of this Python around it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["LABCOURIER_HOME"] = str(home)
    done = subprocess.run(
        [binary, *arguments], env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"`{binary} {' '.join(arguments)}` ended with {done.returncode}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
