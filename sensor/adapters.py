"""Which Bluetooth adapters of this computer are ours: one process owns an adapter, for as long as it lives.

Two processes that scan, connect and give up links on one adapter take each other's links away. On Linux the claim is a
name in the kernel, an abstract socket: it needs no file, and ends with the process, however that ends. macOS and
Windows have one adapter and share it out themselves: there nothing is claimed.
"""

import hashlib
import os
import socket
import sys

from sensor.errors import BluetoothTakenError

_claims: dict[str, int] = {}
"""What this process owns, by name; the descriptors are never closed."""


def adapter_of(details: object) -> str | None:
    """Return the adapter that a device with these details was heard by, such as hci0; None where nobody tells.

    The details are the operating system's: BlueZ names the object of the device, which lies beneath its adapter's.
    """
    path = details.get("path", "") if isinstance(details, dict) else ""
    match path.split("/"):
        case ["", "org", "bluez", adapter, *_]:
            return adapter
    return None


def claim(adapter: str) -> None:
    """Make an adapter this process's own until it ends. Raises BluetoothTakenError when it is another's."""
    if sys.platform != "linux":
        return
    # Adapters are named within a bluetoothd, and that is found by its bus; a name holds 107 bytes.
    bus = hashlib.sha256(os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "").encode()).hexdigest()[:16]
    name = f"\0neckline {bus} {adapter}"
    if name in _claims:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as kept:
        try:
            kept.bind(name)
        except OSError as error:
            raise BluetoothTakenError(adapter) from error
        _claims[name] = kept.detach()
