"""The main job, done for real on this machine: ``make demo`` (see ``demo/__main__.py``)."""
