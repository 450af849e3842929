"""Who may use the site."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Keys for scripts; people are Django's own users."""

    name = "whisperx_site.accounts"
    label = "accounts"
    verbose_name = "Access"
