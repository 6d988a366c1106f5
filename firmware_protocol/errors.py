"""What can be wrong with bytes: one base, telling the clip's fault from ours."""


class ProtocolError(ValueError):
    """A clip's firmware protocol was broken; `data` holds the offending bytes."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


class MalformedFrameError(ProtocolError):
    """The clip's fault: the bytes are no frame of this family."""


class InvalidCommandError(ProtocolError):
    """Our fault: a command was asked for that the family does not have, or with a value out of its range."""
