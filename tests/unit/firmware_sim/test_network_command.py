"""`loaban-sim network`, as somebody at a desk would try it."""

import re
import signal
import socket
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from firmware_sim.cli import app; app()", "network"]


def test_it_leads_there_badly_until_it_is_stopped() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        to = f"127.0.0.1:{there.getsockname()[1]}"
        options = ["--to", to, "--trouble", "captive_portal", "--latency", "0.01", "--kbit", "64"]
        process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True, bufsize=1)
        assert process.stdout is not None
        said = process.stdout.readline()
        port = re.search(r"cổng (\d+)", said)
        assert port is not None and to in said
        with socket.create_connection(("127.0.0.1", int(port.group(1))), timeout=20) as caller:
            caller.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert caller.recv(12) == b"HTTP/1.1 200"
        process.send_signal(signal.SIGINT)
        assert "Đã dừng" in process.communicate(timeout=20)[0]
        assert process.returncode == 0


@pytest.mark.parametrize("to", ["localhost", "localhost:0", "localhost:99999", ":1883"])
def test_what_is_no_address_is_refused(to: str) -> None:
    tried = subprocess.run([*COMMAND, "--to", to], capture_output=True, text=True, check=False)
    assert tried.returncode == 2
    assert to in tried.stderr


def test_a_port_that_is_taken_is_told_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        options = ["--to", "127.0.0.1:1883", "--port", str(there.getsockname()[1])]
        tried = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert tried.returncode == 2
    assert "--port" in tried.stderr and "Traceback" not in tried.stderr
