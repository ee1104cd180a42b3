"""A PostgreSQL server of our own, where the machine has the programs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.waiting import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass
class Postgres:
    """One server in `folder`, which must let everybody through; `stop` and `start` keep port and data."""

    folder: Path
    port: int

    @classmethod
    def make(cls, folder: Path) -> "Postgres":
        made = cls(folder, free_port())
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        made._run("initdb", "-A", "trust", "-U", "loaban")
        made.start()
        return made

    @property
    def url(self) -> str:
        """Without a database name."""
        return f"postgresql+psycopg://loaban@127.0.0.1:{self.port}"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        self._run("pg_ctl", "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections and answers nothing, as behind a network that swallows packets."""
        server = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        try:
            for process in processes:
                process.suspend()
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*owner, str(PROGRAMS[-1] / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
