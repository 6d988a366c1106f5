"""In the guest: the kernel's /dev/vhci ⇄ a serial port to the host, where the controller is. Standard library alone."""

import os
import select
from pathlib import Path

VENDOR = 0xFF
"""/dev/vhci's own packets, which are not Bluetooth: the request for a controller and its answer."""
HEADER_LENGTHS = {0x02: 5, 0x03: 4, 0x04: 3, 0x05: 5}
"""By packet type: ACL, SCO, event, ISO. Type byte included."""


def port(name: str) -> Path:
    """Return the device of the virtio serial port with this name."""
    for told in Path("/sys/class/virtio-ports").glob("*/name"):
        if told.read_text().strip() == name:
            return Path("/dev", told.parent.name)
    raise FileNotFoundError(f"no serial port {name}")


def packet_length(data: bytes) -> int | None:
    """Return how long the packet is that begins here, None while that cannot be told."""
    header = HEADER_LENGTHS[data[0]]
    if len(data) < header:
        return None
    match data[0]:
        case 0x02:
            return header + int.from_bytes(data[3:5], "little")
        case 0x05:
            return header + (int.from_bytes(data[3:5], "little") & 0x3FFF)
        case _:
            return header + data[header - 1]


def main() -> None:
    """Copy both ways for ever; /dev/vhci wants one packet a read and one a write."""
    kernel = os.open("/dev/vhci", os.O_RDWR)
    host = os.open(port("hci"), os.O_RDWR)
    os.write(kernel, bytes([VENDOR, 0x00]))
    waiting = b""
    while True:
        for ready in select.select([kernel, host], [], [])[0]:
            if ready == kernel:
                packet = os.read(kernel, 4096)
                if packet[0] != VENDOR:
                    os.write(host, packet)
                continue
            waiting += os.read(host, 65536)
            while waiting and (length := packet_length(waiting)) is not None and len(waiting) >= length:
                os.write(kernel, waiting[:length])
                waiting = waiting[length:]


if __name__ == "__main__":
    main()
