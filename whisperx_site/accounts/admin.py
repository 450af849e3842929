"""API keys in the admin: created here, shown once, deleted to revoke."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from whisperx_site.accounts.models import ApiKey
from whisperx_site.accounts.user_admin import is_superuser


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The secret of a new key appears once, in the message after saving.

    A key acts as its user, so staff see, create and revoke their own keys, superusers all keys.
    """

    list_display = ("name", "user", "start", "created", "last_used", "expires")
    fields = ("name", "user", "expires", "start", "created", "last_used")
    readonly_fields = ("start", "created", "last_used")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """The keys that this user may see."""
        keys = super().get_queryset(request)
        return keys if is_superuser(request) else keys.filter(user=request.user.pk)

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("user",) if is_superuser(request) else ()

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        chosen = () if is_superuser(request) else ("user",)
        return (*self.readonly_fields, *chosen)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """The current user is the default."""
        return {"user": str(request.user.pk)}

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Shows the secret of a new key."""
        if not is_superuser(request):
            obj.user = cast(User, request.user)
        if not change:
            secret = obj.renew_secret()
            messages.success(request, f"The key, shown only now: {secret}")
        super().save_model(request, obj, form, change)
