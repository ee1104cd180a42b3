"""How much sound, time and memory one upload may cost. Plain settings, passed in by the caller."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run of ffmpeg may use."""

    cpu_s: int
    wall_s: float
    memory_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are decimal (1 MB = 1,000,000 bytes): 200 MB are accepted, and any reading of 201 MB refused."""

    max_bytes: int = 200 * MB
    max_seconds: float = 4 * 3600
    min_seconds: float = 0.5
    max_channels: int = 8
    min_rate_hz: int = 4_000
    max_rate_hz: int = 192_000
    min_bits_per_second: float = 2_000
    probe: Budget = Budget(cpu_s=10, wall_s=20, memory_bytes=512 * MIB, file_bytes=MIB)
    work: Budget = Budget(cpu_s=3_600, wall_s=7_200, memory_bytes=1_024 * MIB, file_bytes=1_024 * MIB)
