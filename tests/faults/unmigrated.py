"""The portal's settings for ``migrate --run-syncdb``: tables as the models say, in a tenth of the time."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS

MIGRATION_MODULES = {name.rpartition(".")[2]: None for name in INSTALLED_APPS}
