"""What was received survives a crash, and nothing damaged or half received is taken for a listing.

Belongs here: `pages.py`, and `rows.py` where it reads what `pages.py` wrote. Not here: paging (tests/properties), or a
server's faults (tests/faults/test_getfly_faults.py).
"""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration.sources.getfly import pages
from orchestration.sources.getfly.errors import GetflyError
from orchestration.sources.getfly.pages import Asked, Listing, OpenListing, PageLine, PageStore, bodies, parents_of
from orchestration.sources.getfly.rows import rows_path

ASKED = Asked("2026-03-31", "accounts", "/api/v6.1/accounts", {"fields": "id", "limit": "2"})
AT = datetime(2026, 4, 1, 2, 0, 0, 123456, tzinfo=UTC)
ANSWERS = [json.dumps({"data": [{"id": n}, {"id": n + 1}], "has_more": n < 5}).encode() for n in (1, 3, 5)]


def opened(root: Path, asked: Asked = ASKED) -> OpenListing:
    found = PageStore(root).open(asked)
    assert isinstance(found, OpenListing)
    return found


def receive(root: Path, count: int = 3, asked: Asked = ASKED) -> OpenListing:
    """Keep the answers that are not kept yet, up to `count`."""
    kept = opened(root, asked)
    for number in range(len(kept.lines), count):
        kept.add(ANSWERS[number], parent="", offset=2 * number, rows=2, received_at=AT)
    return kept


def whole(root: Path) -> Listing:
    return receive(root).finish(6)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def ids(listing: Listing) -> list[str]:
    found: list[str] = pq.read_table(rows_path(listing)).column("id").to_pylist()
    return sorted(found)


def test_a_broken_off_listing_goes_on_with_the_same_question(tmp_path: Path) -> None:
    first = receive(tmp_path, 2)
    again = opened(tmp_path)
    assert again.folder == first.folder
    assert again.began_at == first.began_at
    assert again.lines == first.lines
    assert [again.body(line)["data"][0]["id"] for line in again.lines] == [1, 3]
    assert PageStore(tmp_path).whole("accounts") == []
    listing = whole(tmp_path)
    assert (listing.folder, listing.pages, listing.rows) == (first.folder, 3, 6)
    assert ids(listing) == ["1", "2", "3", "4", "5", "6"]
    assert PageStore(tmp_path).open(ASKED) == listing
    assert PageStore(tmp_path).whole("accounts") == [listing]


@pytest.mark.parametrize("cut", [1, 20, 10_000])
def test_a_last_line_that_was_cut_is_taken_away_and_its_page_asked_for_again(tmp_path: Path, cut: int) -> None:
    """The power failed while the line was written: the page file may be there, but nothing says that it is whole."""
    folder = receive(tmp_path, 3).folder
    path = folder / "pages.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:2])
    path.write_bytes(kept + lines[2][: -min(cut, len(lines[2]) - 1)])
    again = opened(tmp_path)
    assert [line.number for line in again.lines] == [1, 2]
    assert path.read_bytes() == kept
    listing = whole(tmp_path)
    assert listing.folder == folder
    assert path.read_bytes() == b"".join(lines)
    assert ids(listing) == ["1", "2", "3", "4", "5", "6"]


def test_a_page_without_its_line_is_written_over(tmp_path: Path) -> None:
    folder = receive(tmp_path, 1).folder
    (folder / "000002.json.gz").write_bytes(b"half a pa")
    assert ids(whole(tmp_path)) == ["1", "2", "3", "4", "5", "6"]


def test_a_parent_whose_line_was_cut_is_not_done(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    kept.parent_done("7", 1)
    kept.parent_done("8", 2)
    path = kept.folder / "parents.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    again = opened(tmp_path)
    assert again.parents == {"7": 1}
    again.parent_done("8", 2)
    assert parents_of(again.finish(3)) == ("7", "8")


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """Only the last one can have been cut by a crash."""
    path = receive(tmp_path, 2).folder / "pages.jsonl"
    path.write_bytes(b'{"number": 1\n' + path.read_bytes())
    with pytest.raises(GetflyError, match=rf"{path} cannot be read: .*\. Delete its folder and run the night again\."):
        PageStore(tmp_path).open(ASKED)


def test_a_whole_listing_that_lost_a_line_is_an_error(tmp_path: Path) -> None:
    listing = whole(tmp_path)
    path = listing.folder / "pages.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(GetflyError, match=rf"{path} has 2 of 3 pages\. Delete its folder and run the night again\."):
        rows_path(listing)


def test_a_whole_listing_that_lost_a_parent_is_an_error(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    kept.parent_done("7", 1)
    kept.parent_done("8", 2)
    listing = kept.finish(3)
    assert parents_of(listing) == ("7", "8")
    path = listing.folder / "parents.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(GetflyError, match=rf"{path} does not have all 3 rows' parents\. Delete its folder"):
        parents_of(listing)


def test_any_damage_to_a_page_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    listing = whole(tmp_path)
    path = listing.folder / "000002.json.gz"
    good = path.read_bytes()
    damaged = [good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :] for at in range(len(good))]
    # The operating system's and the time's bytes of the header say nothing about the answer.
    harmless = 0
    for content in (*damaged, b"", good[:-1], good[:10], gzip.compress(b"{}"), b"{}"):
        path.write_bytes(content)
        if content[10:] == good[10:] and content[:4] == good[:4]:
            harmless += 1
            assert len(list(bodies(listing))) == 3
            continue
        with pytest.raises(GetflyError) as caught:
            list(bodies(listing))
        assert str(path) in str(caught.value)
        assert str(caught.value).endswith("Delete its folder and run the night again.")
    assert harmless == 6
    path.unlink()
    with pytest.raises(GetflyError, match=r"000002\.json\.gz cannot be read: .*Delete its folder"):
        rows_path(listing)
    assert not (listing.folder / "rows.parquet").exists()


def test_what_the_error_advises_helps(tmp_path: Path) -> None:
    listing = whole(tmp_path)
    (listing.folder / "000001.json.gz").write_bytes(b"")
    for path in listing.folder.iterdir():
        path.unlink()
    listing.folder.rmdir()
    assert ids(whole(tmp_path)) == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, parameters={**ASKED.parameters, "fields": "id,email"}),
        replace(ASKED, parameters={**ASKED.parameters, "filtering[updated_at:gte]": "2026-03-30 00:00:00"}),
        replace(ASKED, parameters={**ASKED.parameters, "limit": "3"}),
        replace(ASKED, path="/api/v6/accounts"),
        replace(ASKED, night="2026-03-30"),
    ],
)
def test_another_question_does_not_go_on_with_a_broken_off_listing(tmp_path: Path, other: Asked) -> None:
    first = receive(tmp_path, 2)
    second = opened(tmp_path, other)
    assert second.folder != first.folder
    assert second.lines == ()
    # The first is not lost: whoever asks its question again goes on with it.
    assert opened(tmp_path).folder == first.folder


