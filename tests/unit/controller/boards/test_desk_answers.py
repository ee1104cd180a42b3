"""What whoever asked for an act is told, where another act came before it."""

from collections.abc import Callable, Iterator

import pytest

from controller.boards.desk import Desk
from controller.context import Context
from controller.emergency.acts import Act
from controller.emergency.dependencies import performed
from controller.emergency.recording import record
from controller.emergency.tables import ActKind
from controller.errors import LoabanError

MakeAct = Callable[..., Act]


@pytest.fixture
def desk(context: Context, area_tree: tuple[str, ...]) -> Iterator[Desk]:
    made = Desk(context, None, record)
    made.load()
    yield made
    made.close()


def test_an_act_that_was_never_carried_out_is_not_answered_as_if_it_were(desk: Desk, act: MakeAct) -> None:
    for one in (act(), act(1, 2, ActKind.REPEAT), act(1, 3, ActKind.CANCEL, silent=True)):
        performed(desk, one)
    with pytest.raises(LoabanError, match="changed_meanwhile"):
        performed(desk, act(1, 2, ActKind.EXTEND, after_s=1))


def test_of_two_extensions_of_one_revision_the_second_is_told(desk: Desk, act: MakeAct) -> None:
    first, other = act(1, 2, ActKind.EXTEND), act(1, 2, ActKind.EXTEND, validity_s=7200)
    for one in (act(), first):
        performed(desk, one)
    assert performed(desk, first).revision == 2
    with pytest.raises(LoabanError, match="changed_meanwhile"):
        performed(desk, other)


def test_an_act_that_lost_its_revision_on_record_is_told(context: Context, desk: Desk, act: MakeAct) -> None:
    performed(desk, act())
    record(context, act(1, 2, ActKind.EXTEND))
    desk._glance = lambda: None  # type: ignore[method-assign]  # The database was slow at that moment.
    with pytest.raises(LoabanError, match="changed_meanwhile"):
        performed(desk, act(1, 2, ActKind.UPDATE, after_s=1))


def test_what_was_carried_out_long_ago_is_answered_again_also_after_a_restart(
    context: Context, desk: Desk, act: MakeAct
) -> None:
    for one in (act(), act(1, 2, ActKind.REPEAT)):
        performed(desk, one)
    later = Desk(context, None, record)
    later.load()
    answer = performed(later, act())
    assert (answer.revision, answer.at) == (1, act().at)
    later.close()
