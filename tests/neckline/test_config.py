"""The configuration's models, its file, and how mistakes are told."""

import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from neckline.configuration.config import MAY_BE_NEVER, RATES_HZ, Alerts, Config, Detector, FamilyName
from neckline.configuration.file import Value, change, load, parse
from neckline.configuration.mistakes import lines_of
from neckline.configuration.template import EXAMPLE, entries, template
from neckline.errors import (
    ConfigError,
    NotPairedError,
    NoWearerError,
    Problem,
    SecretError,
)
from processing.calibration import PERSONAL_THRESHOLD_DEG
from processing.settings import Mode, Settings
from sensor.families import FAMILIES
from sensor.link import ClipBinding

PATH = Path("/somewhere/config.toml")
NOT_FROM_A_FILE = {
    *("calibration", "standing", "snoozed_until_ns", "told_beside_ns", "alert_windows_ns"),
    *("judges_posture", "patience_s"),  # of a clip's place; of a gateway
}
CLIP: dict[str, Value | None] = {
    "family": "witmotion",
    "name": "WT901",
    "address": "C4:A3:FC:76:9B:33",
    "serial": "C4",
    "rate_hz": 50.0,
}


def problems(text: str) -> tuple[Problem, ...]:
    """Return every mistake in a configuration."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), PATH)
    assert caught.value.way_out
    assert all(f"line {p.line}: {p.message}" in str(caught.value) for p in caught.value.problems if p.line)
    return caught.value.problems


def mistakes(text: str) -> list[tuple[int | None, str, str]]:
    """Return line, key and nearest key of every mistake in a configuration."""
    return [(problem.line, problem.key, problem.nearest) for problem in problems(text)]


def sentence(text: str) -> str:
    """Return the only mistake in a configuration."""
    (problem,) = problems(text)
    return problem.message


# ---- defaults --------------------------------------------------------------------------------------------------------


def test_an_empty_configuration_is_the_defaults_of_the_detector() -> None:
    """Nothing set: step gets Settings() to the last value, and what needs a clip or a wearer says so."""
    config = parse(b"", PATH)
    assert config == Config()
    assert config.settings() == Settings()
    assert config.influxdb_settings() is None
    assert config.push_urls() == ()
    with pytest.raises(NotPairedError):
        config.binding()
    with pytest.raises(NoWearerError):
        config.wearer_id()


def test_every_setting_of_the_detector_can_be_set() -> None:
    """The tables [detector] and [alerts] together name all of Settings but what comes from the journal."""
    known = {*Detector.model_fields, *Alerts.model_fields} - {"clip", "desktop", "push_file", "schedule"}
    assert known == {field.name for field in fields(Settings)} - NOT_FROM_A_FILE


def test_defaults_lie_within_the_bounds() -> None:
    """Writing a default down is never an error, and the hysteresis always fits below a personal threshold."""
    for table in ("detector", "alerts"):
        for entry in entries(table):
            if entry.default:
                parse(f"[{table}]\n{entry.key} = {entry.default}\n".encode(), PATH)
    parse(b"[detector]\nhysteresis_deg = 7\n", PATH)
    assert mistakes("[detector]\nhysteresis_deg = 7.1\n")[0][1] == "detector.hysteresis_deg"
    assert PERSONAL_THRESHOLD_DEG[0] > 7


def test_clip_families_and_rates_are_those_of_the_sensor_room() -> None:
    """The lists that config keeps to spare an import are the registry's."""
    assert {name: family.rates_hz for name, family in FAMILIES.items()} == RATES_HZ
    assert get_args(FamilyName) == tuple(RATES_HZ)


def test_settings_reach_the_detector() -> None:
    """Each value set in the file is the value that step gets; 0 means never."""
    text = """
    [detector]
    threshold_deg = 12
    hold_s = 90
    [alerts]
    mode = "track"
    reminder_s = 300
    break_after_s = 0
    fading = true
    """
    assert parse(text.encode(), PATH).settings(snoozed_until_ns=5) == Settings(
        threshold_deg=12.0,
        hold_s=90.0,
        mode=Mode.TRACK,
        reminder_s=300.0,
        break_after_s=None,
        fading=True,
        snoozed_until_ns=5,
    )


