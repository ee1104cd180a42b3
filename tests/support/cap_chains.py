"""Chains of CAP messages as hypothesis makes them: in any order, some of them twice, strangers in between."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from controller.cap.geometry import Place
from controller.cap.judge import Asked, Signature
from controller.cap.parse import parse
from controller.cap.sources import Rule, RuleAction, Source
from controller.cap.tables import Via
from tests.support.cap import SENDER, info, message

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
OTHER = "other@x"
PLACE = Place("bat-xat-02683", None, "Xã Bát Xát", "02683", 22.54, 103.89)
FIRES = Source(name="a", senders=(SENDER, OTHER), rule=(Rule(action=RuleAction.FIRE, areas=(PLACE.id,)),))
PROPOSES = Source(name="b", senders=(SENDER, OTHER))


@st.composite
def chains(draw: st.DrawFn) -> list[Asked]:
    """One chain of a sender: an Alert, Updates, perhaps a Cancel, each refers to one or all before; then any
    order, some of them twice, and strangers in between."""
    length = draw(st.integers(1, 5))
    sent = [NOW - timedelta(minutes=30 - number) for number in range(length)]
    asked = []
    for number in range(length):
        refers = draw(st.sampled_from(["all", "last", "first"])) if number else "none"
        earlier = {"all": range(number), "last": [number - 1], "first": [0], "none": []}[refers]
        ends = number > 0 and draw(st.integers(0, 4)) == 0
        raw = message(
            sent[number],
            f"M-{number}",
            msgType="Cancel" if ends else "Update" if number else "Alert",
            references=[(f"M-{one}", sent[one]) for one in earlier],
            infos=[info(NOW, severity=draw(st.sampled_from(["Extreme", "Severe", "Minor"])))],
        )
        asked.append(Asked(parse(raw), draw(st.sampled_from([FIRES, FIRES, PROPOSES])), Via.HTTP))
    asked += [draw(st.sampled_from(asked)) for _ in range(draw(st.integers(0, 3)))]
    asked += [draw(strangers(sent)) for _ in range(draw(st.integers(0, 3)))]
    return draw(st.permutations(asked))


@st.composite
def strangers(draw: st.DrawFn, sent: list[datetime]) -> Asked:
    """Messages that refer to the chain and may do nothing to it."""
    kind = draw(st.sampled_from(["foreign", "Test", "Draft", "System", "expired", "forged", "private"]))
    target = draw(st.integers(0, len(sent) - 1))
    sender = OTHER if kind == "foreign" else SENDER
    raw = message(
        NOW - timedelta(minutes=draw(st.integers(0, 40))),
        f"X-{draw(st.integers(0, 3))}-{kind}",
        sender=sender,
        status=kind if kind in {"Test", "Draft", "System"} else "Actual",
        scope="Private" if kind == "private" else "Public",
        msgType="Update" if kind == "expired" else draw(st.sampled_from(["Update", "Cancel"])),
        references=[(f"M-{target}", sent[target], SENDER)] if kind != "expired" else [],
        infos=[info(NOW, expires=NOW - timedelta(minutes=1) if kind == "expired" else "default")],
    )
    signature = Signature.BAD if kind == "forged" else Signature.NONE
    return Asked(parse(raw), FIRES, Via.HTTP, signature)
