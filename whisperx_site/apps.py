"""The site as a Django app: its commands and checks."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SiteConfig(AppConfig):
    name = "whisperx_site"
    verbose_name = "Site"

    def ready(self) -> None:
        from whisperx_site import checks  # noqa: F401  (registers itself)


class SiteAdminConfig(AdminConfig):
    """Django's admin, with this site's front page."""

    default_site = "whisperx_site.overview.admin_site.TranscriptsAdminSite"
