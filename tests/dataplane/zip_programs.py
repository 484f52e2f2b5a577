"""The programs that people open a zip with: unzip, 7z, bsdtar, Python."""

import subprocess
from pathlib import Path

EXTRACT = {
    "unzip": ["unzip", "-q", "-o", "{zip}", "-d", "{target}"],
    "7z": ["7z", "x", "-y", "-bso0", "-bsp0", "-o{target}", "{zip}"],
    "bsdtar": ["bsdtar", "-x", "-f", "{zip}", "-C", "{target}"],
    "python": ["python3", "-m", "zipfile", "-e", "{zip}", "{target}"],
}
CHECK = {
    "unzip": ["unzip", "-tqq", "{zip}"],
    "7z": ["7z", "t", "-bso0", "-bsp0", "{zip}"],
    "bsdtar": ["bsdtar", "-x", "-O", "-f", "{zip}"],
    "python": ["python3", "-m", "zipfile", "-t", "{zip}"],
}
LIST = {
    "unzip": ["unzip", "-l", "{zip}"],
    "7z": ["7z", "l", "{zip}"],
    "bsdtar": ["bsdtar", "-tvf", "{zip}"],
    "python": ["python3", "-m", "zipfile", "-l", "{zip}"],
}


def extract(program: str, content: bytes, room: Path) -> Path:
    """The folder that it was unpacked to."""
    archive, target = room / "data.zip", room / "inside"
    archive.write_bytes(content)
    target.mkdir()
    run(EXTRACT[program], archive, target)
    return target


def run(command: list[str], archive: Path, target: Path | None = None) -> str:
    """What it printed, but for what it found in the zip; fails as it does."""
    line = [part.format(zip=archive, target=target) for part in command]
    taken = subprocess.DEVNULL if "-O" in command else subprocess.PIPE
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(line, stdout=taken, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout or ""


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
