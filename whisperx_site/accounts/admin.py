"""Keys in the admin: made here, shown once, deleted to revoke."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from whisperx_site.accounts import user_admin  # noqa: F401  (registers itself)
from whisperx_site.accounts.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Makes keys; the secret appears once, in the message after saving."""

    list_display = ("name", "user", "start", "created", "last_used", "expires")
    list_filter = ("user",)
    fields = ("name", "user", "expires", "start", "created", "last_used")
    readonly_fields = ("start", "created", "last_used")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """A new key is one's own unless said otherwise."""
        return {"user": str(request.user.pk)}

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Show a new key's secret to the person who made it."""
        if not change:
            secret = obj.renew_secret()
            messages.success(request, f"The key, shown only now: {secret}")
        super().save_model(request, obj, form, change)
