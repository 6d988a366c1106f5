"""The bar of long commands: on a terminal alone, and with names as they are."""

import pytest

from neckline.screen.progress import SEEN, bar


def test_a_terminal_sees_names_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets in a file's name are no markup; what is data, on stdout, stays free of it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with bar(SEEN) as progress:
        progress.add_task("[red]day[/].csv", total=None, seen="3 min [of] it")
    said = capsys.readouterr()
    assert "[red]day[/].csv" in said.err
    assert "3 min [of] it" in said.err
    assert not said.out


def test_elsewhere_nothing_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a pipe or a log."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with bar() as progress:
        progress.update(progress.add_task("exporting epoch", total=2), completed=1)
    assert capsys.readouterr() == ("", "")
