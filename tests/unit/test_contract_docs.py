"""The committed page of the contract is what the registry says."""

from pathlib import Path

from orchestration.contract import contract
from orchestration.contract.docs import PAGE, main, render


def test_committed_page_is_current(tmp_path: Path) -> None:
    main(tmp_path / "contract.md")
    assert PAGE.read_text(encoding="utf-8") == (tmp_path / "contract.md").read_text(encoding="utf-8"), (
        "docs/contract.md is stale: run python -m orchestration.contract.docs"
    )


def test_page_names_every_entity_and_column() -> None:
    sections = {part.split("\n", 1)[0]: part for part in render(contract()).split("\n### ")[1:]}
    assert list(sections) == list(contract().entities)
    for entity in contract():
        for column in entity.columns:
            assert f"| `{column.name}` |" in sections[entity.name]
            for value in column.values:
                assert f"`{value}`" in sections[entity.name]
