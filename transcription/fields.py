"""Fields of models that hold what may be long."""

from typing import Any

from django.db.models import JSONField

from transcription.http.gradual_json import GradualDecoder, GradualEncoder


class LongJSONField(JSONField):
    """JSON of many megabytes: read and written in steps, so that other requests go on meanwhile.

    To the database it is a JSONField like any other.
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
