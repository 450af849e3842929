"""Adapts drf-spectacular to our views, which describe themselves."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiCallback, OpenApiParameter, OpenApiResponse
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from transcription.api.schema.responses import AWAY, NEEDS_KEY, NOT_ALLOWED, Answer, Schema
from transcription.api.shapes import Detail, TaskEventReceived
from transcription.services.webhooks.task_body import Result

JSON = "application/json"
COMPONENT = "#/components/schemas/{model}"
REQUEST_ID = OpenApiParameter(
    "X-Request-ID",
    str,
    OpenApiParameter.HEADER,
    description="The request's own X-Request-ID, or a fresh one.",
    response=True,
)


class ShapeSchema(GenerateJsonSchema):
    """Shapes without titles; undeclared keys are excluded, unless a shape is open."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def typed_dict_schema(self, schema: Any) -> Schema:
        described = super().typed_dict_schema(schema)
        described.pop("title", None)
        if not described.setdefault("additionalProperties", False):
            return described
        del described["additionalProperties"]
        return described


class DescribedSchema(AutoSchema):
    view: Any  # an ApiView

    def get_operation_id(self) -> str:
        return str(self.view.operation_id)

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return self.documentation()[0].removesuffix(".")

    def get_description(self) -> str:  # type: ignore[override]
        return self.documentation()[1]

    def documentation(self) -> tuple[str, str]:
        """The first sentence of the view's docstring, and the rest."""
        first, _, rest = (type(self.view).__doc__ or "").partition("\n\n")
        return " ".join(first.split()), " ".join(rest.split())

    def get_override_parameters(self) -> list[Any]:
        query = self.view.parameters
        return [*(query_parameters(query) if query else ()), REQUEST_ID]

    def get_request_serializer(self) -> Any:
        return dict(self.view.forms) or None

    def get_response_serializers(self) -> Any:
        described: dict[Any, OpenApiResponse] = {}
        for status, answer in self.all_answers().items():
            contents = {kind: {"type": "string"} for kind in answer.media_types}
            if answer.shape:
                contents = {JSON: self.schema_of(answer.shape), **contents}
            for media_type, schema in contents.items():
                described[status, media_type] = OpenApiResponse(schema, answer.description)
        return described

    def all_answers(self) -> dict[int, Answer]:
        """The view's own responses, and those that any view of its kind may give."""
        common: dict[int, Answer] = {}
        if self.view.authentication_classes:  # others need no login, and no database
            common = {401: Answer(NEEDS_KEY, Detail), 503: Answer(AWAY, self.view.fault)}
        if self.method != "GET":
            common[403] = Answer(NOT_ALLOWED, Detail)
        return dict(sorted({**common, **self.view.answers}.items()))

    def schema_of(self, shape: Any) -> Schema:
        """A reference to a shape, which is added to the components."""
        described, definitions = TypeAdapter.json_schemas(
            [(shape, "serialization", TypeAdapter(shape))],
            ref_template=COMPONENT,
            schema_generator=ShapeSchema,
        )
        for name, schema in definitions["$defs"].items():
            component = ResolvedComponent(name, "schemas", schema, schema)  # type: ignore[no-untyped-call]
            self.registry.register_on_missing(component)
        return described[shape, "serialization"]

    def get_callbacks(self) -> list[OpenApiCallback]:
        if not self.view.calls_back:
            return []
        message: Schema = {
            "summary": "The task has ended",
            "description": "Sent when the task completes or fails; retried until a 2xx response.",
            "requestBody": {
                "required": True,
                "content": {JSON: {"schema": self.schema_of(Result)}},
            },
            "responses": {
                "200": {
                    "description": "Taken.",
                    "content": {JSON: {"schema": self.schema_of(TaskEventReceived)}},
                }
            },
        }
        return [
            OpenApiCallback("task_notification", "{$request.query.callback_url}", {"post": message})
        ]


def query_parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    """The parameters of a query, from its model."""
    whole = model.model_json_schema(mode="validation")
    parameters = []
    for name, schema in whole["properties"].items():
        schema.pop("title", None)
        description = schema.pop("description", "")
        default = model.model_fields[name].get_default(call_default_factory=True)
        if default is None:
            schema.pop("default", None)
        else:
            schema["default"] = default  # also if it depends on the machine
        parameters.append(
            OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)
        )
    return parameters
