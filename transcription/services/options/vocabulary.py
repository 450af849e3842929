"""The models and tasks that clients may name."""

from transcription.engines.models import ALIASES, TRUSTED

MODELS = (
    *("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en"),
    *("large", "large-v1", "large-v2", "large-v3", "large-v3-turbo", "turbo"),
    *("distil-large-v2", "distil-medium.en", "distil-small.en", "distil-large-v3"),
    *TRUSTED,
)
"""The names that API clients know, in the order in which errors list them. `engines.models` has
their sources; its other names are only for hubs and settings.
"""
MODEL_ALIASES = {"turbo": ALIASES["turbo"]}
"""Accepted by the API, but not listed; "large" is listed, and so stays as it was sent."""
TASKS = ("transcribe", "translate")

# The page offers these; the others exist for scripts.
OFFERED_MODELS = {
    "tiny": "fastest, rough",
    "base": "fast",
    "small": "balanced",
    "medium": "slow, accurate",
    "large-v3": "slowest, most accurate",
    "turbo": "accurate, needs a GPU",
}
