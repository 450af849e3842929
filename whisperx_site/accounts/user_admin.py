"""Users and groups in the admin: Django's own, but rights are given by superusers alone.

It also tells what goes with a user who is deleted.
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
    """Deletes users with their recordings, which staff see counted before they confirm.

    Who may change users must not make of it more than that: superusers alone give rights, and
    change or delete other staff, whose password would open all that they may do.
    """

    def get_readonly_fields(
        self, request: HttpRequest, obj: AbstractBaseUser | None = None
    ) -> list[str]:
        """Rights are for superusers to give."""
        fields = list(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else [*fields, *RIGHTS]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of another staff user, superusers alone."""
        return super().has_change_permission(request, obj) and may_steer(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of another staff user, superusers alone."""
        return super().has_delete_permission(request, obj) and may_steer(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """What Django finds, and the recordings: a number, as there may be thousands of them."""
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
        """One user, unless the recordings cannot be removed now."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except UploadError as refusal:
            return self.refused(request, refusal)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, whose action deletes several; the same holds for each of them."""
        try:
            if request.method != "POST":
                return super().changelist_view(request, extra_context)
            with transaction.atomic():  # the log of what staff did, too
                return super().changelist_view(request, extra_context)
        except UploadError as refusal:
            return self.refused(request, refusal)

    def refused(self, request: HttpRequest, refusal: UploadError) -> HttpResponse:
        """Say why nothing was deleted."""
        self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:auth_user_changelist"))


@admin.register(Group)
class RightsAdmin(GroupAdmin):
    """What is put into a group, all its members may do: superusers alone change groups."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers."""
        return is_superuser(request)


def may_steer(request: HttpRequest, user: Any) -> bool:
    """Whether this is no staff user but the one who asks, or a superuser asks."""
    return is_superuser(request) or user is None or not user.is_staff or user == request.user


def is_superuser(request: HttpRequest) -> bool:
    """Whether everything is allowed to who asks."""
    return bool(getattr(request.user, "is_superuser", False))
