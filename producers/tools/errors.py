"""Why a tool made no image. ``error_code`` goes into ImageFailed beside the message."""

from __future__ import annotations


class ToolError(Exception):
    """A tool made no image; the message is one line for the user, without secrets."""

    error_code = "ToolError"
    passing = False
    """Whether the same call may succeed a little later."""


class BadParameters(ToolError):
    """A parameter is wrong; the message begins with its name."""

    error_code = "BadParameters"


class BadImage(ToolError):
    """The image to edit is broken, too large, or none."""

    error_code = "BadImage"


class ImageNotFound(ToolError):
    """The image to edit is not there."""

    error_code = "ImageNotFound"


class Refused(ToolError):
    """The model will not draw this."""

    error_code = "Refused"


class NotAllowed(ToolError):
    """The provider does not take the key, or the account may not use the model."""

    error_code = "NotAllowed"


class QuotaExceeded(ToolError):
    """The account has nothing left; waiting does not help."""

    error_code = "QuotaExceeded"


class RateLimited(ToolError):
    """Too many calls. ``retry_after_s`` is what the provider asks for, if it does."""

    error_code = "RateLimited"
    passing = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TimedOut(ToolError):
    """The provider did not answer in time."""

    error_code = "TimedOut"
    passing = True


class Unavailable(ToolError):
    """The provider cannot do it now, or cannot be reached."""

    error_code = "Unavailable"
    passing = True


class BadAnswer(ToolError):
    """The provider's answer is not what its protocol says, or holds no image."""

    error_code = "BadAnswer"
    passing = True