def test_the_clip_binds() -> None:
    """[clip] is what sensor.link binds to."""
    config = Config.model_validate({"clip": CLIP})
    assert config.binding() == ClipBinding("witmotion", "C4:A3:FC:76:9B:33", "WT901", "C4", 50.0)


# ---- the fresh file --------------------------------------------------------------------------------------------------


def test_a_fresh_file_is_the_defaults_and_names_everything() -> None:
    """As written it is all defaults; every setting stands in it with its meaning."""
    text = template("w-12345678")
    assert parse(text.encode(), PATH) == Config.model_validate({"wearer": {"id": "w-12345678"}})
    for table in Config.model_fields:
        for entry in entries(table):
            assert re.search(rf"^(# )?{entry.key} = ", text, re.MULTILINE), entry
            assert len(entry.meaning) > 10


def switched_on(text: str, *, examples: bool) -> bytes:
    """Return a fresh file without the "# " before its settings; examples and tables of examples only on demand."""
    lines, optional = [], False
    for line in text.splitlines():
        if re.match(r"(# )?\[\w+\]$", line):
            optional = line.startswith("#")
        is_setting = re.match(r"# (\w+ = |\[)", line)
        wanted = examples or not (optional or EXAMPLE in line)
        lines.append(line[2:] if is_setting and wanted else line)
    return "\n".join(lines).encode()


def test_a_fresh_file_with_every_line_switched_on_is_the_defaults_still() -> None:
    """Removing the "# " before every default changes nothing; before every example, too, it still loads."""
    text = template("w-12345678")
    config = parse(switched_on(text, examples=False), PATH)
    assert config.detector.hold_s == 60.0
    assert config.settings() == Settings()
    assert config.model_copy(update={"detector": Detector(), "alerts": Alerts()}) == parse(
        text.encode(), PATH
    )
    whole = parse(switched_on(text, examples=True), PATH)
    assert whole.binding().family == "witmotion"
    assert whole.influxdb is not None
    assert whole.settings() == Settings(threshold_deg=12.0)


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[detector]\n\nhold = 30\n", (3, "detector.hold", "detector.hold_s")),
        ("[detecter]\nhold_s = 30\n", (1, "detecter", "detector")),
        ("# …\nhold_s = 30\n", (2, "hold_s", "detector.hold_s")),
        ("[detector]\nmode = 'coach'\n", (2, "detector.mode", "alerts.mode")),
        (
            "[influxdb]\nurl = 'http://h'\nbucket = 'b'\ntoken = 'x'",
            (4, "influxdb.token", "influxdb.token_file"),
        ),
        ("detector.dip = 3\n", (1, "detector.dip", "detector.dip_s")),
        ("detector = {hold_s = 30, dips = 2}\n", (1, "detector.dips", "detector.dip_s")),
        ("[alerts]\nmode = 'couch'\n", (2, "alerts.mode", "coach")),
        ("[detector]\nhold_s = [\n1,\n]\n", (2, "detector.hold_s", "")),
        ("[clip]\nfamily = 'witmotion'\nname = 'x'\n", (1, "clip.address", "")),
        ("wearer = 3\n", (1, "wearer", "")),
        ("[alerts]\ndesktop = 'yes'\n", (2, "alerts.desktop", "")),
        ("[alerts]\ndesktop = 1\n", (2, "alerts.desktop", "")),
        ("[detector]\nvehicle_after_s = 20.5\n", (2, "detector.vehicle_after_s", "")),
        ("[detector]\nhold_s = nan\n", (2, "detector.hold_s", "")),
        ("[detector]\nhold_s = true\n", (2, "detector.hold_s", "")),
        ("[detector]\nhold_s = 4.9\n", (2, "detector.hold_s", "")),
        ("[detector]\nmoving_on_g = 0.03\n", (1, "detector", "")),
        ("[wearer]\nid = 'Anna Schmidt'\n", (2, "wearer.id", "")),
        ("[clip]\nfamily='witmotion'\nname='x'\naddress='y'\nrate_hz=49\n", (5, "clip.rate_hz", "")),
        ("[influxdb]\nbucket = 'b'\nurl = 'ftp://h'\n", (3, "influxdb.url", "")),
        ("[influxdb]\nbucket = 'b'\nurl = 'http://me:secret@h'\n", (3, "influxdb.url", "")),
        ("[influxdb]\nbucket = ''\nurl = 'http://h'\n", (2, "influxdb.bucket", "")),
        ("[alerts]\nschedule = 'mon'\n", (2, "alerts.schedule", "")),
        ("[alerts]\nschedule = [\n 'someday',\n]\n", (2, "alerts.schedule", "")),
        ("[alerts]\nbreak_after_s = 20\n", (2, "alerts.break_after_s", "")),
        ("[journal]\npath = 3\n", (2, "journal.path", "")),
        ("[detector]\nhold_s = 30\nhold_s = 40\n", (3, "", "")),
        ("[journal]\npath = '~nosuchuser/j.db'\n", (2, "journal.path", "")),
        ('[alerts]\n\npush_file = "a\\u0000b"\n', (3, "alerts.push_file", "")),
        ("[detector\n", (1, "", "")),
        ('[wearer]\nid = "w-\n', (2, "", "")),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(
    text: str, expected: tuple[int, str, str]
) -> None:
    """File, line, the key with its table, and the nearest that is known."""
    assert mistakes(text) == [expected]