def test_a_folder_that_says_not_what_was_asked_is_thrown_away(tmp_path: Path) -> None:
    """The power failed before the question was on disk, so nothing can have been received."""
    folder = tmp_path / "accounts" / "2026-03-31.001"
    folder.mkdir(parents=True)
    assert PageStore(tmp_path).whole("accounts") == []
    assert opened(tmp_path).folder == folder
    assert opened(tmp_path).lines == ()


def test_a_listing_is_declared_whole_after_everything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the moment its declaration is written, all pages and lines are there; a crash in it leaves it broken off."""
    kept = receive(tmp_path)
    before = files(tmp_path)

    def crash(target: Path, _content: bytes) -> None:
        assert target == kept.folder / "listing.json"
        assert files(tmp_path) == before
        raise OSError("the power failed")

    with monkeypatch.context() as patched:
        patched.setattr(pages, "write_durably", crash)
        with pytest.raises(OSError, match="power"):
            kept.finish(6)
    assert PageStore(tmp_path).whole("accounts") == []
    assert len(opened(tmp_path).lines) == 3
    opened(tmp_path).finish(6)
    assert set(files(tmp_path)) - set(before) == {"accounts/2026-03-31.001/listing.json"}


def test_the_same_answers_make_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for name in ("one", "two"):
        listing = whole(tmp_path / name)
        rows_path(listing)
        made.append(files(tmp_path / name))
    # When a listing began is the one thing that differs.
    began = {name for name in made[0] if made[0][name] != made[1][name]}
    assert began == {"accounts/2026-03-31.001/asked.json", "accounts/2026-03-31.001/listing.json"}
    for name in began:
        one, two = (json.loads(each[name]) for each in made)
        assert {**one, "began_at": ""} == {**two, "began_at": ""}
    assert made[0]["accounts/2026-03-31.001/000001.json.gz"] == gzip.compress(ANSWERS[0], mtime=0)


def test_nights_come_in_their_order_and_the_newest_row_wins(tmp_path: Path) -> None:
    for night in ("2026-04-01", "2026-03-30", "2026-03-31"):
        receive(tmp_path, asked=replace(ASKED, night=night)).finish(6)
    assert [one.asked.night for one in PageStore(tmp_path).whole("accounts")] == [
        *("2026-03-30", "2026-03-31", "2026-04-01")
    ]
    kept = opened(tmp_path, replace(ASKED, night="2026-04-02"))
    for name in ("old", "new"):
        content = json.dumps([{"id": 1, "account_name": name}]).encode()
        kept.add(content, parent="", offset=0, rows=1, received_at=AT)
    [body] = pq.read_table(rows_path(kept.finish(1))).column("body").to_pylist()
    assert json.loads(body)["account_name"] == "new"


def test_several_threads_keep_their_pages_apart(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    start = threading.Barrier(4)

    def add(parent: int) -> list[PageLine]:
        start.wait(10)
        lines = []
        for number in range(10):
            content = json.dumps([{"id": 100 * parent + number}]).encode()
            lines.append(kept.add(content, parent=str(parent), offset=number, rows=1, received_at=AT))
        kept.parent_done(str(parent), 10)
        return lines

    with ThreadPoolExecutor(4) as pool:
        lines = [line for done in pool.map(add, range(4)) for line in done]
    assert sorted(line.number for line in lines) == list(range(1, 41))
    again = opened(tmp_path)
    assert sorted(again.lines, key=lambda line: line.number) == sorted(lines, key=lambda line: line.number)
    for line in lines:
        assert again.body(line) == [{"id": 100 * int(line.parent) + line.offset}]
    assert again.parents == {str(parent): 10 for parent in range(4)}
