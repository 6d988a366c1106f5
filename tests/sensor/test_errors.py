"""Every error of the room is one clear sentence, and one that says what to do."""

import inspect
from pathlib import Path

import pytest

from sensor import errors
from sensor.errors import SensorError

HERE = Path("recordings/mine.jsonl")
ALL: list[SensorError] = [
    errors.BluetoothAbsentError("no adapter"),
    errors.BluetoothOffError(),
    errors.BluetoothForbiddenError(),
    errors.BluetoothBusyError(),
    errors.BluetoothTakenError("hci0"),
    errors.ClipNotFoundError("WT901BLE", "C4:A3:FC:76:9B:33", ["D7:11:22:33:44:55"]),
    errors.ClipBusyError("WT901BLE"),
    errors.ClipUnreachableError("WT901BLE", "it did not answer within 12 s"),
    errors.ClipLostError("WT901BLE", "the connection ended"),
    errors.ClipSilentError("WT901BLE", 2.0),
    errors.ClipRefusedError("WT901BLE", "it is charging"),
    errors.ClipUnprovenError("WT901BLE"),
    errors.WrongClipError("WT901BLE", "it says its serial number is another"),
    errors.RecordingUnreadableError(HERE, "it is empty"),
    errors.RecordingUnwritableError(HERE, "No space left on device"),
    errors.RecordingDamagedError(HERE, 12, "it is not JSON"),
]
BASES = {"SensorError", "BluetoothError", "ClipError", "RecordingError"}


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_an_error_says_what_is_wrong_and_what_to_do(error: SensorError) -> None:
    """One line each, no braces of Python's left in it, no full stop that would stand before what follows."""
    for sentence in (str(error), error.way_out):
        assert sentence
        assert not set(sentence) & set("\n{}[]'")
        assert not sentence.endswith(".")
        assert "  " not in sentence
        assert "None" not in sentence


def test_none_is_forgotten() -> None:
    """Every class of the module is in the list above."""
    classes = {
        name
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, SensorError)
    }

    assert {type(error).__name__ for error in ALL} == classes - BASES
