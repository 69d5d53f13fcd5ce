"""The program before a fake server and, where VECMILL_TEST_QDRANT_URL names one, a real one."""

import os
import pathlib
import sys
import uuid

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "postgres")]
os.environ["no_proxy"] = "127.0.0.1"

import fake as fakes  # noqa: E402
from places import FakePlace, RealPlace  # noqa: E402
from program import home  # noqa: E402, F401
from tables import Program  # noqa: E402

# Under the sanitizers a program takes ten times as long, and they look at ours alone.
SANITIZED = int(os.environ.get("VECMILL_TEST_EVERY", "1")) > 1
collect_ignore = ["test_fake.py"] if SANITIZED else []
REAL = os.environ.get("VECMILL_TEST_QDRANT_URL")


def pytest_terminal_summary(terminalreporter):
    if SANITIZED:
        terminalreporter.write_line("VECMILL_TEST_EVERY: the fake was not tested, versions and replies were samples")


def pytest_collection_modifyitems(items):
    """Every fourth of the versions and of the bad replies."""
    sampled = [item for item in items if item.originalname in ("test_every_version", "test_a_write_without_a_good_answer_is_sent_again")]
    for item in sampled if SANITIZED else []:
        if sampled.index(item) % 4:
            items.remove(item)


@pytest.fixture
def vecmill(tmp_path, home):  # noqa: F811
    return Program(tmp_path, home)


@pytest.fixture
def start():
    """Starts fakes; at the end none of them may have seen, or said, what its version's document does not have."""
    fakes_started = []

    def begin(**options):
        fakes_started.append(fakes.Fake(**options))
        return fakes_started[-1]

    yield begin
    for one in fakes_started:
        one.stop()
    assert [text for one in fakes_started for text in one.complaints] == []


@pytest.fixture
def fake(start):
    return start()


@pytest.fixture(params=["fake", "real"])
def place(request, start):
    """A server of either kind, with a collection that is not there yet."""
    if request.param == "fake":
        yield FakePlace(start(), "notes")
        return
    if not REAL:
        pytest.skip("VECMILL_TEST_QDRANT_URL is not set: no real server was asked")
    real = RealPlace(REAL, "vecmill-test-" + uuid.uuid4().hex)
    yield real
    real.remove()
