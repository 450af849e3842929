"""Parameters with a few allowed words; errors use the sentences that API clients know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema


@dataclass(frozen=True)
class OneOf:
    """Marks a text that must be one of some words, case-sensitive.

    Attributes:
        words: The accepted words, which errors list.
        aliases: Further accepted words, each with the word that it means; not listed.
    """

    words: Sequence[str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.check, json_schema_input_schema=core_schema.literal_schema(list(self.words))
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}

    def check(self, value: Any) -> str:
        """The word that `value` means.

        Raises:
            PydanticKnownError: It is none of them.
        """
        word = self.aliases.get(value, value) if isinstance(value, str) else value
        if word not in self.words:
            raise PydanticKnownError("enum", {"expected": self._listed()})
        return str(word)

    def _listed(self) -> str:
        *others, last = (f"'{word}'" for word in self.words)
        return f"{', '.join(others)} or {last}"
