"""Every mart that has an oracle, collected from the modules beside this one.

Belongs here: finding the `MARTS` of each module. Not here: what they compute.

A module says for each mart its key and how to compute it, in either order, or only how to compute it where the key is
one of `reading.KEYS`. A module added later is found without being named here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pandas as pd

import tests.oracle
from tests.oracle.oracle import Company
from tests.oracle.reading import KEYS

_REGISTRY = "MARTS"


@dataclass(frozen=True)
class OracleMart:
    """A mart's key, and what its rows must be."""

    key: tuple[str, ...]
    compute: Callable[[Company], pd.DataFrame]


def oracle_marts() -> dict[str, OracleMart]:
    """Every mart with an oracle, by name; AssertionError when two modules disagree about one."""
    found: dict[str, OracleMart] = {}
    for info in iter_modules(tests.oracle.__path__, f"{tests.oracle.__name__}."):
        registry: Mapping[str, Any] = getattr(import_module(info.name), _REGISTRY, {})
        for name, entry in registry.items():
            mart = _mart(name, entry)
            assert found.setdefault(name, mart) == mart, f"{name} has two oracles; {info.name} is the second"
    return dict(sorted(found.items()))


def _mart(name: str, entry: Callable[[Company], pd.DataFrame] | Sequence[Any]) -> OracleMart:
    parts = (KEYS[name], entry) if callable(entry) else entry
    (compute,) = (part for part in parts if callable(part))
    (key,) = (part for part in parts if not callable(part))
    return OracleMart(tuple(key), compute)
