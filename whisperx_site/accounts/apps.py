"""Access to the site."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """API keys for scripts; users are Django's own."""

    name = "whisperx_site.accounts"
    label = "accounts"
    verbose_name = "Access"
