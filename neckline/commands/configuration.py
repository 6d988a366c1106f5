"""`neckline config`: where the configuration is, whether it is right, and a fresh one."""

from neckline.commands.options import Options
from neckline.commands.output import give, say
from neckline.configuration.file import new_wearer_id, write
from neckline.errors import ConfigExistsError


def path(options: Options) -> None:
    """Give the path of the configuration file in force, whether it is there or not."""
    give(str(options.config_path))


def check(options: Options) -> None:
    """Say that all is well; ConfigError with every mistake, ConfigAbsentError."""
    options.config()
    there = "OK" if options.config_path.exists() else "there is none, so all is as by default"
    give(f"{options.config_path}: {there}")


def init(options: Options) -> None:
    """Write a fresh configuration with every setting explained; ConfigExistsError rather than replace one."""
    from neckline.configuration.template import template  # noqa: PLC0415 (numpy, by way of the detector's settings)

    where = options.config_path
    if where.exists():
        raise ConfigExistsError(where)
    wearer_id = new_wearer_id()
    write(where, template(wearer_id))
    give(str(where))
    say(f"you are {wearer_id}: a random pseudonym, under which everything is stored\nnext: `neckline pair`")
