"""The models and tasks that people may name."""

from transcription.engines.models import ALIASES, TRUSTED

MODELS = (
    *("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en"),
    *("large", "large-v1", "large-v2", "large-v3", "large-v3-turbo", "turbo"),
    *("distil-large-v2", "distil-medium.en", "distil-small.en", "distil-large-v3"),
    *TRUSTED,
)
"""Those that the API's clients know, in the order in which its refusals list them. Where each comes
from is in `engines.models`, whose other names belong to hubs and to the settings alone."""
MODEL_ALIASES = {"turbo": ALIASES["turbo"]}
"""Accepted by the API, but not in its list; "large" is in it, and so stays as it was said."""
TASKS = ("transcribe", "translate")

# What the page offers: the others exist for scripts.
OFFERED_MODELS = {
    "tiny": "fastest, rough",
    "base": "fast",
    "small": "balanced",
    "medium": "slow, accurate",
    "large-v3": "slowest, most accurate",
    "turbo": "accurate, wants a GPU",
}
