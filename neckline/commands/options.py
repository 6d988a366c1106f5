"""Which files a command works on: from its options, the environment, the configuration."""

import os
from dataclasses import dataclass
from pathlib import Path

from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.configuration.file import load
from neckline.paths import CONFIG_ENV, config_path, journal_path


@dataclass(frozen=True, slots=True)
class Options:
    """The global options."""

    config_option: Path | None = None
    journal_option: Path | None = None

    @property
    def config_path(self) -> Path:
        """The configuration file in force, whether it is there or not."""
        return config_path(self.config_option)

    def config(self, *, may_be_new: bool = False) -> Config:
        """Read the configuration, and say what is unwise in it; one that was named must be there.

        Raises ConfigError, ConfigAbsentError.
        """
        named = self.config_option is not None or CONFIG_ENV in os.environ
        config = load(self.config_path, must_exist=named and not may_be_new)
        for warning in config.warnings():
            say(f"neckline: warning: {warning}")
        return config

    def journal_path(self, config: Config) -> Path:
        """Return the journal in force, whether it is there or not."""
        return journal_path(self.journal_option, config.journal.path)
