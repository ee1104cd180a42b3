"""A heartbeat in plain lines, for whoever stands before the board."""

from collections.abc import Iterator
from datetime import timedelta

from agent.wording import Say
from wire.evidence import (
    AmplifierProblem,
    AmplifierState,
    LinkState,
    SelfTestKind,
    SelfTestResult,
    StorageState,
)
from wire.ids import ClockTrust
from wire.messages import Heartbeat

_MB = 1024 * 1024
_FIRST_CONNECT_S = 60.0
"""So long nobody sends for a technician: boards that start together wait for each other."""


def heartbeat_lines(beat: Heartbeat, say: Say, zone_shift: timedelta) -> Iterator[str]:
    """`zone_shift` is what the station's zone is ahead of UTC."""
    yield say("live.running", span=span(beat.uptime_s, say))
    yield _link(beat, say)
    yield _clock(beat, say, zone_shift)
    yield _playing(beat, say)
    yield from _amplifier(beat.amplifier, say)
    yield _test(beat.acoustic_test, SelfTestKind.ACOUSTIC, say, zone_shift)
    yield _test(beat.electrical_test, SelfTestKind.ELECTRICAL, say, zone_shift)
    yield from _storage(beat.storage, say)
    if beat.cache.bytes_free is not None:
        yield say("live.free", megabytes=beat.cache.bytes_free // _MB)
    for refusal in beat.refusals:
        at = refusal.at + zone_shift
        yield say("live.refused", topic=refusal.topic, reason=refusal.reason, at=f"{at:%H:%M %d/%m/%Y}")


def span(seconds: float, say: Say) -> str:
    """Rounded down to what matters: days and hours, hours and minutes, or minutes."""
    minutes = int(seconds // 60)
    if minutes < 60:
        return say("live.minutes", minutes=minutes)
    if minutes < 24 * 60:
        return say("live.hours", hours=minutes // 60, minutes=minutes % 60)
    return say("live.days", days=minutes // (24 * 60), hours=minutes // 60 % 24)


def _link(beat: Heartbeat, say: Say) -> str:
    link = beat.link or LinkState()
    if link.up_s == 0:
        coming = link.connects == 0 and beat.uptime_s < _FIRST_CONNECT_S
        return say("live.link_coming" if coming else "live.link_down")
    return say("live.link_up", span=span(link.up_s, say), connects=link.connects)


def _clock(beat: Heartbeat, say: Say, zone_shift: timedelta) -> str:
    at = beat.at + zone_shift
    words = {
        ClockTrust.TRUSTED: "live.clock_trusted",
        ClockTrust.STALE: "live.clock_stale",
        ClockTrust.UNKNOWN: "live.clock_unknown",
    }
    return say(words[beat.clock], at=f"{at:%H:%M:%S %d/%m/%Y}")


def _playing(beat: Heartbeat, say: Say) -> str:
    if beat.playing is None:
        return say("live.silent")
    position_s = round(beat.playing.position_s)
    return say("live.playing", occurrence=beat.playing.occurrence, seconds=position_s, volume=beat.volume)


def _amplifier(state: AmplifierState | None, say: Say) -> Iterator[str]:
    if state is None:
        yield say("live.amplifier_none")
        return
    if state.problem is not None:
        trouble = AmplifierProblem.known(state.problem)
        problem = say(f"amplifier_trouble.{trouble}") if trouble else state.problem
        yield say("live.amplifier_problem", problem=problem)
        return
    yield say("live.amplifier_on" if state.power_on else "live.amplifier_off")
    yield from _supply(state, say)
    for number, line in enumerate(state.lines, start=1):
        yield say("live.line", number=number, current=round(line.current_ma))
    for fault in state.faults:
        yield say(f"amplifier_fault.{fault}")
    if state.tamper_open:
        yield say("live.tamper")


def _supply(state: AmplifierState, say: Say) -> Iterator[str]:
    if state.mains_present is not None:
        yield say("live.mains" if state.mains_present else "live.no_mains")
    if state.rail_v is not None:
        yield say("live.rail", volts=round(state.rail_v, 1))
    if state.battery_v is not None:
        yield say("live.battery", volts=round(state.battery_v, 1))
    if state.heat_sink_c is not None:
        yield say("live.heat", celsius=round(state.heat_sink_c))
    if state.fan_on:
        yield say("live.fan_on")


def _test(result: SelfTestResult | None, kind: SelfTestKind, say: Say, zone_shift: timedelta) -> str:
    if result is None:
        return say(f"never_tested.{kind}")
    return f"{say(f'tested.{kind}', at=f'{result.at + zone_shift:%H:%M %d/%m/%Y}')} {verdict(result, say)}"


def verdict(result: SelfTestResult, say: Say) -> str:
    """What a test found, in a sentence."""
    found = ", ".join(say(f"finding.{finding}") for finding in result.findings)
    told = say(f"verdict.{result.verdict}")
    return f"{told}: {found}." if found else f"{told}."


def _storage(state: StorageState | None, say: Say) -> Iterator[str]:
    if state is None:
        return
    if not state.writable:
        yield say("live.storage_full")
    if not state.remembers:
        yield say("live.storage_forgets")
    if state.damaged:
        yield say("live.storage_damaged", count=state.damaged)
    if state.writable and state.remembers and not state.damaged:
        yield say("live.storage_good")
