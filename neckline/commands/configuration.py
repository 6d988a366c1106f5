"""`neckline config`: where the configuration is, whether it is right, and a fresh one."""

from neckline.commands.setup import Setup
from neckline.commands.talk import give, say
from neckline.config_file import new_wearer_id, write
from neckline.errors import ConfigExistsError


def path(setup: Setup) -> None:
    """Give the path of the configuration file in force, whether it is there or not."""
    give(str(setup.config_path))


def check(setup: Setup) -> None:
    """Say that all is well; ConfigError with every mistake, ConfigAbsentError."""
    setup.config()
    there = "OK" if setup.config_path.exists() else "there is none, so all is as by default"
    give(f"{setup.config_path}: {there}")


def init(setup: Setup) -> None:
    """Write a fresh configuration with every setting explained; ConfigExistsError rather than replace one."""
    from neckline.config_template import template  # noqa: PLC0415 (numpy, by way of the detector's settings)

    where = setup.config_path
    if where.exists():
        raise ConfigExistsError(where)
    wearer_id = new_wearer_id()
    write(where, template(wearer_id))
    give(str(where))
    say(f"you are {wearer_id}: a random pseudonym, under which everything is stored\nnext: `neckline pair`")
