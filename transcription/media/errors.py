"""Errors of reading recordings."""


class FinalError(Exception):
    """A final reason why a recording can't be transcribed this way; trying again changes nothing.

    Args:
        code: A short word for programs.
        message: One plain sentence for users.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MediaError(FinalError):
    """The file has no readable audio."""


class Cancelled(Exception):
    """The run was stopped because its owner requested it."""
