"""Time of its own: timers in order, threads never overtaken, sockets where they can be and not elsewhere."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from firmware_sim.fleet.storage import PatientDisk
from firmware_sim.scaled_loop import AT_ONCE, LoopExecutor, SocketInVirtualTime, loop_at, run_at

DAY_S = 86_400.0


def test_a_day_of_waiting_takes_no_time() -> None:
    async def day() -> float:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        for _ in range(24):
            await asyncio.sleep(3600)
        return loop.time() - begin_s

    began_s = time.monotonic()
    assert run_at(AT_ONCE, day()) == pytest.approx(DAY_S, abs=1e-3)
    assert time.monotonic() - began_s < 60


def test_timers_ring_in_their_order_and_at_their_own_instant() -> None:
    async def main() -> list[tuple[str, float]]:
        loop, rung = asyncio.get_running_loop(), list[tuple[str, float]]()
        for name, at_s in (("late", 100.0), ("early", 0.5), ("middle", 7.25)):
            loop.call_at(at_s, lambda name=name: rung.append((name, loop.time())))  # type: ignore[misc]
        await asyncio.sleep(101)
        return rung

    rung = run_at(AT_ONCE, main())
    assert [name for name, _ in rung] == ["early", "middle", "late"]
    assert [at_s for _, at_s in rung] == pytest.approx([0.5, 7.25, 100.0])


def test_time_stands_while_a_thread_works() -> None:
    async def main() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        go_on = threading.Event()
        waiting = asyncio.ensure_future(asyncio.to_thread(go_on.wait, 30))
        timer = asyncio.ensure_future(asyncio.sleep(10))
        threading.Timer(0.2, go_on.set).start()
        await asyncio.wait([waiting, timer], return_when=asyncio.FIRST_COMPLETED)
        at_s, thread_was_first = loop.time(), waiting.done() and not timer.done()
        await timer
        return at_s, thread_was_first

    assert run_at(AT_ONCE, main()) == (0.0, True)


def test_time_never_jumps_between_the_end_of_a_thread_and_whoever_waits_for_it() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(1000, lambda: None)
        for _ in range(3000):
            await asyncio.to_thread(int)
        timer.cancel()
        return loop.time()

    assert run_at(AT_ONCE, main()) == 0.0


def test_time_stands_also_for_a_thread_that_nobody_waits_for_any_more() -> None:
    async def main() -> list[str]:
        said: list[str] = []
        begun = threading.Event()

        def slowly() -> None:
            begun.set()
            time.sleep(0.2)  # The thread's own slowness: it is what this test is about.
            said.append("thread")

        task = asyncio.ensure_future(asyncio.to_thread(slowly))
        await asyncio.sleep(0)
        assert begun.wait(10)
        task.cancel()
        await asyncio.sleep(DAY_S)
        said.append("a day later")
        return said

    assert run_at(AT_ONCE, main()) == ["thread", "a day later"]


def test_what_fails_in_a_thread_fails_for_whoever_waits() -> None:
    async def main() -> None:
        def fail() -> None:
            raise OSError("disk gone")

        with pytest.raises(OSError, match="disk gone"):
            await asyncio.to_thread(fail)
        await asyncio.sleep(5)

    run_at(AT_ONCE, main())


def test_a_disk_that_works_inside_the_loop_takes_its_time_of_the_loop() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(PatientDisk(loop, latency_s=0.5))
        assert await asyncio.to_thread(lambda: "written") == "written"
        return loop.time()

    assert run_at(AT_ONCE, main()) == pytest.approx(0.5)


def test_an_executor_of_the_loop_is_not_waited_for() -> None:
    class Late(LoopExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
            future: Future[Any] = Future()
            asyncio.get_running_loop().call_later(60, lambda: future.set_result(fn(*args, **kwargs)))
            return future

    async def main() -> tuple[float, Any]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(Late(), lambda: 7)
        return loop.time(), found

    at_s, found = run_at(AT_ONCE, main())
    assert (at_s, found) == (60.0, 7)


def test_a_timeout_that_is_not_needed_costs_nothing_and_one_that_is_needed_rings() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(1000):
            await asyncio.sleep(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1000):
                await asyncio.Event().wait()
        return loop.time()

    assert run_at(AT_ONCE, main()) == pytest.approx(1001.0)


def test_a_socket_in_virtual_time_is_a_mistake_and_is_called_one() -> None:
    async def main() -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            with pytest.raises(SocketInVirtualTime):
                await asyncio.open_connection(*listening.getsockname())

    run_at(AT_ONCE, main())


def test_scaled_time_runs_so_many_times_faster() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        real_s, scaled_s = time.monotonic(), loop.time()
        await asyncio.sleep(60)
        return time.monotonic() - real_s, loop.time() - scaled_s

    real_s, scaled_s = run_at(200, main())
    assert scaled_s >= 60
    assert scaled_s == pytest.approx(real_s * 200, rel=0.01)


def test_sockets_work_in_scaled_time() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(3))
        await writer.drain()
        writer.close()

    async def main() -> bytes:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            writer.write(b"loa")
            said = await reader.readexactly(3)
            writer.close()
            await writer.wait_closed()
        return said

    assert run_at(50, main()) == b"loa"


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_time_does_not_stand_or_run_backwards(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        loop_at(rate)
