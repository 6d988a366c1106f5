"""What can go wrong in the service around the other rooms: one base, saying what is wrong and the way out."""

from dataclasses import dataclass
from pathlib import Path


class NecklineError(RuntimeError):
    """The base of this room's errors: `str` says what is wrong, `way_out` what to do."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


# ---- configuration ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration file."""

    key: str
    """With its table, as `detector.hold_s`; empty when it is about the file as a whole."""
    line: int | None
    """From 1; None when there is no such line, as for a key that is lacking."""
    message: str
    """A sentence that names the key."""
    nearest: str = ""
    """The known key or word that was probably meant."""


class SetupError(NecklineError):
    """The base of what is wrong or lacking in the configuration."""


class ConfigError(SetupError):
    """The configuration file cannot serve: `problems` says why, each with its line."""

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        self.path, self.problems = path, problems
        lines = [f"{path}{f', line {each.line}' if each.line else ''}: {each.message}" for each in problems]
        super().__init__("\n".join(lines), "correct the file, then try it with `neckline config check`")


class ConfigAbsentError(SetupError):
    """The configuration file that was named is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"there is no configuration file {path}",
            "name another with --config, or write this one with `neckline config init`",
        )


class ConfigUnwritableError(SetupError):
    """The configuration file cannot be written."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            f"the configuration {path} cannot be written: {detail}",
            "make its folder writable, or name another file with --config",
        )


class ConfigExistsError(SetupError):
    """A new configuration file would replace one that is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"there is a configuration already: {path}",
            "edit it, or move it away before `neckline config init`",
        )


class NotPairedError(SetupError):
    """No clip is known."""

    def __init__(self) -> None:
        super().__init__(
            "no clip is paired yet",
            "switch the clip on and run `neckline pair`; `neckline run --simulated` needs none",
        )


class NoWearerError(SetupError):
    """No pseudonym is known to store anything under."""

    def __init__(self) -> None:
        super().__init__(
            "the configuration names no wearer",
            "run `neckline config init` or `neckline pair`: each writes a random pseudonym, wearer.id",
        )


class SecretError(SetupError):
    """A file that holds a secret cannot be read."""

    def __init__(self, path: Path, key: str, detail: str) -> None:
        self.path, self.key = path, key
        super().__init__(
            f"{key} names {path}, which cannot be read: {detail}",
            f"write the secret into that file, or correct {key}",
        )


class NoGrafanaError(SetupError):
    """No Grafana is known."""

    def __init__(self) -> None:
        super().__init__(
            "the configuration names no Grafana",
            'add [grafana] with url = "http://localhost:3000" and token_file to the configuration; '
            "`neckline grafana write` needs neither",
        )


class NoInfluxdbError(SetupError):
    """No InfluxDB is known, and the command is about one."""

    def __init__(self) -> None:
        super().__init__(
            "the configuration names no InfluxDB",
            "add [influxdb] with url and bucket to the configuration: docs/influxdb.md tells how",
        )


class SharedTokenError(SetupError):
    """Grafana would get a token that may write."""

    def __init__(self, *, lacking: bool) -> None:
        super().__init__(
            "there is no token for Grafana to read InfluxDB with"
            if lacking
            else "the token for Grafana is the one that neckline writes with",
            "whoever may look at a dashboard can send any query with it: make one that may read the bucket and nothing "
            "else, and put it into the file that grafana.read_token_file names, or into NECKLINE_INFLUXDB_READ_TOKEN",
        )


# ---- finding and calibrating a clip ----------------------------------------------------------------------------------


class NoClipHeardError(NecklineError):
    """A scan heard no clip of a known family."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"no clip was heard in {seconds:g} s",
            "switch the clip on, charge it, bring it nearer, and close any phone app that is connected to it",
        )


class WhichClipError(NecklineError):
    """Several clips are in range and none was named; `names` are theirs, with addresses, nearest first."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(
            f"several clips are in range: {', '.join(names)}",
            "name one: `neckline pair ADDRESS`; the nearest stands first",
        )


class CaptureRefusedError(NecklineError):
    """A guided calibration did not serve."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not calibrated: {why}", "run `neckline calibrate` again")


class NoCalibrationError(NecklineError):
    """There is nothing to judge posture against."""

    def __init__(self) -> None:
        super().__init__(
            "there is no calibration, so posture cannot be judged",
            "say where the poses are, as --upright 5:10 and --slump 15:20 (seconds of the recording), "
            "or name a journal that holds a calibration with --journal",
        )


# ---- exporting -------------------------------------------------------------------------------------------------------


class NothingStoredError(NecklineError):
    """Nothing is stored of those who were asked for; `wearers` are the unknown ones, none where nothing is stored at all."""

    def __init__(self, title: str, wearers: list[str]) -> None:
        self.title, self.wearers = title, wearers
        super().__init__(
            f"{title} holds nothing of {', '.join(wearers)}" if wearers else f"{title} is empty",
            "`neckline status` shows which journal and which InfluxDB are in force; name another journal with --journal",
        )


class NothingInPeriodError(NecklineError):
    """Nothing is stored of a wearer in the days that were asked for."""

    def __init__(self, title: str, wearer: str, period: str) -> None:
        self.title, self.wearer, self.period = title, wearer, period
        super().__init__(
            f"{title} holds nothing of {wearer} in this period: {period}",
            "leave out --since, --until and --compare to see which days there are",
        )


class NoSuchAlertError(NecklineError):
    """The journal holds no alert of a wearer, or none at the time that was named."""

    def __init__(self, which: str | None, wearer: str) -> None:
        super().__init__(
            f"there is no alert of {wearer} " + (f"at {which}" if which else "in the journal"),
            "`neckline export --format csv out/` lists all events with their times"
            if which
            else "alerts are stored as they come; --wearer names another wearer, --journal another journal",
        )


# ---- talking to a running service ------------------------------------------------------------------------------------


class ControlError(NecklineError):
    """The base of what goes wrong between a command and the running service."""


class ServiceAbsentError(ControlError):
    """Nobody runs on this journal."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            "neckline is not running on this journal" + (f" ({detail})" if detail else ""),
            "start it with `neckline run`",
        )


class ServiceSilentError(ControlError):
    """The running service does not answer."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"the running neckline does not answer ({detail})",
            "stop it, then start it again with `neckline run`",
        )


class ControlRefusedError(ControlError):
    """The running service understood and refused; the sentence and the way out are its own."""


# ---- telling the wearer ----------------------------------------------------------------------------------------------


class MuteClipError(NecklineError):
    """The clip can neither buzz nor beep."""

    def __init__(self, title: str) -> None:
        super().__init__(
            f"a {title} can neither buzz nor beep",
            "docs/clips.md tells which clips can; alerts reach you on the screen, and by push",
        )


class ChannelError(NecklineError):
    """A channel to the wearer does not work; `channel` is its name."""

    def __init__(self, channel: str, message: str, way_out: str) -> None:
        self.channel = channel
        super().__init__(message, way_out)


# ---- without hardware ------------------------------------------------------------------------------------------------


class SimulationError(NecklineError):
    """The base of what goes wrong with a simulated clip."""


class NoVirtualRadioError(SimulationError):
    """The virtual radio is an extra, and not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the virtual radio is not installed",
            "install neckline with its extra `virtual`, or run `make demo`, which does",
        )


class DemoFailedError(SimulationError):
    """The demo did not come to one slouch and one alert."""

    def __init__(self, told: str) -> None:
        super().__init__(
            f"the demo came to {told} instead of one of each",
            "a computer that is very busy can do that: try again; if it stays so, please report it",
        )
