"""Checks callback URLs when they are given."""

from rest_framework.request import Request

from transcription.api.errors import ApiError, detail
from transcription.api.forms.parameters import parse_query
from transcription.services.db_connection import release_connection
from transcription.services.options.parameters import CallbackParameters
from transcription.services.outbound.url_source import Blocked, Unreachable, probe


def judge_callback(request: Request) -> None:
    """Checks that the receiver of a callback URL answers.

    This comes first, so a refusal hides all other faults of the request. A malformed URL is one
    fault among the others.

    Raises:
        ApiError: The address is blocked, or the receiver doesn't answer.
    """
    parameters, _ = parse_query(CallbackParameters, request)
    if parameters is None or parameters.callback_url is None:
        return
    url = str(parameters.callback_url)
    release_connection()
    try:
        probe(url)
    except Blocked as problem:
        raise ApiError(detail(422, "The provided callback URL is not allowed.")) from problem
    except Unreachable as problem:
        raise ApiError(detail(400, f"Callback URL is not reachable: {url}")) from problem
