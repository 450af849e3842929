"""The site's settings, with a queue that spawns."""

from whisperx_site.settings import *  # noqa: F403
from whisperx_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.site.spawned.apps.SpawnedConfig"]
