"""A worst-case disk beside the real one: what was not flushed, and names whose folder was not, are gone after a crash.

Recorded from inside the process that writes. Data counts as durable as it was at the file's last fdatasync, a folder's
names as they were at the folder's. The database is believed: SQLite flushes for itself (`synchronous=FULL`).
"""

import json
import os
import shutil
import stat
from pathlib import Path


class WorstCaseDisk:
    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._roots: tuple[Path, ...] = ()
        self._held: list[int] = []  # open, so that no inode number is used twice

    def begin(self, *roots: Path) -> None:
        """Everything that lies in the folders now is durable."""
        self._memory.mkdir()
        self._roots = roots
        self.flushed_all()

    def flushed_all(self) -> None:
        """To be told after a flush of the file system."""
        for root in self._roots:
            for folder, _, names in os.walk(root):
                self._remember_folder(Path(folder))
                for name in names:
                    self._held.append(os.open(Path(folder, name), os.O_RDONLY))
                    self._remember_file(Path(folder, name))

    def flushed(self, descriptor: int) -> None:
        """To be told after each fsync or fdatasync."""
        self._held.append(os.dup(descriptor))
        path = Path(f"/proc/self/fd/{descriptor}")
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._remember_folder(path)
        else:
            self._remember_file(path)

    def after_power_loss(self, root: Path) -> None:
        """Makes the folder what the disk would have kept of it."""
        kept = root.with_name(f"{root.name}.kept")
        self._rebuild(root.stat().st_ino, kept)
        shutil.rmtree(root)
        kept.rename(root)

    def _remember_folder(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            names = {entry.name: [entry.inode(), entry.is_dir()] for entry in entries}
        (self._memory / f"folder-{folder.stat().st_ino}").write_text(json.dumps(names))

    def _remember_file(self, path: Path) -> None:
        shutil.copyfile(path, self._memory / f"file-{path.stat().st_ino}")

    def _rebuild(self, inode: int, target: Path) -> None:
        target.mkdir()
        names = self._memory / f"folder-{inode}"
        entries = json.loads(names.read_text()) if names.exists() else {}
        for name, (number, is_folder) in entries.items():
            if is_folder:
                self._rebuild(number, target / name)
            elif (content := self._memory / f"file-{number}").exists():
                shutil.copyfile(content, target / name)
            else:
                (target / name).touch()
