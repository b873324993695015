"""Readers in other processes while publications are swapped, and publishers that are killed half-way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.serving.publish import publish
from tests.unit.checks_company import AS_OF, SOURCE, build_warehouse, corrupted

PUBLICATIONS = 20

# Opens the file again and again until told to stop; says how often, which generations, and every wrong or failed read.
_READER = """
import json, sys, threading
import duckdb
path = sys.argv[1]
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
reads, generations, wrong = 0, [], []
last = False
while not last:
    # A breath between reads leaves the publisher some processor; the pauses fall anywhere in a publication.
    last = stop.wait(0.01)
    try:
        with duckdb.connect(path, read_only=True) as connection:
            [(generation, source)] = connection.execute("select generation_id, source from publication").fetchall()
            [(customers,)] = connection.execute("select count(*) from dim_customers").fetchall()
            [(again,)] = connection.execute("select generation_id from publication").fetchall()
        if (source, customers) not in (("large", 121), ("small", 61)) or again != generation:
            wrong.append([generation, source, customers, again])
        if generation not in generations:
            generations.append(generation)
    except duckdb.Error as error:
        wrong.append(str(error))
    if reads == 0:
        print("reading", flush=True)
    reads += 1
print(json.dumps({"reads": reads, "generations": generations, "wrong": wrong}), flush=True)
"""

_KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from orchestration.serving.publish import publish
meta = {"as_of": date(2026, 3, 30), "source": "killed"}
publish(Path(sys.argv[1]), Path(sys.argv[2]), meta, before_swap=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(tmp_path_factory.mktemp("large") / "warehouse.duckdb")


def test_a_reader_sees_one_whole_generation_at_any_moment(large: Path, tmp_path: Path) -> None:
    small = corrupted(large, tmp_path / "small", "delete from marts.dim_customers where manager_id = 'e1'")
    marts = tmp_path / "marts.duckdb"
    publish(large, marts, {"as_of": AS_OF, "source": "large"})
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, str(marts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    published = []
    for number in range(PUBLICATIONS):
        warehouse, source = (small, "small") if number % 2 else (large, "large")
        published.append(publish(warehouse, marts, {"as_of": AS_OF, "source": source}).generation_id)
    output, _ = reader.communicate("stop\n", timeout=60)
    seen = json.loads(output)
    assert seen["wrong"] == []
    # What was seen came in the order of publication, more than one of it, and the last one at the end.
    assert seen["generations"] == sorted(seen["generations"])
    assert len(set(seen["generations"]) & set(published)) > 1
    assert seen["generations"][-1] == published[-1]


def test_a_killed_publication_leaves_the_old_one_and_is_cleaned_up_by_the_next(large: Path, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(large, marts, {"as_of": AS_OF, "source": SOURCE})
    before = marts.read_bytes()
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(large), str(marts)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert marts.read_bytes() == before
    assert len(list(tmp_path.glob("marts.duckdb.*.tmp"))) == 1
    publish(large, marts, {"as_of": AS_OF, "source": "after"})
    with duckdb.connect(str(marts), read_only=True) as connection:
        assert connection.execute("select source from publication").fetchall() == [("after",)]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["marts.duckdb", "marts.previous.duckdb"]
