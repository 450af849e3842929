"""How drf-spectacular learns of our operations: from the table, not from serializers."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiCallback, OpenApiParameter, OpenApiResponse
from pydantic import BaseModel

from transcription.api.schema.bodies import Result, TaskEventReceived
from transcription.api.schema.operation import Answer, Kind, Operation, Schema
from transcription.api.schema.operations import operation_of

JSON = "application/json"
REQUEST_ID = OpenApiParameter(
    "X-Request-ID",
    str,
    OpenApiParameter.HEADER,
    description="The request's own X-Request-ID, or a fresh one.",
    response=True,
)


class DescribedSchema(AutoSchema):
    @property
    def operation(self) -> Operation:
        return operation_of(type(self.view), self.method)

    def get_operation_id(self) -> str:
        return self.operation.name

    def get_tags(self) -> list[str]:
        return [self.operation.tag]

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        return self.operation.description

    def get_override_parameters(self) -> list[Any]:
        query = self.operation.query
        return [*(query_parameters(query) if query else ()), REQUEST_ID]

    def get_request_serializer(self) -> Any:
        return dict(self.operation.form) or None

    def get_response_serializers(self) -> Any:
        described: dict[Any, OpenApiResponse] = {}
        for status, answer in self.operation.all_answers().items():
            if not answer.kinds:
                described[status] = OpenApiResponse(None, answer.description)
            for media_type, schema in self.contents_of(answer).items():
                described[status, media_type] = OpenApiResponse(schema, answer.description)
        return described

    def contents_of(self, answer: Answer) -> dict[str, Schema]:
        contents: dict[str, Schema] = {}
        documents = [self.schema_of(kind) for kind in answer.kinds if not isinstance(kind, str)]
        if documents:
            contents[JSON] = documents[0] if len(documents) == 1 else {"anyOf": documents}
        for kind in answer.kinds:
            if isinstance(kind, str):
                contents[kind] = {"type": "string"}
        return contents

    def schema_of(self, kind: Kind) -> Schema:
        """The schema of a body, by reference where it has a name."""
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model: Any = kind  # drf-spectacular takes pydantic's models for serializers
            reference: Schema = self.resolve_serializer(model, "response").ref
            return reference
        assert isinstance(kind, dict)
        return kind

    def get_callbacks(self) -> list[OpenApiCallback]:
        if not self.operation.callback:
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
    """The parameters of a query, as its model describes them."""
    whole = model.model_json_schema(mode="validation")
    parameters = []
    for name, schema in whole["properties"].items():
        schema.pop("title", None)
        description = schema.pop("description", "")
        default = model.model_fields[name].get_default(call_default_factory=True)
        if default is None:
            schema.pop("default", None)
        else:
            schema["default"] = default  # also where it depends on the machine
        parameters.append(
            OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)
        )
    return parameters
