"""The site as a Django app: its commands and checks."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "whisperx_site"
    verbose_name = "Site"

    def ready(self) -> None:
        from whisperx_site import checks  # noqa: F401  (registers itself)
