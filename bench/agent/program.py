"""The station program as a board runs it, with a file or PulseAudio's null sink for a loudspeaker.

`python -m bench.agent.program <agent.toml> [<folder for WAV files>]`: nothing is imported but what a board
needs, and the loudspeaker.
"""

import sys
from pathlib import Path

from agent.process import run_station, set_up_logging
from agent.settings import Settings, load
from agent.speakers.contract import Speaker


def speaker_of(settings: Settings, folder: str | None) -> Speaker:
    if folder is None:
        from agent.speakers.sound_card import SoundCard

        return SoundCard(settings.speaker)
    from firmware_sim.wav_speaker import WavSpeaker

    return WavSpeaker(Path(folder))


def main(config: str, folder: str | None = None) -> int:
    settings = load(Path(config))
    set_up_logging()
    return run_station(settings, speaker_of(settings, folder))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
