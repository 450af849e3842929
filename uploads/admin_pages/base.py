"""What pages of the admin share: rows that are only read, actions that ask first, long texts."""

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

MOST_NAMED = 20  # rows that a question names one by one
LONGEST_IN_LIST = 160  # characters of a text that a list shows


@dataclass(frozen=True)
class Question:
    """What staff agree to before an action runs.

    Attributes:
        title: What it is about, as a question.
        consequences: Sentences: what will be lost.
        button: What the button that agrees says.
    """

    title: str
    consequences: Sequence[str]
    button: str


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Facts are read here; what can be done are actions."""

    empty_value_display = "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the protocol."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows change by services."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """File names are kept with composed letters (NFC); a Mac types others."""
        said = unicodedata.normalize("NFC", search_term)
        return super().get_search_results(request, queryset, said)

    def can_view(self, request: HttpRequest, model: type[Model]) -> bool:
        """Whether links to rows of this model lead somewhere."""
        if not self.admin_site.is_registered(model):
            return False
        return self.admin_site.get_model_admin(model).has_view_permission(request)

    def is_agreed(self, request: HttpRequest, count: int) -> bool:
        """Whether who asks has seen the question, when there were no fewer rows than now.

        A selection of "all" may have grown in between.
        """
        agreed = request.POST.get("agreed", "")
        return agreed.isdecimal() and len(agreed) < 10 and count <= int(agreed)

    def ask(
        self,
        request: HttpRequest,
        action: str,
        queryset: QuerySet[Any],
        question: Question,
        **context: Any,
    ) -> TemplateResponse:
        """The page that says what an action would do, and whose button does it."""
        count = queryset.count()
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
                "named": [short(str(row)) for row in queryset[:MOST_NAMED]],
                "more": max(0, count - MOST_NAMED),
                "count": count,
                "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "across": request.POST.get("select_across", "0"),
                **context,
            },
        )

    def note(
        self, request: HttpRequest, row: Model, what: str, flag: int = CHANGE, name: str = ""
    ) -> None:
        """Keep who did what to a row, where the admin shows its history.

        The deed is done: a disk without room for the note is no reason to say that it failed.

        Args:
            request: Of the person who did it.
            row: Which may be deleted by now.
            what: In words.
            flag: One of LogEntry's.
            name: Of the row; empty: as it calls itself.
        """
        try:
            LogEntry.objects.create(
                user_id=cast(int, request.user.pk),  # the admin serves nobody without
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
    """A text for a list: long ones lose their middle, as the ends tell files apart."""
    if len(text) <= LONGEST_IN_LIST:
        return text
    tail = LONGEST_IN_LIST // 4
    return f"{text[: LONGEST_IN_LIST - tail - 1]}…{text[-tail:]}"


def wrapped(text: str) -> SafeString:
    """A text in a cell of a list, which may break anywhere; the whole of it is its title."""
    return format_html('<span class="long-text" title="{}">{}</span>', text, short(text))


def plural(count: int, noun: str) -> str:
    """Such as "1 upload", "2 uploads"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
