"""Every error of the product has an exit code, a sentence and a way out; a fault of our own has a log."""

import errno
import stat
from pathlib import Path

import pytest

import dashboards.errors
import neckline.errors
import processing.errors
import sensor.errors
import storage.errors
from neckline.cli import app as cli
from neckline.commands.output import tell
from neckline.exits import EXITS, Exit, exit_of, way_out_of
from sensor.errors import BluetoothOffError, WrongClipError
from storage.errors import DiskFullError, JournalBusyError

ROOMS = (dashboards.errors, neckline.errors, processing.errors, sensor.errors, storage.errors)


def subclasses(kind: type[Exception]) -> set[type[Exception]]:
    """Return an error and all that are derived from it in the product."""
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_every_error_has_an_exit_code_of_its_own_kind() -> None:
    """No error that a room declares ends as unexpected, apart from the rooms' bases, which nobody raises."""
    bases = {neckline.errors.NecklineError}
    declared = {
        thing
        for room in ROOMS
        for thing in vars(room).values()
        if isinstance(thing, type) and issubclass(thing, Exception) and thing.__module__ == room.__name__
    }
    for error in declared - bases:
        if not any(issubclass(error, kind) for kind, _ in EXITS):
            raise AssertionError(error)


def test_no_line_of_the_table_is_hidden_by_one_before() -> None:
    """The first that fits counts, so what is special stands before what is general."""
    for index, (kind, _) in enumerate(EXITS):
        assert not any(issubclass(kind, before) for before, _ in EXITS[:index]), kind


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BluetoothOffError(), Exit.BLUETOOTH),
        (WrongClipError("c", "another"), Exit.CLIP),
        (JournalBusyError(Path("j"), "neckline run"), Exit.BUSY),
        (DiskFullError(Path("j")), Exit.JOURNAL),
        (ValueError("?"), Exit.UNEXPECTED),
    ],
)
def test_codes(error: Exception, code: Exit) -> None:
    """Some of each kind."""
    assert exit_of(error) is code
    assert (way_out_of(error) is None) == (code is Exit.UNEXPECTED)


def test_an_error_is_told_with_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Two lines on standard error, nothing on standard output; also out of a group of tasks."""
    error = DiskFullError(Path("/j"))
    for raised in (error, ExceptionGroup("tasks", [ExceptionGroup("inner", [error])])):
        assert tell(raised) is Exit.JOURNAL
        out, err = capsys.readouterr()
        assert not out
        assert err.splitlines() == [f"neckline: {error}", f"→ {error.way_out}"]


def test_a_fault_of_our_own_is_a_sentence_and_a_private_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the log; the traceback is there, and nowhere else."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    log = tmp_path / "logs" / "neckline.log"
    monkeypatch.setattr("neckline.commands.output.log_path", lambda: log)
    monkeypatch.setattr("neckline.commands.configuration.path", fail)
    assert cli.call(["config", "path"]) == Exit.UNEXPECTED
    out, err = capsys.readouterr()
    assert not out
    assert str(log) in err
    assert "Traceback" not in err
    assert "ZeroDivisionError: oops" in log.read_text()
    assert "in fail" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    log.unlink()
    log.parent.rmdir()
    log.parent.touch()
    assert cli.call(["config", "path"]) == Exit.UNEXPECTED
    assert "could not be written" in capsys.readouterr().err


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), BrokenPipeError()])
def test_a_pipe_that_is_not_standard_output_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: BrokenPipeError,
) -> None:
    """A socket or another process that goes away is told as any other error."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("neckline.commands.output.log_path", lambda: tmp_path / "neckline.log")
    monkeypatch.setattr("neckline.commands.configuration.path", fail)
    assert cli.call(["config", "path"]) == Exit.UNEXPECTED
    assert "BrokenPipeError" in capsys.readouterr().err
    assert "in fail" in (tmp_path / "neckline.log").read_text()


def test_whoever_exits_by_itself_keeps_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """SystemExit is not taken for an end that is good."""

    def leave(*_: object, **__: object) -> None:
        raise SystemExit(7)

    monkeypatch.setattr("neckline.commands.configuration.path", leave)
    with pytest.raises(SystemExit) as ended:
        cli.call(["config", "path"])
    assert ended.value.code == 7


def test_ctrl_c_is_clean(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """130 and no traceback."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neckline.commands.configuration.path", interrupted)
    assert cli.call(["config", "path"]) == Exit.INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err
