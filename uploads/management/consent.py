"""Asks the user at the terminal before something that can't be undone."""

from django.core.management.base import CommandError


def agree(no_input: bool, question: str) -> None:
    """Returns only if the user agrees.

    Args:
        no_input: Whether `--no-input` was given.
        question: What to confirm.

    Raises:
        CommandError: The user did not agree, or there is no terminal.
    """
    if no_input:
        return
    try:
        said = input(f"{question} [y/N] ")
    except EOFError as end:
        raise CommandError("Nothing was done: no terminal to ask on. Use --no-input.") from end
    if said.strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")
