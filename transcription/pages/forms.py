"""The admin's form for running jobs again."""

from typing import Any

from django import forms

from transcription.conf import conf
from transcription.engines import registry
from transcription.languages import LANGUAGES
from transcription.services.options.vocabulary import MODELS, TASKS

AS_BEFORE = ("", "as before")
DETECT = "auto"


class RerunForm(forms.Form):
    """Changed options for ended jobs; empty fields stay as they were."""

    engine = forms.ChoiceField(required=False)
    model = forms.ChoiceField(required=False)
    language = forms.ChoiceField(required=False)
    task = forms.ChoiceField(required=False)
    min_speakers = forms.IntegerField(required=False, min_value=1, label="Minimum speakers")
    max_speakers = forms.IntegerField(required=False, min_value=1, label="Maximum speakers")
    audio_track = forms.IntegerField(
        required=False, min_value=1, max_value=1000, help_text="From 1 on; empty: as before."
    )
    everything = forms.BooleanField(
        required=False,
        label="Do everything again",
        help_text="If off, only missing or changed steps are run again.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = ("", f"this site's ({conf.ENGINE})")
        models = dict.fromkeys((conf.WHISPER_MODEL, *MODELS))
        languages = sorted(LANGUAGES.items(), key=lambda pair: pair[1])
        self.offer("engine", [own, *((name, name) for name in registry.names())])
        self.offer("model", [AS_BEFORE, *((name, name) for name in models)])
        self.offer("language", [AS_BEFORE, (DETECT, "detect"), *languages])
        self.offer("task", [AS_BEFORE, *((task, task) for task in TASKS)])

    def offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        """Sets a field's choices: settings are read late."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def changes(self) -> dict[str, Any]:
        """The changes, as `run_again` expects them."""
        said = self.cleaned_data
        changes: dict[str, Any] = {
            name: said[name] for name in ("engine", "model", "language", "task") if said[name]
        }
        if changes.get("language") == DETECT:
            changes["language"] = ""
        numbers = ("min_speakers", "max_speakers", "audio_track")
        options = {name: said[name] for name in numbers if said[name] is not None}
        return changes | ({"options": options} if options else {})

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        least, most = said.get("min_speakers"), said.get("max_speakers")
        if least and most and least > most:
            raise forms.ValidationError("The minimum of speakers is above the maximum.")
        return said
