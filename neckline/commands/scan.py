"""`neckline scan`: which clips are in range."""

from neckline.commands import machine
from neckline.commands.output import give_json, give_table, say
from neckline.errors import NoClipHeardError
from sensor import link
from sensor.link import Sighting


def scan(seconds: float, *, as_json: bool) -> None:
    """Listen, then show the clips of known families, nearest first; NoClipHeardError when there is none."""
    say(f"listening for clips for {seconds:g} s …")
    sightings = machine.run(heard(seconds))
    if as_json:
        give_json([_plain(sighting) for sighting in sightings])
    elif sightings:
        give_table(("name", "family", "address", "signal"), [_row(sighting) for sighting in sightings])
        say(
            "\nto wear one of them: `neckline pair ADDRESS`"
            if len(sightings) > 1
            else "\nto wear it: `neckline pair`"
        )
    if not sightings:
        raise NoClipHeardError(seconds)


async def heard(seconds: float) -> list[Sighting]:
    """Return the clips within range, nearest first."""
    async with machine.bluetooth() as bluetooth:
        return await link.scan(bluetooth, seconds)


def nearness(rssi_dbm: int | None) -> str:
    """Return what a signal strength means; walls and bodies change it by 10 dB and more, so only roughly."""
    if rssi_dbm is None:
        return "?"
    word = "near" if rssi_dbm >= -65 else "in range" if rssi_dbm >= -85 else "far"
    return f"{rssi_dbm} dBm, {word}"


def _row(sighting: Sighting) -> tuple[str, ...]:
    seen = sighting.advertisement
    return seen.name or "?", sighting.family.name, seen.address, nearness(seen.rssi_dbm)


def _plain(sighting: Sighting) -> dict[str, str | int | None]:
    seen = sighting.advertisement
    return {
        "name": seen.name,
        "family": sighting.family.name,
        "address": seen.address,
        "rssi_dbm": seen.rssi_dbm,
    }
