"""Rules of the house that no linter knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.files import python_files

ROOT = Path(__file__).parents[2]
SOURCES = ("wire", "schedules", "audio_library", "controller", "agent", "firmware_sim", "bench", "scripts")
NAIVE = {"utcnow", "utcfromtimestamp", "today"}


def test_datetimes_are_aware() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and makes_naive(node)
    ]
    assert not offenders


def test_every_thread_and_task_has_somebody_who_waits_for_it() -> None:
    """Tasks start in a TaskGroup; `create_task` on the loop or asyncio itself dies unseen."""
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and unparsed(node.func) in {"asyncio.create_task", "asyncio.ensure_future"}
    ]
    assert not offenders


def test_no_exception_vanishes() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or only_passes_on_everything(node))
    ]
    assert not offenders


def test_files_can_be_read_in_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if "versions" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_nine_functions_in_ten_are_under_forty_lines() -> None:
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in sources()
        if "versions" not in path.parts
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[len(lengths) * 9 // 10] < 40


def sources() -> Iterator[Path]:
    for folder in SOURCES:
        yield from python_files(ROOT / folder)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def unparsed(node: ast.expr) -> str:
    return ast.unparse(node)


def makes_naive(call: ast.Call) -> bool:
    name = unparsed(call.func)
    if name in {"datetime.now", "datetime.fromtimestamp", "datetime.datetime.now"}:
        return not call.keywords and len(call.args) < (2 if name.endswith("fromtimestamp") else 1)
    return name.split(".")[-1] in NAIVE and "date" in name


def only_passes_on_everything(handler: ast.ExceptHandler) -> bool:
    broad = handler.type is not None and unparsed(handler.type) in {"Exception", "BaseException"}
    return broad and all(isinstance(node, ast.Pass | ast.Continue) for node in handler.body)
