"""`loaban-sim network`: a bad network between a real station program and its broker or its controller."""

import asyncio
import math
from collections.abc import Callable
from typing import Annotated

import typer

from agent.supervision import stop_on_signals
from firmware_sim.network.conditions import Conditions, Trouble
from firmware_sim.network.proxy import Proxy
from firmware_sim.wording import Language, say_in

To = Annotated[str, typer.Option("--to", help="Where it leads, such as 127.0.0.1:1883.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Ours; 0 takes any that is free.")]
TroubleName = Annotated[Trouble, typer.Option("--trouble")]
Latency = Annotated[float, typer.Option("--latency", min=0, help="Seconds, one way.")]
Kilobits = Annotated[float, typer.Option("--kbit", min=0, help="Kilobits a second; 0: no limit.")]
Loss = Annotated[float, typer.Option("--loss", min=0, max=1, help="Share of packets that TCP sends again.")]


def network(  # noqa: PLR0917 - typer's options
    to: To,
    port: Port = 0,
    trouble: TroubleName = Trouble.NONE,
    latency: Latency = 0.0,
    kbit: Kilobits = 0.0,
    loss: Loss = 0.0,
    language: Language = Language.VI,
) -> None:
    """Lead a port of this machine to another one, badly, until told to stop."""
    host, target_port = _address(to)
    bytes_per_s = kbit * 1000 / 8 if kbit else math.inf
    conditions = Conditions(trouble, latency_s=latency, bytes_per_s=bytes_per_s, loss=loss)
    say = say_in(language)

    def tell(listening_on: int) -> None:
        typer.echo(say("network.served", port=listening_on, to=to, trouble=trouble))

    refusal: BaseException | None = None
    try:
        asyncio.run(_serve(Proxy(host, target_port, port=port), conditions, tell))
    except* OSError as group:
        refusal = group.exceptions[0]
    if refusal is not None:
        raise typer.BadParameter(str(refusal), param_hint="--port") from refusal
    typer.echo(say("network.stopped"))


def _address(written: str) -> tuple[str, int]:
    host, _, port = written.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{written}: not an address such as 127.0.0.1:1883", param_hint="--to")
    return host, int(port)


async def _serve(proxy: Proxy, conditions: Conditions, tell: Callable[[int], None]) -> None:
    stop, listening = asyncio.Event(), asyncio.Event()
    stop_on_signals(stop)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(proxy.run(listening))
        await listening.wait()
        tell(proxy.port)
        await proxy.set(conditions)
        await stop.wait()
        running.cancel()
