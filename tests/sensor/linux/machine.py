"""A Linux with a Bluetooth stack of its own: Debian's kernel under QEMU, on this computer's files, its controller ours.

No disk image, no KVM: the guest's root is the host's, read-only, under a layer of memory, so that it runs the same
interpreter, the same neckline and the same bluetoothd. Its `/dev/vhci` is a bumble controller on the virtual radio
in the test's own process, so that the test owns the air and the clips.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bumble import hci
from bumble.transport.common import StreamPacketSink, StreamPacketSource

from sensor.virtual.radio import Radio, VirtualController

HERE = Path(__file__).parent
PROGRAMS = ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "dbus-daemon", "btmgmt")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
BLUETOOTHD = Path("/usr/libexec/bluetooth/bluetoothd")
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay", "hci_vhci")
FOLDERS = ("bin", "proc", "sys", "dev", "host", "layer", "root", "modules")
ADDRESS = "00:11:22:33:44:55"


def program(name: str) -> str:
    """Return where a program is; empty if nowhere."""
    return shutil.which(name, path=PATH) or ""


def kernel_folder() -> Path:
    """Return where Debian's kernel is: `NECKLINE_KERNEL`, or where its package installs it."""
    return Path(os.environ.get("NECKLINE_KERNEL", "/"))


def kernel() -> Path | None:
    """Return the newest kernel that has its modules beside it, with the list of what each of them wants."""
    kernels = sorted(kernel_folder().glob("boot/vmlinuz-*"), reverse=True)
    return next((k for k in kernels if (_modules_of(k) / "modules.dep").exists()), None)


def _modules_of(vmlinuz: Path) -> Path:
    return kernel_folder() / "lib/modules" / vmlinuz.name.removeprefix("vmlinuz-")


def lacking() -> str:
    """Return in words what this computer lacks for such a machine; empty if nothing."""
    missing = [name for name in PROGRAMS if not program(name)]
    missing += [] if BLUETOOTHD.exists() else ["bluetoothd"]
    missing += [] if kernel() else [f"a kernel (boot/vmlinuz-*, lib/modules/*) in {kernel_folder()}"]
    return ", ".join(missing)


def first_files(vmlinuz: Path, folder: Path) -> Path:
    """Return the archive that the kernel starts from: busybox, init.sh, the modules and their order."""
    root = folder / "first"
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    shutil.copy(program("busybox"), root / "bin")
    shutil.copy(HERE / "init.sh", root / "init")
    (root / "init").chmod(0o755)
    show = [
        program("modprobe"),
        "-d",
        str(kernel_folder()),
        "-S",
        _modules_of(vmlinuz).name,
        "--show-depends",
    ]
    told = subprocess.run([*show, "-a", *MODULES], check=True, capture_output=True, text=True).stdout
    modules = dict.fromkeys(Path(line.split()[1]) for line in told.splitlines() if line.startswith("insmod"))
    for module in modules:
        shutil.copy(module, root / "modules")
    (root / "modules/order").write_text("".join(f"{module.name}\n" for module in modules))
    names = "\n".join(str(path.relative_to(root)) for path in root.rglob("*"))
    archive = folder / "first.cpio"
    with archive.open("wb") as file:
        pack = [program("cpio"), "--create", "--format=newc", "--quiet"]
        subprocess.run(pack, input=names.encode(), stdout=file, cwd=root, check=True)
    return archive


def command(folder: Path) -> list[str]:
    """Return the command that starts the machine, its two serial ports connected to sockets in this folder."""
    vmlinuz = kernel()
    assert vmlinuz is not None, lacking()
    words = ["quiet console=ttyS0 panic=-1 mitigations=off random.trust_cpu=on"]
    words += [f"guest={HERE / 'guest.sh'} python={sys.executable}"]
    qemu = [program("qemu-system-x86_64"), "-M", "q35", "-cpu", "max", "-smp", "2", "-m", "768"]
    qemu += ["-accel", "tcg,thread=multi"]  # where KVM is offered to containers it does not always work
    qemu += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
    qemu += [
        "-kernel",
        str(vmlinuz),
        "-initrd",
        str(first_files(vmlinuz, folder)),
        "-append",
        " ".join(words),
    ]
    qemu += ["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
    qemu += ["-device", "virtio-serial-pci"]
    for name in ("hci", "agent"):
        qemu += ["-chardev", f"socket,id={name},path={folder / name}"]
        qemu += ["-device", f"virtserialport,chardev={name},name={name}"]
    return qemu


class GuestController(VirtualController):
    """A controller as the guest's kernel sees it: older than bumble's.

    bumble claims LE privacy and extended advertising, and never sends the events that the kernel then waits for.
    """

    le_features = hci.LeFeatureMask.LE_ENCRYPTION | hci.LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION


class Machine:
    """The guest: `do` gives an order to its agent, `told` is what the agent tells."""

    def __init__(self, radio: Radio) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.pid = 0
        """Of the process that is the machine."""
        self._radio = radio
        self._agent: asyncio.StreamWriter | None = None

    def waits_s(self) -> list[dict[str, float]]:
        """Return for how long each thread of machine and controller has been ready and had no processor (proc_pid_schedstat)."""
        waits_s: list[dict[str, float]] = []
        for pid in (self.pid, os.getpid()):
            waits_s.append({})
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):  # it has ended, or this kernel does not count
                    waits_s[-1][thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
        return waits_s

    def kept_s(self, since: list[dict[str, float]]) -> float:
        """Return for how long other programs kept machine and controller from the processors, by the busiest thread of each."""
        now = self.waits_s()
        return sum(
            max((wait - was.get(thread, 0.0) for thread, wait in waits.items()), default=0.0)
            for was, waits in zip(since, now, strict=True)
        )

    def do(self, what: str, **how: Any) -> None:
        """Give an order."""
        assert self._agent is not None, "the agent is not there yet"
        self._agent.write(json.dumps({"do": what, **how}).encode() + b"\n")

    async def serve_agent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what the agent tells, until the machine ends."""
        self._agent = writer
        with suppress(ConnectionError):
            while line := await reader.readline():
                self.told.put_nowait(json.loads(line))
        writer.close()

    async def serve_kernel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be the controller of the guest's kernel, until the machine ends."""
        source = StreamPacketSource()
        controller = GuestController(
            "guest",
            host_source=source,
            host_sink=StreamPacketSink(writer.transport),
            link=self._radio,
            public_address=ADDRESS,
        )
        controller.le_acl_data_packet_length = controller.acl_data_packet_length = 251
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                source.data_received(data)
        writer.close()


@asynccontextmanager
async def machine(radio: Radio, folder: Path) -> AsyncIterator[Machine]:
    """Start the machine with its controller on this air; nothing of it is left after. What it prints is printed."""
    guest = Machine(radio)
    async with (
        await asyncio.start_unix_server(guest.serve_kernel, folder / "hci"),
        await asyncio.start_unix_server(guest.serve_agent, folder / "agent"),
    ):
        qemu = await asyncio.create_subprocess_exec(*command(folder), stdin=subprocess.DEVNULL)
        guest.pid = qemu.pid
        try:
            yield guest
        finally:
            qemu.kill()
            await qemu.wait()
