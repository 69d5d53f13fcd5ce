"""Real servers, started once, each test with a database of its own; and the program before them."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import servers  # noqa: E402
from program import home  # noqa: E402, F401
from tables import Program  # noqa: E402


@pytest.fixture(scope="session")
def both_servers():
    found = [servers.Server.begin(folder, fsync=False) for folder in (servers.with_pgvector(), servers.debians())]
    for server in found:
        if server:
            server.wait()
    found[0].sql("CREATE EXTENSION vector", "template1")
    yield found
    for server in found:
        if server:
            server.stop()


@pytest.fixture
def db(both_servers):
    """A database of PostgreSQL 18 that has pgvector."""
    return both_servers[0].new_database()


@pytest.fixture
def plain_db(both_servers):
    """A database of PostgreSQL 15 without pgvector."""
    if both_servers[1] is None:
        pytest.skip("Debian's postgresql-15 is not installed")
    return both_servers[1].new_database()


@pytest.fixture
def vecmill(tmp_path, home):  # noqa: F811
    return Program(tmp_path, home)


@pytest.fixture
def proxy(db):
    proxies = []

    def start(on_message):
        proxies.append(servers.Proxy(db, on_message))
        return proxies[-1]

    yield start
    for one in proxies:
        one.close()
