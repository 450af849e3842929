"""Who may have which priority, and its words for clients."""

from transcription.models import Priority
from uploads.services.lookup import User

PRIORITIZE = "transcription.prioritize_job"
WORDS = [Priority(value).label for value in Priority.values]
REFUSED = (
    "High priority is for staff, and for users with the permission to prioritize jobs. "
    "Use low or normal."
)
LOWERED = " High priority was asked for, but its owner may not have it: it has normal priority."


def priority_named(word: str) -> Priority:
    """The priority with this word; an unknown one is normal."""
    return next((one for one in Priority if one.label == word), Priority.NORMAL)


def may_have(user: User | None, wanted: int) -> bool:
    """Whether a user's jobs may have this priority; a key acts for its user."""
    if wanted <= Priority.NORMAL:
        return True
    if user is None or not user.is_authenticated:
        return False
    return bool(user.is_active and (user.is_staff or user.has_perm(PRIORITIZE)))
