"""System checks: settings that can't work, each with an id and a hint."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from uploads.conf import UploadsConf, conf, declared
from uploads.stores.registry import store

CHOICES = {"UPLOADS_ACCEPT": ("media", "any"), "UPLOADS_DURABILITY": ("process", "power")}


@register("uploads")
def choices(**kwargs: Any) -> list[CheckMessage]:
    """Settings whose value must be one of a few words."""
    return [
        Error(
            f"{name}={getattr(conf, name)!r} is not known.",
            hint=f"Use one of: {', '.join(words)}.",
            id="uploads.E001",
        )
        for name, words in CHOICES.items()
        if getattr(conf, name) not in words
    ]


@register("uploads")
def classes(**kwargs: Any) -> list[CheckMessage]:
    """Settings that name a class."""
    problems: list[CheckMessage] = []
    for name in ("UPLOADS_STORE", "UPLOADS_HOOKS", "UPLOADS_QUEUE"):
        try:
            if getattr(conf, name):
                import_string(getattr(conf, name))
        except ImportError as problem:
            problems.append(
                Error(
                    f"{name}: {problem}", hint="Give the dotted path of a class.", id="uploads.E002"
                )
            )
    return problems


@register("uploads")
def folder(**kwargs: Any) -> list[CheckMessage]:
    """A store without a place for its bytes."""
    try:
        store()
    except ImproperlyConfigured as problem:
        hint = 'Set it to a folder that no web server serves, such as BASE_DIR / "files".'
        return [Error(str(problem), hint=hint, id="uploads.E003")]
    except ImportError:
        pass  # `classes` says it
    return []


@register("uploads")
def addresses(**kwargs: Any) -> list[CheckMessage]:
    """An installed app without URLs."""
    try:
        reverse("uploads:uploads")
    except NoReverseMatch:
        return [
            Error(
                "The addresses of uploads are not among those of this site.",
                hint='Add path("files/", include("uploads.urls")) to the module in ROOT_URLCONF.',
                id="uploads.E004",
            )
        ]
    return []


@register("uploads")
def old_names(**kwargs: Any) -> list[CheckMessage]:
    """Settings that were renamed; the old names work for one release."""
    return [
        Warning(
            f"The setting {option.old_name} is called {option.name} now.",
            hint=f"Rename it. {option.old_name} works until the next release.",
            id="uploads.W001",
        )
        for option in declared(UploadsConf)
        if option.old_name and hasattr(settings, option.old_name)
    ]
