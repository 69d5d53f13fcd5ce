"""For all suites: where each start of the program takes long, a part of the tests."""

import os
import zlib

SEED = os.environ.get("VECMILL_TEST_SEED", "1")
SHARE = int(os.environ.get("VECMILL_TEST_SHARE", "1"))  # one test in so many, which the seed picks


def pytest_collection_modifyitems(config, items):
    picked = [item for item in items if zlib.crc32(f"{SEED} {item.name}".encode()) % SHARE == 0
              and not (SHARE > 1 and item.get_closest_marker("packs_int8"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in picked])
    items[:] = picked


def pytest_report_header():
    if SHARE == 1:
        return None
    return f"one test in {SHARE}, picked by seed {SEED}, and none that packs the real model in int8"
