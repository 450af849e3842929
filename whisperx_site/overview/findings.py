"""What a check of the site found: the front page, `manage.py doctor` and the log say it alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One check's result.

    Attributes:
        what: What was checked.
        fact: What was found.
        remedy: What to do; empty if all is well.
        address: The admin's list behind it, for those who may open it; empty: none.
    """

    what: str
    fact: str
    remedy: str = ""
    address: str = ""
