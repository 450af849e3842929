"""A test-only app: every process of a cluster starts by spawn, as on Windows."""

import multiprocessing

from django.apps import AppConfig


class SpawnedConfig(AppConfig):
    name = "tests.site.spawned"
    label = "spawned"

    def ready(self) -> None:
        from django_q import cluster

        multiprocessing.set_start_method("spawn", force=True)
        cluster.get_mp_context = lambda: multiprocessing.get_context("spawn")
