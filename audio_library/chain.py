"""The filters a recording passes through on its way to a horn, as ffmpeg writes them.

Band: horns carry roughly 300 Hz to 6.5 kHz, and what lies below only strains the driver; a little presence
around 2.5 kHz carries the consonants. Levels: the compressor sees every recording at the same loudness, so
that a quiet one is evened out like a loud one; the limiter works at 96 kHz to catch peaks between samples.
"""

from __future__ import annotations

from audio_library.sound import RATE_HZ

COMPRESSOR_INPUT_LUFS = -20.0
CLIP_OVER_DB = 2.0
BAND = "highpass=f=180:poles=2,highpass=f=300:poles=2,lowpass=f=6500:poles=2,equalizer=f=2500:t=q:w=0.9:g=3"
COMPRESSOR = "acompressor=threshold=-24dB:ratio=3:attack=5:release=120:knee=6dB"
MONO = f"aresample={RATE_HZ},aformat=sample_fmts=flt:channel_layouts=mono"
FIRST_CHANNEL = f"pan=mono|c0=c0,{MONO}"


def limiter(ceiling_dbfs: float) -> str:
    """Hold peaks at the ceiling. The limiter alone loses loudness on spiky voices, so what stands out by more
    than `CLIP_OVER_DB` is rounded off first."""
    limit = 10 ** (ceiling_dbfs / 20)
    clip = f"asoftclip=type=quintic:threshold={10 ** ((ceiling_dbfs + CLIP_OVER_DB) / 20):.4f}"
    hold = f"alimiter=limit={limit:.4f}:level=false:attack=3:release=40:asc=1:latency=1"
    return f"aresample=96000,{clip},{hold},aresample={RATE_HZ}"


def volume(gain_db: float) -> str:
    return f"volume={gain_db:.2f}dB"


def cut(start_s: float, end_s: float) -> str:
    start, end = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
    return f"atrim=start_sample={start}:end_sample={end},asetpts=PTS-STARTPTS"
