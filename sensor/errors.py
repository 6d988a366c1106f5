"""What can go wrong between a clip and its samples: one base, telling whose fault it is and the way out."""

import re
from pathlib import Path


class SensorError(RuntimeError):
    """The base of this room's errors: `str` says what is wrong, `way_out` what to do."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out

    @property
    def word(self) -> str:
        """Return what went wrong in one word that names nobody: for what is stored."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__.removesuffix("Error")).lower()


class BluetoothError(SensorError):
    """This computer's Bluetooth does not serve."""


class BluetoothAbsentError(BluetoothError):
    """No adapter, or no Bluetooth service."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            "this computer has no working Bluetooth" + (f" ({detail})" if detail else ""),
            "plug in a Bluetooth adapter, or start the Bluetooth service; `neckline run --simulated` needs neither",
        )


class BluetoothOffError(BluetoothError):
    """The adapter is there and switched off."""

    def __init__(self) -> None:
        super().__init__(
            "Bluetooth is switched off", "switch Bluetooth on; if neckline is running, it goes on by itself"
        )


class BluetoothForbiddenError(BluetoothError):
    """The operating system does not let us use Bluetooth."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            "this user may not use Bluetooth" + (f" ({detail})" if detail else ""),
            "allow it: on Linux join the group `bluetooth`, on macOS and Windows allow Bluetooth in the privacy settings",
        )


class BluetoothBusyError(BluetoothError):
    """Another scan or connection is under way."""

    def __init__(self) -> None:
        super().__init__(
            "Bluetooth is busy with another scan or connection",
            "close other programs that use Bluetooth, or wait a moment and try again",
        )


class BluetoothTakenError(BluetoothError):
    """The adapter belongs to another neckline."""

    def __init__(self, adapter: str) -> None:
        self.adapter = adapter
        super().__init__(
            f"the Bluetooth adapter {adapter} is in use by another neckline on this computer",
            "stop the other one (it may be running as a service), or give this one an adapter of its own: `clip.adapter`",
        )


class ClipError(SensorError):
    """Something about one clip; `clip` is its name."""

    def __init__(self, clip: str, message: str, way_out: str) -> None:
        super().__init__(message, way_out)
        self.clip = clip


class ClipNotFoundError(ClipError):
    """The clip was not heard; `others` are addresses of clips of its family that were."""

    def __init__(self, clip: str, address: str, others: list[str] | None = None) -> None:
        self.address, self.others = address, others or []
        heard = f"; heard instead: {', '.join(self.others)}" if self.others else ""
        super().__init__(
            clip,
            f"the clip {clip} ({address}) was not found{heard}",
            "switch it on, charge it, bring it nearer, and close any phone app that is connected to it"
            + ("; or pair with the other clip: `neckline pair`" if self.others else ""),
        )


class ClipBusyError(ClipError):
    """The clip is there and taken."""

    def __init__(self, clip: str) -> None:
        super().__init__(
            clip,
            f"the clip {clip} is connected to something else",
            "close the phone app or computer that holds it; a clip talks to one at a time",
        )


class ClipUnreachableError(ClipError):
    """The clip was heard and does not answer."""

    def __init__(self, clip: str, detail: str) -> None:
        super().__init__(
            clip,
            f"the clip {clip} was heard and could not be reached ({detail})",
            "bring it nearer; if it stays so, switch it off and on",
        )


class ClipLostError(ClipError):
    """The link ended."""

    def __init__(self, clip: str, detail: str) -> None:
        super().__init__(
            clip,
            f"the link to the clip {clip} was lost ({detail})",
            "if neckline is running, it tries again by itself; otherwise bring the clip nearer and try again",
        )


class ClipSilentError(ClipError):
    """The clip is connected and sends nothing."""

    def __init__(self, clip: str, seconds: float) -> None:
        super().__init__(
            clip,
            f"the clip {clip} has sent nothing for {seconds:g} s",
            "if neckline is running, it tries again by itself; if it stays so, switch the clip off and on",
        )


class ClipRefusedError(ClipError):
    """The clip answers what it is asked with an error."""

    def __init__(self, clip: str, detail: str, way_out: str = "") -> None:
        super().__init__(
            clip,
            f"the clip {clip} cannot be used as it is ({detail})",
            way_out
            or "take it off its charger, close other apps that use it, switch it off and on, and try again",
        )


class ClipUnprovenError(ClipError):
    """The clip sends, and does not tell who it is: it could be anybody's."""

    def __init__(self, clip: str) -> None:
        super().__init__(
            clip,
            f"the clip {clip} did not tell its serial number",
            "switch the clip off and on, and try again; without that number it cannot be told from another",
        )


class WrongClipError(ClipError):
    """What answers is not the clip that was paired."""

    def __init__(self, clip: str, detail: str) -> None:
        super().__init__(
            clip,
            f"what answers as {clip} is another device ({detail})",
            "pair with the clip that you wear: `neckline pair`",
        )


class RecordingError(SensorError):
    """Something about a recording; `path` is the file."""

    def __init__(self, path: Path, message: str, way_out: str) -> None:
        super().__init__(message, way_out)
        self.path = path


class RecordingUnreadableError(RecordingError):
    """The file is not there, may not be read, or is no recording."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            path,
            f"{path} cannot be read as a recording: {detail}",
            "give a capture (.jsonl) or a table of samples (.csv) as docs/recordings.md describes them",
        )


class RecordingUnwritableError(RecordingError):
    """The recording cannot be written, or no further."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            path,
            f"the recording {path} cannot be written: {detail}",
            "make room, or name another file: one that is there is never overwritten",
        )


class RecordingDamagedError(RecordingError):
    """The recording breaks at `line`; what came before has been given."""

    def __init__(self, path: Path, line: int, detail: str) -> None:
        self.line = line
        super().__init__(
            path,
            f"{path} is damaged at line {line}: {detail}",
            "everything before that line was used; cut the file there to make it whole",
        )
