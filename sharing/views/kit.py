"""Commands for programs, which can be pasted as they are; each goes on where it was when it is run again."""

import shlex
from typing import Any


def machine_kit(zip_name: str, folder: str, manifest_path: str, address: str) -> dict[str, Any]:
    """`zip_name` is what the file will be called, `folder` what it unpacks to."""
    url, name, quoted_folder = shlex.quote(address), shlex.quote(f"{zip_name}.zip"), shlex.quote(folder)
    check = f"unzip {name} && cd {quoted_folder} && sha256sum -c {shlex.quote(manifest_path)}"
    named = f"-O {name} " if "?" in address else ""
    return {
        "kit": [
            {"id": "kit-wget", "name": "wget", "text": f"wget -c {named}{url}"},
            {
                "id": "kit-curl",
                "name": "curl",
                "text": f"curl -f -C - -o {name} {url}" if named else f"curl -f -C - -O {url}",
            },
            {"id": "kit-check", "name": "Check every file afterwards", "text": check},
        ],
        "more_kit": [
            {
                "id": "kit-aria2",
                "name": "aria2, four connections at once",
                "text": f"aria2c -c -x 4 {f'-o {name} ' if named else ''}{url}",
            },
            {
                "id": "kit-rclone",
                "name": "rclone, straight to storage of yours called “remote”",
                "text": f"rclone copyurl {url} remote:{name}",
            },
        ],
    }
