"""The area tree in memory."""

from controller.areas.queries import AreaLine
from controller.areas.tables import AreaLevel
from controller.db.session import Database
from controller.dispatch.tree import AreaTree


def test_chains_depths_and_relations(database: Database, area_tree: tuple[str, ...]) -> None:
    with database.read() as session:
        tree = AreaTree.read(session)
    assert tree.chain("bat-xat-thon-1") == ("lao-cai", "bat-xat-02683", "bat-xat-thon-1")
    assert [tree.depth(area) for area in ("lao-cai", "bat-xat-02683", "bat-xat-thon-1")] == [0, 1, 2]
    assert tree.related("bat-xat-02683") == {"lao-cai", "bat-xat-02683", "bat-xat-thon-1", "bat-xat-thon-2"}
    assert tree.related("lao-cai") == set(area_tree)
    assert (tree.chain("khong-co"), tree.name("khong-co")) == ((), "khong-co")


def test_a_ring_in_the_tree_ends_the_walk() -> None:
    def area(id_: str, parent: str) -> AreaLine:
        return AreaLine(id_, parent, AreaLevel.COMMUNE, id_, None, "Asia/Ho_Chi_Minh", None, None, None)

    tree = AreaTree({"a": area("a", "b"), "b": area("b", "a")})
    assert tree.chain("a") == ("b", "a")
