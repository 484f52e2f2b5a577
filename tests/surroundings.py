"""Loaded before Django reads its settings (``-p tests.surroundings``): a run-time folder of its own, no broker."""

import os
import tempfile

os.environ["LABCOURIER_VAR"] = tempfile.mkdtemp(prefix="labcourier-tests-")
os.environ["LABCOURIER_BROKER_URL"] = "memory://"
os.environ["LABCOURIER_MIN_FREE_BYTES"] = "1"
