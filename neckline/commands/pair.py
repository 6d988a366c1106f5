"""`neckline pair`: finds the clip, asks who it is, and writes it into the configuration."""

import sys

from neckline.commands import machine
from neckline.commands.options import Options
from neckline.commands.output import say
from neckline.commands.scan import nearness
from neckline.configuration.file import change, new_wearer_id
from neckline.configuration.template import template
from neckline.errors import NoClipHeardError, WhichClipError
from processing.head import HEAD
from sensor import link
from sensor.errors import ClipNotFoundError
from sensor.link import ClipBinding, ClipReport, Sighting

SCAN_S = 8.0


def pair(options: Options, which: str | None, placement: str | None = None) -> None:
    """Pair with the clip of this address or name, with the only one in range, or with the one chosen on a terminal.

    `placement` is where it is to be worn: on the head it is a second clip beside the one on the back; None leaves the
    configuration's. A clip that is worn elsewhere already is not offered.

    Raises NoClipHeardError, ClipNotFoundError, WhichClipError, BluetoothError, a ClipError, ConfigError.
    """
    config = options.config(may_be_new=True)
    before, other = config.clip, config.head_clip
    if placement == HEAD:
        before, other = other, before
    say(f"listening for clips for {SCAN_S:g} s …")
    adapter = before.adapter if before else None
    sighting, report = machine.run(_meet(which, adapter, other.address if other else None))
    kept_hz = before.rate_hz if before and before.rate_hz in sighting.family.rates_hz else None
    binding = link.bind(sighting, report, kept_hz)
    new_id = None if config.wearer.id else new_wearer_id()
    _write(options, binding, new_id, placement)
    serial = f"serial number {binding.serial}, " if binding.serial else ""
    say(f"paired with {binding.name} ({binding.address}), {serial}{_details(report)}")
    if new_id:
        say(f"you are {new_id}: a random pseudonym, under which everything is stored")
    say(
        f"written to {options.config_path}\nnext: put the clip on, then `neckline calibrate` and `neckline run`"
    )


async def _meet(
    which: str | None, adapter: str | None, worn_elsewhere: str | None
) -> tuple[Sighting, ClipReport]:
    """Choose a clip and ask it who it is, with one and the same Bluetooth."""
    async with machine.bluetooth() as bluetooth:
        sightings = [
            sighting
            for sighting in await link.scan(bluetooth, SCAN_S, adapter)
            if sighting.advertisement.address.upper() != (worn_elsewhere or "").upper()
        ]
        sighting = _choose(sightings, which)
        say(f"asking {_name(sighting)} who it is …")
        return sighting, await link.identify(bluetooth, sighting)


def _choose(sightings: list[Sighting], which: str | None) -> Sighting:
    if which is not None:
        fits = [s for s in sightings if which.upper() in {s.advertisement.address.upper(), _name(s).upper()}]
        if not fits:
            others = [sighting.advertisement.address for sighting in sightings]
            raise ClipNotFoundError("that you named", which, others)
        sightings = fits
    if not sightings:
        raise NoClipHeardError(SCAN_S)
    if len(sightings) == 1:
        return sightings[0]
    if not sys.stdin.isatty():
        raise WhichClipError(tuple(f"{_name(s)} ({s.advertisement.address})" for s in sightings))
    return _ask(sightings)


def _ask(sightings: list[Sighting]) -> Sighting:
    for number, sighting in enumerate(sightings, 1):
        seen = sighting.advertisement
        say(f"{number}  {_name(sighting)}  {seen.address}  {nearness(seen.rssi_dbm)}")
    while True:
        say(f"which one do you wear? 1 to {len(sightings)}: ", end="")
        answer = sys.stdin.readline()
        if not answer:
            raise WhichClipError(tuple(f"{_name(s)} ({s.advertisement.address})" for s in sightings))
        if answer.strip().isdecimal() and 1 <= int(answer) <= len(sightings):
            return sightings[int(answer) - 1]


def _name(sighting: Sighting) -> str:
    return sighting.advertisement.name or sighting.advertisement.address


def _details(report: ClipReport) -> str:
    firmware = f"firmware {report.identity.firmware}" if report.identity.firmware else "firmware not told"
    return f"{firmware}, battery {report.battery.percent:.0f} %" if report.battery else firmware


def _write(options: Options, binding: ClipBinding, new_id: str | None, placement: str | None) -> None:
    clip = {
        "family": binding.family,
        "name": binding.name,
        "address": binding.address,
        "serial": binding.serial,
        "rate_hz": binding.rate_hz,
    }
    wearer = {"id": new_id} if new_id else {}
    table = "clip"
    if placement == HEAD:
        table = "head_clip"
    elif placement is not None:
        wearer["placement"] = placement
    change(
        options.config_path, {"wearer": wearer, table: clip}, otherwise=template(new_id or new_wearer_id())
    )
