"""docs/commands.md says what the product does: its tables are the product's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.neckline import manual

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


@pytest.mark.parametrize("table", [manual.option_table, manual.exit_table, manual.setting_table])
def test_the_page_has_this_table(table: Callable[[], list[str]]) -> None:
    """Commands with all their options, exit codes and settings stand there row by row, and no row is stale."""
    head, *rows = expected = table()
    lines = PAGE.read_text("utf-8").splitlines()
    begin = lines.index(head)
    found = lines[begin : begin + len(expected)]
    assert found == expected, "\n".join([f"docs/commands.md should have, below {head}:", *rows])
    assert not any(line.startswith("|") for line in lines[begin + len(expected) :][:1])


def test_every_command_tells_its_help_without_a_fault() -> None:
    """Each command and each option says what it is for."""
    for name, command in manual.commands():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"
