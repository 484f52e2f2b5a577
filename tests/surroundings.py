"""Loaded before Django reads its settings (``-p tests.surroundings``): a run-time folder of its own, no broker."""

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="labcourier-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["LABCOURIER_VAR"] = _folder
os.environ["LABCOURIER_BROKER_URL"] = "memory://"
os.environ["LABCOURIER_MIN_FREE_BYTES"] = "1"
