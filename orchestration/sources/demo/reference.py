"""The lists a company maintains by hand: relationships, sources, industries, provinces, projects, task types, products.

Belongs here: their rows and how often each is met. Not here: anything that changes from night to night.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.sources.demo import names
from orchestration.sources.demo.clock import Clock
from orchestration.sources.demo.life import NULL, Ints, Life, Value, ids, ints, standing_life, timestamps

NEW, CONTACTED, INTERESTED, QUOTED, BOUGHT, LOYAL, LOST = range(7)
_RELATIONSHIPS = (
    "Mới", "Đã tiếp cận", "Quan tâm", "Đã báo giá", "Khách hàng", "Khách hàng thân thiết", "Ngừng chăm sóc",
)  # fmt: skip

_SOURCES = (
    ("Quảng cáo số", None), ("Facebook", 0), ("Zalo", 0), ("Google", 0), ("Tự tìm kiếm", None),
    ("Giới thiệu", None), ("Khách hàng giới thiệu", 5), ("Hội chợ", None), ("Website", None), ("TikTok", 0),
)  # fmt: skip
SOURCE_WEIGHTS = np.array([2, 24, 16, 12, 12, 5, 9, 4, 11, 7], dtype=np.float64)
# How much likelier than average a customer of this source buys.
SOURCE_EFFECT = np.array([0.8, 0.75, 0.95, 1.05, 1.1, 1.3, 1.7, 1.0, 1.2, 0.6])
_INDUSTRIES = (
    "Bán lẻ", "Xây dựng", "Sản xuất", "Dịch vụ ăn uống", "Giáo dục", "Y tế", "Vận tải", "Công nghệ thông tin",
    "Nông nghiệp", "Bất động sản",
)  # fmt: skip
INDUSTRIES = len(_INDUSTRIES)
PROVINCES = len(names.PROVINCES)
PROVINCE_WEIGHTS = 1 / np.arange(1, PROVINCES + 1) ** 0.8
_PROJECTS = (
    "Chăm sóc khách hàng 2025", "Mở rộng miền Trung", "Khách hàng doanh nghiệp", "Ra mắt dòng sản phẩm mới",
    "Thu hồi công nợ", "Chuyển đổi số nội bộ",
)  # fmt: skip
PROJECTS = len(_PROJECTS)
TASK_TYPES = (
    "Gọi điện", "Gặp khách hàng", "Gửi báo giá", "Giới thiệu sản phẩm", "Chăm sóc sau bán", "Nhắc công nợ",
    "Việc nội bộ",
)  # fmt: skip
_CATEGORIES = (
    ("Thiết bị văn phòng", None), ("Máy in", 0), ("Máy tính", 0), ("Phần mềm", None), ("Vật tư tiêu hao", None),
    ("Dịch vụ lắp đặt", None),
)  # fmt: skip
_PRODUCT_KINDS = (
    ("Bộ bàn ghế", 0), ("Máy in laser", 1), ("Máy in màu", 1), ("Máy tính xách tay", 2), ("Màn hình", 2),
    ("Phần mềm kế toán", 3), ("Phần mềm bán hàng", 3), ("Giấy in", 4), ("Mực in", 4), ("Gói lắp đặt", 5),
)  # fmt: skip
_VARIANTS = ("Cơ bản", "Tiêu chuẩn", "Nâng cao", "Chuyên nghiệp")
_BASE_PRICES = (4_500, 3_900, 6_800, 16_500, 4_200, 5_500, 3_600, 650, 900, 1_500)
PRODUCTS = len(_PRODUCT_KINDS) * len(_VARIANTS)
PRODUCT_PRICES: Ints = ints(np.outer(_BASE_PRICES, [0.7, 1.0, 1.5, 2.4]).ravel() * 1000)
# Few products make most of the sales; a fixed shuffle keeps the best sellers apart in the list.
PRODUCT_WEIGHTS = (1 / np.arange(1, PRODUCTS + 1) ** 0.9)[(np.arange(PRODUCTS) * 17 + 5) % PRODUCTS]
# Sold by weight or by hour, so halves occur.
DIVISIBLE = (np.arange(PRODUCTS) // len(_VARIANTS)) >= 7


def choose(rng: np.random.Generator, weights: npt.NDArray[np.float64], size: int) -> Ints:
    """Codes 0..n-1 drawn with these weights; weights of zero at the end change no draw."""
    bounds = np.cumsum(weights)
    return ints(np.searchsorted(bounds, rng.random(size) * bounds[-1], side="right"))


def share(rng: np.random.Generator, size: int, part: float) -> Ints:
    """About `part` of the positions 0..size-1, in order; at least one: rare things happen in small companies too."""
    if size == 0:
        return np.empty(0, dtype=np.int64)
    return ints(np.sort(rng.choice(size, size=min(size, max(1, round(size * part))), replace=False)))


def some(rng: np.random.Generator, size: int, part: float, given: Value, otherwise: int = NULL) -> Ints:
    """`given` at about `part` of the rows, `otherwise` elsewhere."""
    return np.where(rng.random(size) < part, given, otherwise)


def _tree(entity: str, prefix: str, stem: str, rows: tuple[tuple[str, int | None], ...], at: int) -> Life:
    numbers = np.arange(len(rows), dtype=np.int64)
    parents = ints([NULL if parent is None else parent for _, parent in rows])
    columns = {
        f"{stem}_id": ids(prefix, 2, numbers),
        f"{stem}_name": pa.array([name for name, _ in rows]),
        f"parent_{stem}_id": ids(prefix, 2, parents),
    }
    return standing_life(entity, columns, ints(at, len(rows)))


def _list(entity: str, prefix: str, stem: str, rows: tuple[str, ...], at: int) -> Life:
    columns = {f"{stem}_id": ids(prefix, 2, np.arange(len(rows), dtype=np.int64)), f"{stem}_name": pa.array(rows)}
    return standing_life(entity, columns, ints(at, len(rows)))


def _relationships(at: int) -> Life:
    numbers = np.arange(len(_RELATIONSHIPS), dtype=np.int64)
    columns = {
        "relationship_id": ids("QH", 2, numbers),
        "relationship_name": pa.array(_RELATIONSHIPS),
        "relationship_order": pa.array(numbers + 1),
        "is_default": pa.array(numbers == NEW),
    }
    return standing_life("relationships", columns, ints(at, len(numbers)))


def _products(at: int) -> Life:
    numbers = np.arange(PRODUCTS, dtype=np.int64)
    kinds = [f"{kind} {variant}" for kind, _ in _PRODUCT_KINDS for variant in _VARIANTS]
    categories = np.repeat(ints([category for _, category in _PRODUCT_KINDS]), len(_VARIANTS))
    columns = {
        "product_id": ids("SP", 3, numbers),
        "product_code": ids("HH-", 4, numbers),
        "product_name": pa.array(kinds),
        "category_id": ids("NH", 2, categories),
        "updated_at": timestamps(ints(at, PRODUCTS)),
    }
    return standing_life("products", columns, ints(at, PRODUCTS))


def reference_lives(clock: Clock) -> dict[str, Life]:
    """All lists, there from the first moment of the first day."""
    at = clock.months()[0].starts_at
    return {
        "relationships": _relationships(at),
        "sources": _tree("sources", "NG", "source", _SOURCES, at),
        "industries": _list("industries", "NN", "industry", _INDUSTRIES, at),
        "provinces": _list("provinces", "TT", "province", names.PROVINCES, at),
        "projects": _list("projects", "DA", "project", _PROJECTS, at),
        "task_types": _list("task_types", "LC", "task_type", TASK_TYPES, at),
        "product_categories": _tree("product_categories", "NH", "category", _CATEGORIES, at),
        "products": _products(at),
    }
