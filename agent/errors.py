"""What can go wrong on a station.

AgentError                 has a catalogue `key` and its `params`
├── SettingsRefused        agent.toml is missing or does not hold
├── StateInUse             another process already runs this station
├── SoundMissing           a file that the plan names is not in the cache
├── SoundUnreadable        it is there and cannot be decoded
├── SpeakerFailed          the output stopped taking sound
├── SpeakerMisuse          the speaker contract was broken by its caller (a fault of ours)
├── AmplifierFailed        the amplifier board does not answer or does not obey
├── MicrophoneFailed       the microphone gave no sound
├── SelfTestMissing        this board has no microphone, or no amplifier board, to test itself with
├── SelfTestBusy           something sounds or is about to
├── SelfTestQuiet          an audible test in quiet hours
├── FetchFailed            a download that will be tried again
├── NoMqtt                 what answers where the broker should be is none
└── TaskEnded              a task that must run for ever came to an end: the process goes down
"""


class AgentError(Exception):
    """Carries a catalogue key and its parameters; the sentence is in `agent/text/`."""

    key = "error.agent"

    def __init__(self, **params: object) -> None:
        self.params = params
        super().__init__(f"{self.key} {params}")


class SettingsRefused(AgentError):
    key = "error.settings_refused"


class StateInUse(AgentError):
    key = "error.state_in_use"


class SoundMissing(AgentError):
    key = "error.sound_missing"


class SoundUnreadable(AgentError):
    key = "error.sound_unreadable"


class SpeakerFailed(AgentError):
    key = "error.speaker_failed"


class SpeakerMisuse(AgentError):
    key = "error.speaker_misuse"


class AmplifierFailed(AgentError):
    key = "error.amplifier_failed"


class MicrophoneFailed(AgentError):
    key = "error.microphone_failed"


class SelfTestMissing(AgentError):
    key = "error.self_test_missing"


class SelfTestBusy(AgentError):
    key = "error.self_test_busy"


class SelfTestQuiet(AgentError):
    key = "error.self_test_quiet"


class FetchFailed(AgentError):
    key = "error.fetch_failed"


class NoMqtt(AgentError):
    key = "error.no_mqtt"


class TaskEnded(AgentError):
    key = "error.task_ended"
