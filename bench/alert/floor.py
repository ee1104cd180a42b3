"""The floor: what the broker alone needs to bring one message to as many bare sockets as there are stations.

Run as a module it is one process of such subscribers: `python -m bench.alert.floor PORT COUNT PREFIX BYTES`.
It says `ready`, and then for every message one line of JSON: when each of its sockets had the whole of it, on
the monotonic clock.
"""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

from bench.alert.figures import Spread
from bench.alert.tap import connected
from firmware_sim.fleet import packets

TOPIC = "floor/area/lao-cai/alerts"
_ID_AT = 2 + len(TOPIC)
_ROUND_WITHIN_S = 10.0


def measured(port: int, stations: int, processes: int, size_bytes: int, rounds: int) -> list[Spread]:
    """From the publisher's call to the last byte at each socket, in seconds; a first round is thrown away."""
    message = packets.publish(TOPIC, b"x" * size_bytes, qos=1, retain=False, packet_id=1)
    shares = [round(stations * part / processes) for part in range(processes + 1)]
    with ExitStack() as stack:
        subscribers = [
            stack.enter_context(_subscribers(port, until - since, f"floor-{part}", len(message)))
            for part, (since, until) in enumerate(pairwise(shares))
        ]
        sock = stack.enter_context(connected(port, "floor-publisher"))
        spreads = [_round(sock, message, subscribers) for _ in range(rounds + 1)]
    return spreads[1:]


def _round(sock: socket.socket, message: bytes, subscribers: "list[subprocess.Popen[str]]") -> Spread:
    time.sleep(0.3)
    begun_s = time.monotonic()
    sock.sendall(message)
    times = [at_s for one in subscribers for at_s in json.loads(_line(one))]
    sock.recv(4)
    spread = Spread.of(at_s - begun_s for at_s in times)
    assert spread is not None
    return spread


@contextmanager
def _subscribers(port: int, count: int, prefix: str, size: int) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "bench.alert.floor", str(port), str(count), prefix, str(size)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if _line(process) != "ready":
            raise SystemExit("the floor's subscribers do not come up")
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def subscribe_for_ever(port: int, count: int, prefix: str, size: int) -> None:
    """Each message is `size` bytes as a packet, which is all that is known of it here."""
    poller, socks = select.epoll(), {}
    for number in range(count):
        sock = connected(port, f"{prefix}-{number}")
        sock.sendall(packets.subscribe(1, [TOPIC]))
        sock.recv(5)
        socks[sock.fileno()] = sock
        poller.register(sock.fileno(), select.EPOLLIN)
    print("ready", flush=True)
    while True:
        print(json.dumps(_one_message(poller, socks, size)), flush=True)


def _one_message(poller: select.epoll, socks: dict[int, socket.socket], size: int) -> list[float]:
    missing = dict.fromkeys(socks, b"")
    times: list[float] = []
    while missing:
        ready = poller.poll(_ROUND_WITHIN_S if times else None)
        if not ready:
            break
        for handle, _ in ready:
            missing[handle] += socks[handle].recv(size)
            if len(missing[handle]) == size:
                times.append(time.monotonic())
                socks[handle].send(_acknowledgement(missing.pop(handle)))
    return times


def _acknowledgement(packet: bytes) -> bytes:
    """The packet's number follows header, length and topic."""
    length_bytes = next(place for place in range(1, 5) if not packet[place] & 0x80)
    at = 1 + length_bytes + _ID_AT
    return packets.puback(int.from_bytes(packet[at : at + 2], "big"))


if __name__ == "__main__":
    subscribe_for_ever(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
