"""What a self-test's figures say about the loudspeaker. Pure: every verdict follows from a rule on this page.

The limits are what a healthy station may show: copper, diaphragm and microphone move the level by 1 to 2 dB
between winter and summer, an octave by some more; half the horns less is 6 dB or another shape.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.selftest.analysis import Heard, likeness
from agent.selftest.reference import AcousticReference, ElectricalReference
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestVerdict as Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Levels in dB against the station's own reference, currents as shares of it."""

    snr_db: float = 12.0
    """Noise that would leave a healthy horn less than this says nothing about it."""
    clear_bands: int = 5
    silent_db: float = -20.0
    weak_db: float = -3.0
    band_db: float = -6.0
    likeness: float = 0.92
    distortion_db: float = 6.0
    distortion_least_db: float = -30.0
    """3 %: less is nothing that anybody hears."""
    tilt_db: float = 6.0
    """A microphone that hears the village gives more below 2 kHz than its electronics do."""
    clipped: float = 0.001
    open_share: float = 0.15
    least_share: float = 0.72
    most_share: float = 1.35
    short_share: float = 2.0
    blames: int = 2
    """One try alone is never believed."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one try says. Levels are against the reference."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    level_db: float | None = None
    bands_db: tuple[float, ...] = ()
    correlation: float | None = None
    noise_db: float | None = None
    line_ma: tuple[float, ...] = ()


def judge(heard: Heard, reference: AcousticReference, drive_db: float, limits: Limits = Limits()) -> Opinion:
    """One sweep at `drive_db` against the reference."""
    alike, _ = likeness(heard.shape, reference.wave)
    alike = min(alike * math.sqrt(1 + 10 ** ((heard.level_noise_db - heard.level_db) / 10)), 1.0)
    level_db = heard.level_db - reference.level_db
    findings = tuple(_findings(heard, reference, drive_db, alike, limits))
    return Opinion(
        _verdict(findings),
        findings,
        level_db=level_db,
        bands_db=tuple(now - then for now, then in zip(heard.bands_db, reference.bands_db, strict=True)),
        correlation=alike,
        noise_db=heard.noise_db,
    )


def judge_lines(
    line_ma: Sequence[float], reference: ElectricalReference, limits: Limits = Limits()
) -> Opinion:
    """The silent tone's currents against the reference."""
    if len(line_ma) != len(reference.line_ma):
        return Opinion(Verdict.INCONCLUSIVE, (Finding.LOAD_CHANGED,), line_ma=tuple(line_ma))
    shares = [now / then for now, then in zip(line_ma, reference.line_ma, strict=True)]
    if all(share < limits.open_share for share in shares) and len(shares) > 1:
        findings: tuple[Finding, ...] = (Finding.AMPLIFIER_SILENT,)
    else:
        findings = tuple(dict.fromkeys(found for share in shares if (found := _of_line(share, limits))))
    return Opinion(_verdict(findings), findings, line_ma=tuple(line_ma))


def is_cleared(opinions: Sequence[Opinion]) -> bool:
    """It has been well at least as often as it has been ill."""
    verdicts = [opinion.verdict for opinion in opinions]
    return 0 < verdicts.count(Verdict.PASSED) >= verdicts.count(Verdict.FAILED)


def conclude(opinions: Sequence[Opinion], limits: Limits = Limits()) -> Opinion:
    """Of all tries of one test; only what was found more than once is blamed."""
    by_verdict = {opinion.verdict: opinion for opinion in opinions}
    if is_cleared(opinions):
        return by_verdict[Verdict.PASSED]
    blames = sum(opinion.verdict is Verdict.FAILED for opinion in opinions)
    if blames >= limits.blames:
        return by_verdict[Verdict.FAILED]
    return by_verdict.get(Verdict.INCONCLUSIVE, Opinion(Verdict.INCONCLUSIVE, (Finding.TOO_NOISY,)))


def _findings(
    heard: Heard, reference: AcousticReference, drive_db: float, alike: float, limits: Limits
) -> list[Finding]:
    level_db = heard.level_db - reference.level_db
    silent = level_db <= limits.silent_db
    if silent and heard.tilt_db < min(limits.tilt_db, reference.tilt_db / 2):
        return [Finding.MICROPHONE_DEAD]
    if heard.clipped > limits.clipped or _clear_bands(heard, reference, limits) < limits.clear_bands:
        return [Finding.TOO_NOISY]
    if reference.level_db - heard.level_noise_db < limits.snr_db:
        return [Finding.TOO_NOISY]
    if silent:
        return [Finding.SILENT]
    rules = {
        Finding.WEAK: level_db <= limits.weak_db,
        Finding.BANDS_LOST: _lost_band_db(heard, reference, limits) <= limits.band_db,
        Finding.CHANGED: alike < limits.likeness,
        Finding.DISTORTED: _is_distorted(heard, reference, drive_db, limits),
    }
    return [finding for finding, holds in rules.items() if holds]


def _clear_bands(heard: Heard, reference: AcousticReference, limits: Limits) -> int:
    """In which a healthy horn would stand clear of this noise."""
    pairs = zip(reference.bands_db, heard.bands_noise_db, strict=True)
    return sum(expected - noise >= limits.snr_db for expected, noise in pairs)


def _lost_band_db(heard: Heard, reference: AcousticReference, limits: Limits) -> float:
    """The worst of the clear bands."""
    bands = zip(heard.bands_db, reference.bands_db, heard.bands_noise_db, strict=True)
    return min(now - then for now, then, noise in bands if then - noise >= limits.snr_db)


def _is_distorted(heard: Heard, reference: AcousticReference, drive_db: float, limits: Limits) -> bool:
    """A healthy diaphragm too bends more when it is driven harder."""
    usual_db = reference.distortion_db + max(drive_db - reference.drive_db, 0.0)
    audible_db = max(usual_db + limits.distortion_db, limits.distortion_least_db)
    return heard.distortion_db > audible_db and heard.distortion_db > heard.distortion_noise_db


def _of_line(share: float, limits: Limits) -> Finding | None:
    if share < limits.open_share:
        return Finding.OPEN_LINE
    if share > limits.short_share:
        return Finding.SHORTED_LINE
    return None if limits.least_share <= share <= limits.most_share else Finding.LOAD_CHANGED


def _verdict(findings: Sequence[Finding]) -> Verdict:
    if not findings:
        return Verdict.PASSED
    nothing_said = {Finding.TOO_NOISY, Finding.MICROPHONE_DEAD, Finding.INTERRUPTED}
    return Verdict.INCONCLUSIVE if nothing_said & set(findings) else Verdict.FAILED
