"""Where a host is, while its name server fails, hangs or comes back."""

import asyncio
from collections.abc import Iterator

import pytest

from agent.names import Names
from firmware_sim.network.names import Answering, NameServer

HERE = ("127.0.0.1",)


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = NameServer()
    made.answering = Answering.WITH_ANOTHER_ADDRESS
    with made.in_charge():
        yield made


async def test_a_number_is_asked_of_nobody(server: NameServer) -> None:
    assert await Names().addresses_of("192.0.2.7", 1) == ("192.0.2.7",)
    assert await Names().addresses_of("::1", 1) == ("::1",)
    assert server.asked == 0


@pytest.mark.parametrize("trouble", [Answering.NOT_FOUND, Answering.NEVER])
async def test_without_an_answer_the_last_one_serves(server: NameServer, trouble: Answering) -> None:
    names = Names()
    assert await names.addresses_of("trung-tam.example", 5) == HERE
    server.answering = trouble
    assert await names.addresses_of("trung-tam.example", 0.05) == HERE
    with pytest.raises(OSError, match="khac"):
        await names.addresses_of("khac.example", 0.05)


async def test_many_who_ask_while_it_hangs_cost_one_thread(server: NameServer) -> None:
    names = Names()
    server.answering = Answering.NEVER
    asked = [names.addresses_of("trung-tam.example", 0.05) for _ in range(10)]
    failed = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, OSError) for one in failed)
    assert server.asked == 1


async def test_one_that_comes_back_is_asked_again(server: NameServer) -> None:
    names = Names()
    server.answering = Answering.NOT_FOUND
    with pytest.raises(OSError):
        await names.addresses_of("trung-tam.example", 5)
    server.answering = Answering.WITH_ANOTHER_ADDRESS
    assert await names.addresses_of("trung-tam.example", 5) == HERE


async def test_a_name_that_is_none_is_a_failure_like_others() -> None:
    with pytest.raises(OSError):
        await Names().addresses_of("a..b", 5)
