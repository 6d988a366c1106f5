"""The configuration → one line of what is judged and told otherwise than by default, as it is stored when it changes."""

from dataclasses import fields

from neckline.configuration.config import Config
from processing.settings import Settings


def in_force(config: Config) -> str:
    """Return what differs from the defaults, as `hold_s 90, mode track`; empty when nothing does."""
    found, default = config.settings(), Settings()
    changed = [
        f"{field.name} {getattr(found, field.name)}"
        for field in fields(Settings)
        if getattr(found, field.name) != getattr(default, field.name)
    ]
    hours = "; ".join(config.alerts.schedule)
    return ", ".join([*changed, *([f"alerts at {hours}"] if hours else [])])