def test_sentences_are_for_people() -> None:
    """Bounds with their unit, words instead of type names, what stands there, and no secret repeated."""
    assert sentence("[detector]\nhold_s = 700") == "detector.hold_s must be from 5 to 600 s, not 700"
    assert sentence('[detector]\nhold_s = "long"') == 'detector.hold_s must be a number, not "long"'
    assert sentence("[alerts]\ndesktop = 1") == "alerts.desktop must be true or false, not 1"
    assert "secret" not in sentence("[influxdb]\nbucket = 'b'\nurl = 'http://me:secret@h'")
    assert "sk-123" not in sentence("[influxdb]\nbucket = 'b'\nurl = 'http://h'\ntoken = 'sk-123'")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "htp://me:s3cret@h",
            "http://me:s3cret@h:80860",
            "me:s3cret@h",
            "http://me:s3cret/@h",
            "//s3cret@h",
        ),
        *("http://a@b:s3cret@h:x", "http://me:12/s3cret@h", "http://s3cret@h", "http://h?token=s3cret"),
    ],
)
def test_a_password_in_an_address_is_not_repeated(url: str) -> None:
    """However the address is mistyped, for every table that has one."""
    for table, key in (("influxdb", "url"), ("grafana", "url"), ("grafana", "influxdb_url")):
        (problem, *_) = told = problems(f"[{table}]\n{key} = '{url}'\n")
        assert f"{table}.{key}" in {each.key for each in told}
        assert problem.line
        assert "s3cret" not in str(told)


def test_a_path_that_can_be_none_is_told() -> None:
    """The home of nobody, and a character that no path can hold."""
    assert sentence("[journal]\npath = '~nosuchuser/j.db'") == (
        'journal.path must begin with a home that this computer knows, not "~nosuchuser"'
    )
    assert sentence('[alerts]\npush_file = "a\\u0000b"').startswith("alerts.push_file must not hold a NUL")


def test_every_mistake_is_told_at_once() -> None:
    """A file with several mistakes is mended in one go."""
    text = "[detector]\nhold = 3\ndip_s = 'x'\n[alert]\n"
    assert [line for line, *_ in mistakes(text)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"[wearer]\n# gr\xfc\xdfe\n", 2), (b"x" * 300_000, None), (b"a = " + b"[" * 5000, 1)],
)
def test_what_is_no_text_or_no_configuration_is_told(data: bytes, line: int | None) -> None:
    """Another encoding, another file altogether."""
    with pytest.raises(ConfigError) as caught:
        parse(data, PATH)
    assert [problem.line for problem in caught.value.problems] == [line]


def test_a_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    """As Windows' editors write; they stay when neckline writes."""
    path = tmp_path / "config.toml"
    path.write_bytes("﻿[detector]\r\nhold_s = 30 # soon\r\n".encode())
    assert load(path).detector.hold_s == 30
    change(path, {"detector": {"hold_s": 40.0}})
    assert b"hold_s = 40.0 # soon\r\n" in path.read_bytes()


KEYS = [f"{table}.{entry.key}" for table in ("detector", "alerts") for entry in entries(table)]


