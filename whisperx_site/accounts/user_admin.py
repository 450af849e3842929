"""Users and groups in the admin: Django's own, but only superusers give permissions.

It also shows what is deleted with a user.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from uploads.errors import UploadError
from uploads.services.maintenance.owners import holdings_of

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

User = get_user_model()
admin.site.unregister([User, Group])


@admin.register(User)
class PeopleAdmin(UserAdmin):  # type: ignore[type-arg]
    """Deleting a user deletes their recordings, whose number is shown before.

    Staff who may change users must not gain permissions by it: only superusers give permissions,
        and change or delete other staff, because setting a password gives access to all that a user
        may do.
    """

    def get_readonly_fields(
        self, request: HttpRequest, obj: AbstractBaseUser | None = None
    ) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else [*fields, *RIGHTS]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_steer(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_steer(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Adds the recordings as a number, as there may be thousands."""
        listed, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        count, size = holdings_of([user.pk for user in objs])
        if count:
            name = f"recordings with their transcripts ({filesizeformat(size)})"
            listed = [*listed, f"{count} {name}"]
            counts = {**counts, name: count}
        return listed, counts, forbidden, protected

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuses if the recordings can't be removed now."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except UploadError as refusal:
            return self.refused(request, refusal)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The same for the action that deletes several users."""
        try:
            if request.method != "POST":
                return super().changelist_view(request, extra_context)
            with transaction.atomic():  # includes the admin's log entries
                return super().changelist_view(request, extra_context)
        except UploadError as refusal:
            return self.refused(request, refusal)

    def refused(self, request: HttpRequest, refusal: UploadError) -> HttpResponse:
        self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:auth_user_changelist"))


@admin.register(Group)
class RightsAdmin(GroupAdmin):
    """Only superusers change groups: their members get the group's permissions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


def may_steer(request: HttpRequest, user: Any) -> bool:
    """Whether it is the user themselves, no staff user, or the request is a superuser's."""
    return is_superuser(request) or user is None or not user.is_staff or user == request.user


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
