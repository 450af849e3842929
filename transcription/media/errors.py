"""Errors of reading recordings."""


class FinalError(Exception):
    """A final reason why a recording cannot be transcribed so; trying again changes nothing.

    Args:
        code: a short word for programs.
        message: one plain sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MediaError(FinalError):
    """The file has no readable audio."""


class Cancelled(Exception):
    """The run was stopped because its owner asked for it."""
