"""Writing the configuration's file: what is set changes, all else stays, and a broken file is never left."""

import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from tomlkit.exceptions import TOMLKitError

from neckline.configuration.config import Config
from neckline.configuration.file import change, load, new_wearer_id
from neckline.configuration.template import template
from neckline.errors import ConfigAbsentError, ConfigError, ConfigUnwritableError
from tests.neckline.test_config import CLIP


def test_writing_keeps_comments_and_order(tmp_path: Path) -> None:
    """Only what is set changes; what people wrote beside it stays."""
    path = tmp_path / "config.toml"
    before = "# mine\n[detector]\nhold_s = 30 # soon\n\n# later\n[alerts]\ndesktop = false\n"
    path.write_text(before)
    config = change(path, {"clip": CLIP, "wearer": {"id": "w-7f3a9c21"}, "detector": {"hold_s": 45.0}})
    text = path.read_text()
    assert text.startswith(before.replace("30", "45.0"))
    assert load(path) == config
    assert config.binding().name == "WT901"
    change(path, {"clip": {**CLIP, "serial": None}})
    assert load(path).binding().serial is None


@given(st.permutations(["wearer.id = 'w-1111'", "wearer.placement = 'c7'", "alerts.clip = true", "# mine"]))
def test_dotted_keys_are_changed_wherever_they_stand(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    """Also with another table's between them: what is set is set, and all else stays."""
    path = tmp_path_factory.mktemp("dotted") / "config.toml"
    path.write_text("\n".join(lines) + "\n")
    change(path, {"wearer": {"placement": "t4"}, "clip": CLIP})
    assert tomllib.loads(path.read_text()) == {
        "wearer": {"id": "w-1111", "placement": "t4"},
        "alerts": {"clip": True},
        "clip": CLIP,
    }
    assert "# mine\n" in path.read_text()


def test_what_cannot_be_changed_as_it_is_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the tables to write otherwise; the file stays as it was."""

    def fail(_: str) -> None:
        raise TOMLKitError("Redefinition of an existing table")

    monkeypatch.setattr(tomlkit, "parse", fail)
    path = tmp_path / "config.toml"
    path.write_text("wearer.id = 'w-1111'\n")
    with pytest.raises(ConfigError, match=r"write \[wearer\] and \[clip\] as one table each"):
        change(path, {"wearer": {"placement": "t4"}, "clip": CLIP})
    assert path.read_text() == "wearer.id = 'w-1111'\n"


def test_files_are_private_and_links_stay_links(tmp_path: Path) -> None:
    """0600 in folders of 0700; a configuration kept elsewhere by a link is changed there."""
    path = tmp_path / "new" / "config.toml"
    change(path, {"wearer": {"id": new_wearer_id()}}, otherwise=template("w-0000"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    change(link, {"wearer": {"id": "w-1111"}})
    assert link.is_symlink()
    assert load(path).wearer_id() == "w-1111"
    assert [*path.parent.iterdir()] == [path]


def test_a_change_that_would_break_the_file_leaves_it_as_it_was(tmp_path: Path) -> None:
    """Wrong before or wrong after: nothing is written."""
    path = tmp_path / "config.toml"
    path.write_text("[detector]\nhold_s = 30\n")
    with pytest.raises(ConfigError):
        change(path, {"detector": {"hold_s": 3.0}})
    assert path.read_text() == "[detector]\nhold_s = 30\n"
    path.write_text("[detector]\nhold = 30\n")
    with pytest.raises(ConfigError):
        change(path, {"wearer": {"id": "w-1111"}})
    assert path.read_text() == "[detector]\nhold = 30\n"


@given(
    st.dictionaries(st.sampled_from(["hold_s", "recovery_s"]), st.integers(5, 100), max_size=2),
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), max_size=4),
    st.floats(5, 600),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, others: dict[str, int], comments: list[str], hold_s: float
) -> None:
    """Any file with any comments, one value set: that value changes, all else stays, comments too."""
    path = tmp_path_factory.mktemp("written") / "config.toml"
    body = [f"{key} = {value}" for key, value in others.items()]
    lines = [f"# {comment}" for comment in comments] + ["[detector]", *body] + [f"# {c}" for c in comments]
    path.write_text("\n".join(lines) + "\n")
    config = change(path, {"detector": {"hold_s": hold_s}})
    assert config.detector.hold_s == hold_s
    assert config.detector.recovery_s == others.get("recovery_s")
    assert [line for line in path.read_text().split("\n") if line.startswith("#")] == [
        line for line in lines if line.startswith("#")
    ]


def test_absent_and_unwritable_files_are_told(tmp_path: Path) -> None:
    """A named file that is not there; a folder where the file should be; a folder that is a file."""
    assert load(tmp_path / "none.toml") == Config()
    with pytest.raises(ConfigAbsentError):
        load(tmp_path / "none.toml", must_exist=True)
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be read: not a directory"):
        change(tmp_path / "file" / "config.toml", {"wearer": {"id": "w-1111"}})
    with pytest.raises(ConfigUnwritableError):
        change(Path("/proc/config.toml"), {"wearer": {"id": "w-1111"}})
