"""Vietnamese names of people, companies, provinces and goods, and how they combine.

Belongs here: word lists and vectorised builders of texts. Not here: who bears a name.
Provinces are the 34 that exist since the mergers of July 2025.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.sources.demo.life import Ints, ints


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Repeated words come up more often.
_FAMILY = _words(
    "Nguyễn Nguyễn Nguyễn Nguyễn Trần Trần Lê Lê Phạm Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Mai"
)
_MIDDLE = (
    _words("Văn Đức Quang Minh Hữu Công Thành Xuân Anh Tuấn Gia Quốc"),
    _words("Thị Thị Ngọc Thu Thanh Phương Bích Kim Mỹ Hồng Khánh Diệu"),
)
_GIVEN = (
    _words("Hùng Dũng Cường Nam Sơn Long Khoa Huy Phúc Tùng Hải Tâm Bình Đạt Thắng Kiên Trung Hiếu Lâm Vinh Quân Bảo"),
    _words("Lan Hương Mai Linh Trang Hà Thảo Nhung Yến Ngân Vân Hạnh Oanh Quỳnh Chi Hoa Loan Tuyết Diễm Châu My Giang"),
)
_COMPANY_FORM = (
    "Công ty TNHH", "Công ty TNHH", "Công ty Cổ phần", "Công ty TNHH MTV", "Cửa hàng", "Hộ kinh doanh",
    "Doanh nghiệp tư nhân",
)  # fmt: skip
_COMPANY_FIELD = (
    "Thương mại", "Xây dựng", "Dịch vụ", "Sản xuất", "Công nghệ", "Vận tải", "Nội thất", "Thực phẩm",
    "Dược phẩm", "May mặc", "Cơ khí", "Giáo dục",
)  # fmt: skip
_COMPANY_NAME = (
    "An Phát", "Hưng Thịnh", "Đại Dương", "Minh Long", "Phú Quý", "Thành Công", "Việt Tiến", "Hòa Bình",
    "Tân Á", "Sao Mai", "Trường Sơn", "Bảo Ngọc", "Kim Ngân", "Đông Đô", "Hoàng Gia", "Phương Nam", "Bắc Hà",
    "Thiên Ân", "Vạn Xuân", "Lộc Phát", "Nam Việt", "Gia Khánh", "Thuận Thành", "Hải Đăng",
)  # fmt: skip

PROVINCES = (
    "Hà Nội", "Thành phố Hồ Chí Minh", "Đà Nẵng", "Hải Phòng", "Cần Thơ", "Huế", "Đồng Nai", "Bắc Ninh",
    "Quảng Ninh", "Hưng Yên", "Thanh Hóa", "Nghệ An", "Ninh Bình", "Phú Thọ", "Thái Nguyên", "Khánh Hòa",
    "Lâm Đồng", "Tây Ninh", "An Giang", "Đồng Tháp", "Vĩnh Long", "Gia Lai", "Đắk Lắk", "Quảng Ngãi",
    "Quảng Trị", "Hà Tĩnh", "Lào Cai", "Tuyên Quang", "Lạng Sơn", "Sơn La", "Cà Mau", "Cao Bằng", "Điện Biên",
    "Lai Châu",
)  # fmt: skip


def _pick(rng: np.random.Generator, words: tuple[str, ...], size: int) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(rng.integers(len(words), size=size)))


def people(rng: np.random.Generator, genders: Ints) -> pa.Array:
    """Full names, family name first; genders are 0 for male and 1 for female."""
    size = len(genders)
    is_woman = pa.array(genders == 1)
    middle = pc.if_else(is_woman, _pick(rng, _MIDDLE[1], size), _pick(rng, _MIDDLE[0], size))
    given = pc.if_else(is_woman, _pick(rng, _GIVEN[1], size), _pick(rng, _GIVEN[0], size))
    return pc.binary_join_element_wise(_pick(rng, _FAMILY, size), middle, given, " ")


def companies(rng: np.random.Generator, size: int) -> pa.Array:
    """Names of companies and shops."""
    parts = (_pick(rng, words, size) for words in (_COMPANY_FORM, _COMPANY_FIELD, _COMPANY_NAME))
    return pc.binary_join_element_wise(*parts, " ")


def phones(rng: np.random.Generator, size: int) -> pa.Array:
    """Ten-digit mobile numbers."""
    prefix = _pick(rng, ("090", "091", "093", "097", "098", "086", "035", "079"), size)
    digits = pc.utf8_lpad(pa.array(ints(rng.integers(10**7, size=size))).cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def ascii_letters(text: str) -> str:
    """The text in lower case without diacritics, as e-mail addresses write it."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def logins(full_names: list[str]) -> list[str]:
    """One e-mail address per person, unique: given name, dot, family name, and a number where two would be equal."""
    seen: dict[str, int] = {}
    addresses = []
    for full_name in full_names:
        words = ascii_letters(full_name).split()
        login = f"{words[-1]}.{words[0]}"
        seen[login] = seen.get(login, 0) + 1
        number = "" if seen[login] == 1 else str(seen[login])
        addresses.append(f"{login}{number}@congty.example")
    return addresses
