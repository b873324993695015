"""The source contract as code.

Belongs here: the registry of entities and what derives from it (schemas, casts, quarantine rules, the docs page).
Not here: reading files or writing batches (`sources/`, `landing/`).
"""

from orchestration.contract.registry import Column, ColumnType, Contract, Entity, contract

__all__ = ["Column", "ColumnType", "Contract", "Entity", "contract"]
