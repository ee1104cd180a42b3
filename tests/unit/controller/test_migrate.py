"""The schema is made once, however many processes start at the same time."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, inspect

from controller.db.tables import Base

UPGRADE = "import sys; from controller.db.migrate import upgrade; upgrade(sys.argv[1])"


def test_first_starts_at_once_make_one_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'loaban.db'}"
    starts = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, url], stderr=subprocess.PIPE) for _ in range(4)
    ]
    errors = [start.communicate(timeout=60)[1].decode()[-500:] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0, 0], errors
    engine = create_engine(url)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    assert tables == set(Base.metadata.tables) | {"alembic_version"}
