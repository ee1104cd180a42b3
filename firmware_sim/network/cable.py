"""A cable to another network namespace that really loses packets: `tc netem`, where the kernel has none.

Each end is a TUN device, so on both sides it is the kernel's own TCP that notices and sends again. Needs
root, `ip` (iproute2) and /dev/net/tun. The near end, with a private address, is in our own namespace.
"""

import asyncio
import fcntl
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TUN = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001
_NETWORK = "10.203.{number}.{host}"
_PACKET_BYTES = 65_535


@dataclass
class Weather:
    """Of all packets the share `loss` never arrives; the others take `latency_s`, one way."""

    loss: float = 0.0
    latency_s: float = 0.0
    carried: int = 0
    lost: int = 0
    chance: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True)
class Cable:
    """`namespace` is the far side, where programs are started; `near` is our address on the cable."""

    namespace: str
    near: str
    weather: Weather
    near_handle: int
    far_handle: int

    def inside(self) -> tuple[str, ...]:
        """What to put before a command line to run it on the far side."""
        return ("ip", "netns", "exec", self.namespace)

    async def run(self) -> None:
        """Carries packets until it is cancelled."""
        loop = asyncio.get_running_loop()
        ends = (self.near_handle, self.far_handle)
        for source, target in (ends, ends[::-1]):
            loop.add_reader(source, self._carry, source, target)
        try:
            await asyncio.Event().wait()
        finally:
            for handle in ends:
                loop.remove_reader(handle)

    def _carry(self, source: int, target: int) -> None:
        packet = os.read(source, _PACKET_BYTES)
        if self.weather.chance.random() < self.weather.loss:
            self.weather.lost += 1
            return
        self.weather.carried += 1
        asyncio.get_running_loop().call_later(self.weather.latency_s, os.write, target, packet)


def missing() -> str | None:
    """What this machine lacks for a cable; None where all is there."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        return "the program ip (iproute2)"
    return None if _TUN.exists() else str(_TUN)


@contextmanager
def laid(weather: Weather) -> Iterator[Cable]:
    """The namespace and the devices, gone again at the end. Raises OSError or CalledProcessError."""
    number = os.getpid() % 250
    namespace, near, far = f"loaban-{os.getpid()}", f"lbn{os.getpid()}", f"lbf{os.getpid()}"
    near_address, far_address = (_NETWORK.format(number=number, host=host) for host in (1, 2))
    with ExitStack() as undo:
        _ip("netns", "add", namespace)
        undo.callback(_ip, "netns", "del", namespace)
        handles = [_device(name) for name in (near, far)]
        for handle in handles:
            undo.callback(os.close, handle)
        _ip("link", "set", far, "netns", namespace)
        _ip("addr", "add", near_address, "peer", far_address, "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", namespace, "addr", "add", far_address, "peer", near_address, "dev", far)
        _ip("-n", namespace, "link", "set", far, "up")
        yield Cable(namespace, near_address, weather, *handles)


def _device(name: str) -> int:
    """A TUN device of that name, in our own namespace until it is moved; gone when the handle is closed."""
    handle = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH", name.encode(), _TUN_WITHOUT_HEADER))
    return handle


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S607 - where it lies differs
