"""The tree in a real database."""

import pytest

from controller.areas import service
from controller.areas.tables import Area, AreaLevel
from controller.db.session import Database
from controller.errors import Conflict, Invalid, NotFound
from controller.web.texts import Texts

pytestmark = pytest.mark.usefixtures("area_tree")


def ids(found: list[Area]) -> list[str]:
    return [area.id for area in found]


def test_the_chain_goes_from_the_root_down(database: Database) -> None:
    with database.read() as session:
        chain = service.chain(session, "bat-xat-thon-1")
        assert ids(chain) == ["lao-cai", "bat-xat-02683", "bat-xat-thon-1"]
        assert service.depth(session, "lao-cai") == 0
        assert service.depth(session, "bat-xat-thon-1") == 2


def test_the_subtree_has_the_area_first_and_nothing_from_beside_it(database: Database) -> None:
    with database.read() as session:
        found = ids(service.subtree(session, "bat-xat-02683"))
        assert found == ["bat-xat-02683", "bat-xat-thon-1", "bat-xat-thon-2"]
        assert len(service.subtree(session, "lao-cai")) == 5


def test_overlapping_trees_list_each_area_once(database: Database) -> None:
    with database.read() as session:
        found = ids(service.subtrees(session, ["lao-cai", "bat-xat-02683", "bat-xat-thon-1"]))
        assert len(found) == len(set(found)) == 5
        assert service.subtrees(session, []) == []


def test_children_are_one_step_down(database: Database) -> None:
    with database.read() as session:
        assert ids(service.children(session, "lao-cai")) == ["bat-xat-02683", "muong-hum-02728"]


def test_an_unknown_area_is_said_in_vietnamese(database: Database) -> None:
    for ask in (service.get, service.chain, service.subtree, service.depth):
        with database.read() as session, pytest.raises(NotFound) as caught:
            ask(session, "khong-co")
        sentence = Texts().say("vi", caught.value.key, **caught.value.params)
        assert sentence == "Không có địa bàn “khong-co”. Hãy chọn một địa bàn trong danh sách."


def test_a_tree_may_grow_to_any_depth(database: Database) -> None:
    with database.write() as session:
        parent = "bat-xat-thon-1"
        for number in range(10):
            parent = service.add_area(
                session, parent_id=parent, level=AreaLevel.VILLAGE, name=f"Nhóm {number}"
            ).id
        assert service.depth(session, parent) == 12
        assert len(service.subtree(session, "lao-cai")) == 15


def test_a_ring_in_the_table_ends_the_walk_instead_of_the_process(database: Database) -> None:
    with database.write() as session:
        service.get(session, "lao-cai").parent_id = "bat-xat-thon-1"
    with database.read() as session:
        assert len(service.subtree(session, "lao-cai")) == 5
        assert service.chain(session, "lao-cai")


def test_a_new_area_takes_the_zone_of_its_parent(database: Database) -> None:
    with database.write() as session:
        service.get(session, "bat-xat-02683").zone = "Asia/Bangkok"
        village = service.add_area(
            session, parent_id="bat-xat-02683", level=AreaLevel.VILLAGE, name="Thôn Ná Lùng"
        )
        assert (village.id, village.zone) == ("bat-xat-02683-thon-na-lung", "Asia/Bangkok")


def test_what_cannot_be_added(database: Database) -> None:
    def add(name: str = "Thôn 9", parent_id: str = "lao-cai", zone: str | None = None) -> Area:
        with database.write() as session:
            return service.add_area(
                session, parent_id=parent_id, level=AreaLevel.VILLAGE, name=name, zone=zone
            )

    add()
    with pytest.raises(Conflict, match="id_taken"):
        add()
    with pytest.raises(NotFound, match="unknown"):
        add(parent_id="khong-co")
    with pytest.raises(Invalid, match="name_missing"):
        add(name="  ")
    with pytest.raises(Invalid, match="name_without_letters"):
        add(name="!!!")
    with pytest.raises(Invalid, match="unknown_zone"):
        add(name="Thôn 10", zone="../../etc/passwd")


def test_the_real_communes_of_lao_cai_are_added_to_what_is_there_and_only_once(database: Database) -> None:
    with database.write() as session:
        assert service.load_lao_cai(session) == 97
    with database.write() as session:
        assert service.load_lao_cai(session) == 0
        communes = [a for a in service.children(session, "lao-cai") if a.level is AreaLevel.COMMUNE]
        assert len(communes) == 99
        bo = service.get(session, "muong-bo-03043")
        assert (bo.name, bo.code) == ("Xã Mường Bo", "03043")
        assert bo.latitude == pytest.approx(22.221)
        assert bo.longitude == pytest.approx(104.026)
