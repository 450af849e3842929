"""Shared by the admin pages: read-only rows, actions that ask first, long texts."""

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from uploads.services.error_mapping import is_disk_full

logger = logging.getLogger(__name__)

MOST_NAMED = 20  # rows that the confirmation page lists by name
LONGEST_IN_LIST = 160  # characters of a text in a list


@dataclass(frozen=True)
class Question:
    """What staff confirm before an action runs.

    Attributes:
        title: The question.
        consequences: Sentences that say what will be lost.
        button: The label of the button that confirms.
    """

    title: str
    consequences: Sequence[str]
    button: str


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are read-only here; changes are made by actions."""

    empty_value_display = "–"
    # Counts all rows once more for each search; a million take a third of a second.
    show_full_result_count = False
    change_form_template = "uploads/admin_row.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Normalises the search text: file names are stored with composed letters (NFC)."""
        said = unicodedata.normalize("NFC", search_term)
        return super().get_search_results(request, queryset, said)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Adds the list's actions as buttons."""
        buttons = [
            (name, action[2])
            for name, action in self.get_actions(request).items()
            if action and name != "delete_selected"
        ]
        more = {"buttons": buttons, "selected": ACTION_CHECKBOX_NAME, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, more)

    def can_view(self, request: HttpRequest, model: type[Model]) -> bool:
        """Whether this user may open rows of this model."""
        if not self.admin_site.is_registered(model):
            return False
        return self.admin_site.get_model_admin(model).has_view_permission(request)

    def is_agreed(self, request: HttpRequest, count: int) -> bool:
        """Whether the user confirmed, and confirmed at least as many rows as there are now.

        A selection of "all" may have grown since the page was shown.
        """
        agreed = request.POST.get("agreed", "")
        return agreed.isdecimal() and len(agreed) < 10 and count <= int(agreed)

    def ask(
        self,
        request: HttpRequest,
        action: str,
        queryset: QuerySet[Any],
        question: Question,
        affected: QuerySet[Any] | None = None,
        **context: Any,
    ) -> TemplateResponse:
        """The confirmation page for an action.

        Args:
            request: The request that chose the action.
            action: Its name.
            queryset: All selected rows.
            question: What to ask.
            affected: The rows that the action applies to, which the page names; None: all.
            **context: More for the template; `template` is another template.
        """
        rows = queryset if affected is None else affected
        template = context.pop("template", "uploads/admin_question.html")
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": question.title,
                "question": question,
                "action": action,
                "named": [short(str(row)) for row in rows[:MOST_NAMED]],
                "more": max(0, rows.count() - MOST_NAMED),
                "count": queryset.count(),
                "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "across": request.POST.get("select_across", "0"),
                **context,
            },
        )

    def note(
        self, request: HttpRequest, row: Model, what: str, flag: int = CHANGE, name: str = ""
    ) -> None:
        """Records who did what to a row, in the admin's history.

        The change is already made, so a full disk that can't store the note is only logged.

        Args:
            request: The request of the user who did it.
            row: The row; it may be deleted by now.
            what: A sentence.
            flag: A flag of `LogEntry`.
            name: The row's name; empty: `str(row)`.
        """
        try:
            LogEntry.objects.create(
                user_id=cast(int, request.user.pk),  # the admin requires a login
                content_type=ContentType.objects.get_for_model(type(row)),
                object_id=row.pk and str(row.pk),
                object_repr=(name or str(row))[:200],
                action_flag=flag,
                change_message=what,
            )
        except DatabaseError as problem:
            if not is_disk_full(problem):
                raise
            logger.warning("the disk is full: %s did this to %s: %s", request.user, row.pk, what)


def short(text: str) -> str:
    """Shortens a long text in the middle, because file names differ at their ends."""
    if len(text) <= LONGEST_IN_LIST:
        return text
    tail = LONGEST_IN_LIST // 4
    return f"{text[: LONGEST_IN_LIST - tail - 1]}…{text[-tail:]}"


def wrapped(text: str) -> SafeString:
    """A table cell that may break anywhere; the full text is its title."""
    return format_html('<span class="long-text" title="{}">{}</span>', text, short(text))


def changed(what: str, before: object, after: object) -> str:
    """The sentence of the admin's history that says what a row was and what it is now."""
    return f"{what}: {before} → {after}."


def plural(count: int, noun: str) -> str:
    """Such as "1 upload" or "2 uploads"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
