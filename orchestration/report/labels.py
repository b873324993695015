"""The words of the page itself, in English and Vietnamese: titles, column heads, notes.

Names of relationships, buckets and people come from the data and do not belong here.
"""

from __future__ import annotations

import re
from enum import StrEnum

_SPAN = re.compile(r"(\d+)_to_(\d+)_days")
_FROM = re.compile(r"(\d+)_days_and_more")
_LOWER_RANK = re.compile(r"lower rank in (.+)")
_HEAD = re.compile(r"head of (.+) above .+")


class Lang(StrEnum):
    """The page's language."""

    EN = "en"
    VI = "vi"


_WORDS: dict[str, tuple[str, str]] = {
    # Header
    "page": ("Page", "Trang"),
    "team": ("Team", "Nhóm"),
    "people": ("people", "người"),
    "month": ("Month", "Tháng"),
    "whole_month": ("whole month", "trọn tháng"),
    "days_of": ("day 1 to {day} of {days}", "ngày 1 đến {day} trên {days}"),
    "after_as_of": ("after as_of: only what is already dated so", "sau as_of: chỉ gồm dữ liệu đã có ngày như vậy"),
    "viewer": ("Seen by", "Người xem"),
    "sees_one": ("sees one person: {reasons}", "xem được một người: {reasons}"),
    "sees": ("sees {people} people: {reasons}", "xem được {people} người: {reasons}"),
    "data": ("Data", "Dữ liệu"),
    "known": (
        "known at the end of {as_of}, from source {source}",
        "tính đến hết ngày {as_of}, từ nguồn {source}",
    ),
    "published": ("Published", "Phát hành"),
    "generation": ("{at} UTC, generation {generation}", "{at} UTC, bản {generation}"),
    "no_rows": (
        "Nothing is dated in this month, and nobody on this page was in charge of a customer.",
        "Tháng này không phát sinh gì và không ai trên trang này phụ trách khách hàng nào.",
    ),
    # Why a viewer sees a person
    "self": ("oneself", "chính mình"),
    "view_all": ("by the right view_all", "theo quyền xem tất cả"),
    "lower_rank": ("of lower rank in {department}", "cấp dưới trong {department}"),
    "head": ("as head of {department}", "với tư cách phụ trách {department}"),
    # Titles
    "title_team": ("The team's month", "Thống kê theo nhân viên"),
    "title_funnel": ("Conversion", "Bảng tỷ lệ chuyển đổi"),
    "title_ratios": ("Ratios between steps", "Tỷ lệ giữa các bước"),
    "title_tasks": ("Tasks created in the month", "Thống kê công việc"),
    "title_recency": ("Customers by last contact", "Khách hàng được chăm sóc"),
    "title_journey": ("Customers by relationship", "Hành trình khách hàng"),
    "title_moves": ("Moves in the month", "Chuyển mối quan hệ trong tháng"),
    # Funnel
    "step": ("Step", "Bước"),
    "change": ("Change", "Thay đổi"),
    "owner_now": ("Owner now", "Hiện tại"),
    "new_customers": ("New customers", "Khách hàng mới"),
    "customers_in_charge": ("in charge, month end", "đang phụ trách"),
    "interactions": ("Interactions", "Tương tác"),
    "activities": ("Activities (tasks)", "Hoạt động"),
    "orders": ("Orders", "Đơn hàng"),
    "returns": ("returned", "trả hàng"),
    "pending_orders": ("pending, not counted", "chờ duyệt, chưa tính"),
    "revenue_amount": ("Revenue", "Doanh thu"),
    "sales_amount": ("sales, before discounts", "doanh số"),
    "collected_amount": ("collected, by payment", "đã thu"),
    "bar_note": ("Bar: this month; {mark} marks the month before.", "Thanh: tháng này; {mark} là tháng trước."),
    "parity_note": (
        "Owner now: the CRM's own count, by today's owner and without deleted customers.",
        "Hiện tại: cách đếm của CRM, theo người phụ trách hôm nay, không gồm khách đã xóa.",
    ),
    # Ratios
    "ratio": ("Ratio", "Tỷ lệ"),
    "value": ("Value", "Giá trị"),
    "divided": ("Divided", "Phép chia"),
    "interactions_per_new_customer": ("Interactions per new customer", "Tương tác / khách hàng mới"),
    "activities_per_interaction": ("Activities per interaction", "Hoạt động / tương tác"),
    "activities_per_new_customer": ("Activities per new customer", "Hoạt động / khách hàng mới"),
    "orders_per_activity": ("Orders per activity", "Đơn hàng / hoạt động"),
    "orders_per_new_customer": ("Orders per new customer", "Đơn hàng / khách hàng mới"),
    "revenue_per_order": ("Revenue per order", "Doanh thu / đơn hàng"),
    "revenue_per_new_customer": ("Revenue per new customer", "Doanh thu / khách hàng mới"),
    "ratio_note": (
        "Events of one month, not the same customers followed through: above 1 is possible.",
        "Các sự kiện trong tháng, không phải cùng một nhóm khách: có thể lớn hơn 1.",
    ),
    # Team
    "employee": ("Employee", "Nhân viên"),
    "inactive": ("inactive", "đã nghỉ"),
    "new": ("New", "Mới"),
    "in_charge": ("In charge", "Phụ trách"),
    "inter": ("Inter- actions", "Tương tác"),
    "acts": ("Tasks", "Công việc"),
    "ord": ("Orders", "Đơn"),
    "sales": ("Sales", "Doanh số"),
    "revenue": ("Revenue", "Doanh thu"),
    "collected": ("Collected", "Đã thu"),
    "total": ("Total", "Tổng"),
    "team_left_out": (
        "Not listed, without a figure this month: {count}.",
        "Không liệt kê vì không có số liệu trong tháng: {count}.",
    ),
    "team_narrow": ("Needs a wider window: {columns}.", "Cần cửa sổ rộng hơn: {columns}."),
    # Tasks
    "state": ("State", "Trạng thái"),
    "tasks": ("Tasks", "Số việc"),
    "share": ("Share", "Tỷ trọng"),
    "task_new": ("New", "Mới giao"),
    "task_in_progress": ("In progress", "Đang tiến hành"),
    "task_awaiting_confirmation": ("Awaiting confirmation", "Chờ xác nhận"),
    "task_late": ("Late", "Chậm tiến độ"),
    "task_completed": ("Completed", "Đã hoàn thành"),
    "task_completed_late": ("of which late", "trong đó trễ hạn"),
    "task_cancelled": ("Cancelled", "Đã hủy"),
    # Recency and journey
    "days_since": ("Days since contact", "Số ngày từ liên hệ cuối"),
    "customers": ("Customers", "Khách hàng"),
    "days_span": ("{start} to {end} days", "{start} đến {end} ngày"),
    "days_from": ("{start} days and more", "từ {start} ngày"),
    "never": ("never", "chưa từng"),
    "recency_note": (
        "In charge at the end of {as_of}, whatever the month above.",
        "Đang phụ trách đến hết ngày {as_of}, không phụ thuộc tháng đã chọn.",
    ),
    "relationship": ("Relationship", "Mối quan hệ"),
    "stock_note": (
        "In charge at the end of each day, by the owner and relationship of that day.",
        "Đang phụ trách vào cuối mỗi ngày, theo người phụ trách và mối quan hệ của ngày đó.",
    ),
    "from_to": ("From → to", "Từ → đến"),
    "direction": ("Direction", "Chiều"),
    "forward": ("forward", "tiến"),
    "backward": ("backward", "lùi"),
    "unordered": ("unordered", "không xếp bậc"),
    "moves": ("Moves", "Lượt"),
    "moves_left_out": ("Other moves: {moves}, of {kinds} kinds.", "Lượt chuyển khác: {moves}, thuộc {kinds} loại."),
    "none": ("None.", "Không có."),
    # Last line
    "dispute": (
        "A number looks wrong? docs/metrics.md says how each is counted. All figures as known at the end of {as_of}.",
        "Số liệu chưa đúng? docs/metrics.md nêu cách tính từng số. Mọi số liệu tính đến hết ngày {as_of}.",
    ),
    # One figure explained
    "explain_means": ("Means", "Nghĩa là"),
    "explain_whose": ("Whose", "Của ai"),
    "explain_by_date": ("By date", "Theo ngày"),
    "explain_unit": ("Unit", "Đơn vị"),
    "explain_mart": ("Mart", "Bảng"),
    "explain_crm": ("In the CRM", "Trong CRM"),
    "as_of_only": ("as of {as_of}", "tính đến {as_of}"),
    "operator": ("the operator, every row", "người vận hành, mọi dòng"),
    "rows_of": ("{rows} rows of {mart}", "{rows} dòng của {mart}"),
    "rows_count": ("rows counted", "số dòng"),
    "rows_agree": ("equal to the figure", "bằng số liệu"),
    "rows_differ": ("NOT the figure, which is {figure}", "KHÁC số liệu, vốn là {figure}"),
    "rows_no_sum": (
        "The figure is made of these rows, but is no sum or mean of them.",
        "Số liệu được tính từ các dòng này nhưng không phải tổng hay trung bình.",
    ),
    "more_columns": (
        "{count} more columns: a wider window, or --out FILE.",
        "Còn {count} cột: mở rộng cửa sổ, hoặc --out FILE.",
    ),
    "more_rows": (
        "{rows} more rows: --rows N shows them, --out FILE writes all.",
        "Còn {rows} dòng: --rows N, hoặc --out FILE.",
    ),
    "compared": ("Compared with another figure", "So với số liệu khác"),
    "no_reconciliation": (
        "No other figure of this person and month is known to disagree with it.",
        "Không có số liệu nào khác cần đối chiếu với số này.",
    ),
}


