"""Users in the admin: Django's own, which also tells what goes with one who is deleted."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from uploads.errors import UploadError
from uploads.services.owners import holdings_of

User = get_user_model()
admin.site.unregister(User)


@admin.register(User)
class PeopleAdmin(UserAdmin):  # type: ignore[type-arg]
    """Deletes users with their recordings, which staff see counted before they confirm."""

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
