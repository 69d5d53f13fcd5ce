"""A database and an API that several hosts reach."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "postgres"), str(HERE.parent / "providers")]

import fake as fakes  # noqa: E402
import servers  # noqa: E402
from hosts import Host, refusal  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    if said := refusal():
        terminalreporter.write_line(f"not tested: this machine lets nobody make a network namespace: {said}")


@pytest.fixture(scope="session")
def server():
    one = servers.started()
    yield one
    one.stop()


@pytest.fixture
def database(server):
    """Its URL. Through a socket in a folder, which is the same on all of our hosts."""
    return f"postgres://test@/{server.new_database().name}?host={server.folder}"


@pytest.fixture
def api():
    with fakes.Fake("voyage") as fake:
        yield fake


@pytest.fixture
def hosts(tmp_path, api):
    if said := refusal():
        pytest.skip(f"this machine lets nobody make a network namespace: {said}")
    both = [Host(tmp_path / f"host{n}", api) for n in range(2)]
    yield both
    for host in both:
        host.end()
