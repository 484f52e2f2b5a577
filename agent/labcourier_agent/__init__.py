"""The Labcourier agent: sends instrument data to a portal, in parallel, resumable, verified."""

from importlib.metadata import version

__version__ = version("labcourier-agent")
