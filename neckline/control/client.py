"""A command's end of the control wire: finds the service that runs on a journal, asks it one thing, reads the answer."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from neckline.control.wire import MAX_LINE, Endpoint, Reply, Request, endpoint_path, from_line, to_line
from neckline.errors import ControlRefusedError, ServiceAbsentError, ServiceSilentError
from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import Status
from processing.outputs import Stance

ANSWER_S = 5.0
"""The service answers within milliseconds; one that is stopped in a debugger, or hangs, does not."""
SNOOZE_S = 15.0
"""A snooze is answered when it is durable, a sign when the clip has taken it; a busy disk, or link, takes its time."""
PROMPT_S = 20.0
"""While calibrating something is said each second, unless the clip is away."""


class Client:
    """Asks the running service. Every call may raise a ControlError."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @classmethod
    def connect(cls, journal_path: Path) -> "Client | None":
        """Find who runs on a journal; None when nobody does, also when the one who did has died.

        Raises ServiceSilentError when someone holds the endpoint and does not answer.
        """
        try:
            client = cls(from_line(Endpoint, endpoint_path(journal_path).read_bytes()[:MAX_LINE]))
            if not _lives(client.endpoint.pid):
                return None
            client._answer(Request("", "hello"))
        except (OSError, ValueError, ServiceAbsentError, ControlRefusedError):
            # Nothing there, or a file that a killed service left: its port is closed, or has become someone else's.
            return None
        return client

    def status(self) -> Status:
        """Return how things stand."""
        status = self._answer(Request("", "status")).status
        if status is None:
            raise ServiceSilentError("its answer holds no status")
        return status

    def snooze(self, until_ns: int | None) -> None:
        """Ask for no alerts before a time (None: end the snooze); returns when that is durable."""
        self._answer(Request("", "snooze", until_ns=until_ns), SNOOZE_S)

    def visit(self, time_ns: int) -> None:
        """Ask to store that therapist and wearer met at a time; returns when that is durable."""
        self._answer(Request("", "visit", time_ns=time_ns), SNOOZE_S)

    def feedback(self, duration_ms: int) -> None:
        """Have the clip give a sign; returns when it has taken it."""
        self._answer(Request("", "feedback", duration_ms=duration_ms), SNOOZE_S)

    def calibrate(self, *, slump: bool, stance: Stance) -> Iterator[Prompt]:
        """Yield what the wearer is to be told, as it comes; the last prompt is done or refused."""
        request = Request("", "calibrate", slump=slump, stance=stance)
        for reply in self._ask(request, PROMPT_S):
            if reply.prompt is not None:
                yield reply.prompt

    def _answer(self, request: Request, within_s: float | None = None) -> Reply:
        for reply in self._ask(request, within_s or ANSWER_S):
            return reply
        raise ServiceAbsentError("it ended before it answered")

    def _ask(self, request: Request, within_s: float) -> Iterator[Reply]:
        address = ("127.0.0.1", self.endpoint.port)
        try:
            with (
                socket.create_connection(address, timeout=within_s) as link,
                link.makefile("rb") as lines,
            ):
                link.sendall(to_line(replace(request, token=self.endpoint.token)))
                while line := lines.readline(MAX_LINE):
                    reply = from_line(Reply, line)
                    if reply.error:
                        raise ControlRefusedError(reply.error, reply.way_out)
                    yield reply
        except TimeoutError as error:
            raise ServiceSilentError(f"nothing within {within_s:g} s") from error
        except ValueError as error:
            raise ServiceAbsentError("something else answers at its port") from error
        except OSError as error:
            raise ServiceAbsentError(str(error.strerror or error).lower()) from error


def _lives(pid: int) -> bool:
    """Tell whether a process lives; where the system has no harmless way to ask, assume so."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
