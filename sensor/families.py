"""The registry of clip families. A family joins neckline by its `FAMILY` in `sensor.sessions` and one line here."""

from collections.abc import Mapping
from types import MappingProxyType

from sensor.advertisement import Advertisement
from sensor.session import Family
from sensor.sessions import (
    capture2go,
    metamotion,
    movella_dot,
    movesense,
    openearable,
    polar,
    thingy52,
    witmotion,
)

__all__ = ["FAMILIES", "Family", "family_named", "family_of"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            witmotion.FAMILY,
            movella_dot.FAMILY,
            metamotion.FAMILY,
            polar.H10,
            polar.SENSE,
            movesense.FAMILY,
            thingy52.FAMILY,
            openearable.FAMILY,
            capture2go.FAMILY,
        )
    }
)


def family_named(name: str) -> Family:
    """Return the family of this name; ValueError if there is none."""
    if name not in FAMILIES:
        raise ValueError(f"{name!r} is no family of clips; known: {', '.join(FAMILIES)}")
    return FAMILIES[name]


def family_of(advertisement: Advertisement) -> Family | None:
    """Return the family that an advertisement belongs to, if it is one of ours."""
    return next((family for family in FAMILIES.values() if family.matches(advertisement)), None)