def word(key: str, lang: Lang, **values: object) -> str:
    """The page's word for a key, its places filled; KeyError for a key the page does not have."""
    english, vietnamese = _WORDS[key]
    return (english if lang is Lang.EN else vietnamese).format(**values)


def word_or_code(code: str, lang: Lang) -> str:
    """The page's word for a code from the data, or the code itself where the page has none."""
    return word(code, lang) if code in _WORDS else code.replace("_", " ")


def bucket_name(bucket: str, lang: Lang) -> str:
    """A span of days as the company named it in its seed: `0_to_6_days`, `90_days_and_more`, `never`."""
    if span := _SPAN.fullmatch(bucket):
        return word("days_span", lang, start=span[1], end=span[2])
    if start := _FROM.fullmatch(bucket):
        return word("days_from", lang, start=start[1])
    return word_or_code(bucket, lang)


def reason_words(reason: str, lang: Lang) -> str:
    """A reason of `core_employee_scope` as the page says it: the right or the department it comes from."""
    if lower := _LOWER_RANK.fullmatch(reason):
        return word("lower_rank", lang, department=lower[1])
    if head := _HEAD.fullmatch(reason):
        return word("head", lang, department=head[1])
    return word_or_code(reason, lang)


def title(key: str, lang: Lang) -> str:
    """A title in both languages, the page's own first."""
    english, vietnamese = _WORDS[key]
    return f"{english} · {vietnamese}" if lang is Lang.EN else f"{vietnamese} · {english}"
