"""Model fields for long values."""

from typing import Any

from django.db.models import JSONField

from transcription.http.gradual_json import GradualDecoder, GradualEncoder


class LongJSONField(JSONField):
    """JSON of many megabytes, read and written in steps, so that other requests run in between.

    In the database it is an ordinary JSONField.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.encoder = GradualEncoder
        self.decoder = GradualDecoder

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        options.pop("encoder", None)
        options.pop("decoder", None)
        return name, "django.db.models.JSONField", arguments, options
