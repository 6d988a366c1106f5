"""The service's end of the control wire: requests of commands → its `Handler`, on loopback, for who knows the token.

It never lets a command harm the service: lines are bounded, silent connections end, few are open at once, and
whatever goes wrong with one stays with it.
"""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

from neckline.control.wire import (
    MAX_LINE,
    Endpoint,
    Handler,
    Reply,
    Request,
    endpoint_path,
    from_line,
    to_line,
)
from neckline.exits import way_out_of
from neckline.paths import write_private

logger = logging.getLogger(__name__)

REQUEST_WITHIN_S = 5.0
"""A command sends its one line at once."""
TAKEN_WITHIN_S = 1.0
"""What a command has left to read when its connection ends."""
MAX_CONNECTIONS = 8


class _Desk:
    """Takes one request from each connection and answers it."""

    def __init__(self, handler: Handler, token: str) -> None:
        self._handler = handler
        self._token = token
        self.open: set[asyncio.Task[None]] = set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of its own."""
        if len(self.open) >= MAX_CONNECTIONS:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="control")
        self.open.add(task)
        task.add_done_callback(self.open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = asyncio.current_task()
        gone: asyncio.Task[None] | None = None
        try:
            line = await self._line(reader)
            if answering is not None:
                # A command says no more than its line: what comes then is its end.
                gone = asyncio.create_task(_cancel_at_end(reader, answering))
            async with aclosing(self._answer(line)) as replies:
                async for reply in replies:
                    writer.write(to_line(reply))
                    await writer.drain()
        except (OSError, asyncio.CancelledError):
            logger.debug("a command went away")
        finally:
            if gone is not None:
                gone.cancel()
            writer.close()
            try:
                async with asyncio.timeout(TAKEN_WITHIN_S):
                    await writer.wait_closed()
            except (OSError, asyncio.CancelledError):
                writer.transport.abort()  # a command that reads nothing holds up no stop

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """Return the request's line; an empty one if none came in time, or it was too long."""
        try:
            async with asyncio.timeout(REQUEST_WITHIN_S):
                return await reader.readline()
        except (TimeoutError, ValueError):
            return b""

    async def _answer(self, line: bytes) -> AsyncGenerator[Reply, None]:
        try:
            request = from_line(Request, line)
        except ValueError:
            yield Reply(error="this is not a request of neckline", way_out="use the commands of neckline")
            return
        if not hmac.compare_digest(request.token.encode(), self._token.encode()):
            yield Reply(error="the token is wrong", way_out="run the command as the user who runs neckline")
            return
        try:
            async with aclosing(self._do(request)) as replies:
                async for reply in replies:
                    yield reply
        except Exception as error:
            way_out = way_out_of(error)
            if way_out is None:
                logger.exception("the request %s failed", request.do)
                yield Reply(error=f"neckline failed ({type(error).__name__})", way_out="see its log")
            else:
                yield Reply(error=str(error), way_out=way_out)

    async def _do(self, request: Request) -> AsyncGenerator[Reply, None]:
        match request.do:
            case "hello":
                yield Reply()
            case "status":
                yield Reply(status=self._handler.status())
            case "snooze":
                await self._handler.snooze(request.until_ns)
                yield Reply()
            case "visit":
                await self._handler.visit(request.time_ns)
                yield Reply()
            case "feedback":
                await self._handler.feedback(request.duration_ms)
                yield Reply()
            case "calibrate":
                capture = self._handler.calibrate(slump=request.slump, stance=request.stance)
                async with aclosing(capture) as prompts:
                    async for prompt in prompts:
                        yield Reply(prompt=prompt)
            case unknown:
                yield Reply(
                    error=f"the running neckline does not know the request {unknown[:40]!r}",
                    way_out="stop it and start it again: it is of another version",
                )


async def _cancel_at_end(reader: asyncio.StreamReader, answering: asyncio.Task[None]) -> None:
    with suppress(OSError):
        await reader.read(1)
    answering.cancel()


@asynccontextmanager
async def serving(
    handler: Handler, journal_path: Path, owner: str = "neckline run"
) -> AsyncGenerator[Endpoint, None]:
    """Serve commands as long as the block runs; raises OSError when the endpoint cannot be opened or written."""
    token = secrets.token_urlsafe(32)
    desk = _Desk(handler, token)
    server = await asyncio.start_server(desk.connected, "127.0.0.1", 0, limit=MAX_LINE)
    path = endpoint_path(journal_path)
    try:
        endpoint = Endpoint(os.getpid(), server.sockets[0].getsockname()[1], token, owner)
        line = to_line(endpoint)
        write_private(path, line.decode())
        yield endpoint
    finally:
        server.close()
        for task in list(desk.open):
            task.cancel()
        await asyncio.gather(*desk.open, return_exceptions=True)
        with suppress(OSError):
            if path.read_bytes() == line:
                path.unlink()