@given(st.sampled_from(KEYS), st.data())
def test_one_wrong_letter_names_the_key_that_was_meant(key: str, data: st.DataObject) -> None:
    """A letter lacking, doubled or changed in any key still finds that key."""
    table, name = key.split(".")
    at = data.draw(st.integers(0, len(name) - 1))
    typo = data.draw(
        st.sampled_from(
            [name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], name[:at] + "q" + name[at + 1 :]]
        )
    )
    known = {entry.key for entry in entries(table)}
    if typo in known or not typo:
        return
    ((line, told, nearest),) = mistakes(f"# first\n[{table}]\n{typo} = 1\n")
    assert (line, told) == (3, f"{table}.{typo}")
    assert nearest.partition(".")[2] in known
    if len(name) > 6:
        assert nearest == key


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_text_gives_a_configuration_or_a_config_error(text: str) -> None:
    """Nothing else ever comes of reading a file."""
    try:
        assert isinstance(parse(text.encode("utf-8", "surrogatepass"), PATH), Config)
    except ConfigError as error:
        assert error.problems  # noqa: PT017 (either outcome is right)


VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from([*Config.model_fields, "detecter", "ä b"]),
    st.dictionaries(
        st.sampled_from([*(key.partition(".")[2] for key in KEYS), "id", "x y"]), VALUES, max_size=4
    ),
    max_size=4,
)


@given(DOCUMENTS)
def test_lines_are_those_of_the_keys(document: dict[str, Any]) -> None:
    """Whatever TOML holds, the line told for a table or key is one on which it stands."""
    text = tomlkit.dumps(document)
    assert tomllib.loads(text) == document
    lines = text.split("\n")
    for where, line in lines_of(text).items():
        if len(where) <= 2:
            assert tomlkit.key(where[-1]).as_string() in lines[line - 1]


@given(DOCUMENTS)
def test_wrong_types_anywhere_are_told_as_mistakes(document: dict[str, Any]) -> None:
    """Any value under any key gives a configuration or sentences, never another exception."""
    try:
        parse(tomlkit.dumps(document).encode(), PATH)
    except ConfigError as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017 (either outcome is right)


# ---- secrets and paths -----------------------------------------------------------------------------------------------


def test_secrets_come_from_files_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Push URLs and tokens: files relative to the configuration, the environment beside or before them."""
    (tmp_path / "urls.txt").write_text("# phones\nntfy://one\n\n  ntfy://two  \n")
    text = (
        "[alerts]\npush_file = 'urls.txt'\n[influxdb]\nurl = 'http://h'\nbucket = 'b'\ntoken_file = 'token'\n"
    )
    config = parse(text.encode(), tmp_path / "config.toml")
    assert config.push_urls() == ("ntfy://one", "ntfy://two")
    monkeypatch.setenv("NECKLINE_PUSH_URLS", "ntfy://three ntfy://four")
    assert config.push_urls() == ("ntfy://three", "ntfy://four", "ntfy://one", "ntfy://two")
    (tmp_path / "urls.txt").unlink()
    with pytest.raises(SecretError, match=r"alerts\.push_file names .*urls\.txt"):
        config.push_urls()
    settings = config.influxdb_settings()
    assert settings is not None
    assert settings.token_file == tmp_path / "token"


def test_a_secret_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    """The warning names the key and the way out; a private file, or none, is no warning."""
    secret = tmp_path / "urls.txt"
    config = parse(b"[alerts]\npush_file = 'urls.txt'\n", tmp_path / "config.toml")
    assert config.warnings() == ()
    secret.write_text("ntfy://one")
    secret.chmod(0o640)
    (warning,) = config.warnings()
    assert "alerts.push_file" in warning
    assert f"chmod 600 {secret}" in warning
    secret.chmod(0o600)
    assert config.warnings() == ()


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    """~ is the home folder."""
    monkeypatch.setenv("HOME", "/home/somebody")
    config = parse(b"[journal]\npath = '~/j.db'\n", PATH)
    assert config.journal.path == Path("/home/somebody/j.db")
    assert os.fspath(parse(b"[journal]\npath = 'j.db'\n", PATH).journal.path or "") == "/somewhere/j.db"


def test_never_is_allowed_where_it_makes_sense() -> None:
    """0 s is accepted for what may never happen, and only there."""
    for key in MAY_BE_NEVER:
        parse(f"[alerts]\n{key} = 0\n".encode(), PATH)
