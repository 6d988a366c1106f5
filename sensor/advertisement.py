"""What is known of a clip before its samples: what a scan saw, and what it says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a scan saw. On macOS `address` is an identifier that this computer alone knows the clip by."""

    address: str
    name: str | None
    service_uuids: tuple[str, ...]
    rssi_dbm: int | None
    company_ids: tuple[int, ...] = ()
    """Whose manufacturer data it carries, by the numbers that the Bluetooth SIG assigned."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the clip says of itself in band, whatever its advertisement says."""

    serial: str
    """Empty if it has none to tell."""
    firmware: str = ""
    """Empty until it is known."""
