"""Asking the person at the terminal before something that cannot be undone."""

from django.core.management.base import CommandError


def agree(no_input: bool, question: str) -> None:
    """Go on only where the person says yes.

    Args:
        no_input: Whether they said so beforehand.
        question: What they are to agree to.

    Raises:
        CommandError: They did not, or nobody is there to be asked.
    """
    if no_input:
        return
    try:
        said = input(f"{question} [y/N] ")
    except EOFError as end:
        raise CommandError("Nothing was done: say --no-input where you cannot be asked.") from end
    if said.strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")
