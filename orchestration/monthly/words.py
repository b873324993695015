"""The report's own words, in English and Vietnamese. Names and labels of figures come from the data."""

from __future__ import annotations

from datetime import date

from orchestration.report.labels import Lang

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Monthly report {month}", "Báo cáo tháng {month}"),
    "fact_frozen": (
        "Frozen as known at the end of {as_of} (version {version}, {reason}).",
        "Số liệu đã chốt, tính đến hết ngày {as_of} (bản {version}, {reason}).",
    ),
    "first_freeze": ("first freeze", "chốt lần đầu"),
    "fact_now": (
        "Names, corrections and the customer cycle as published, known at the end of {as_of}.",
        "Tên gọi, điều chỉnh và chu kỳ khách hàng theo bản phát hành, tính đến hết ngày {as_of}.",
    ),
    # What changed
    "what_changed": ("What changed", "Điểm chính"),
    "against": (
        "{label}: {value}, {change} ({share}) against {month}.",
        "{label}: {value}, {change} ({share}) so với tháng {month}.",
    ),
    "as_before": ("{label}: {value}, as in {month}.", "{label}: {value}, bằng tháng {month}."),
    "against_nothing": (
        "{label}: {value}; it was 0 in {month}.",
        "{label}: {value}; tháng {month} là 0.",
    ),
    "against_loss": (
        "{label}: {value}, {change} against {month}, when it was {before}.",
        "{label}: {value}, {change} so với tháng {month} là {before}.",
    ),
    "alone": ("{label}: {value}.", "{label}: {value}."),
    "reached": (
        "Targets of {label}: {reached} of {targets} people reached theirs.",
        "Chỉ tiêu {label}: {reached} trên {targets} người đạt.",
    ),
    "corrected_before": (
        "{label} of {month} was frozen as {frozen} and has since been corrected to {now}.",
        "{label} tháng {month} đã chốt là {frozen}, sau đó được điều chỉnh thành {now}.",
    ),
    "fact_superseded": (
        "Version {latest} has been frozen since ({reason}); this report shows version {version}.",
        "Bản {latest} đã được chốt sau đó ({reason}); báo cáo này là bản {version}.",
    ),
    "not_frozen": (
        "{month} is not frozen, so nothing is compared with it.",
        "Tháng {month} chưa được chốt nên không so sánh được.",
    ),
    "company": ("The company", "Toàn công ty"),
    "figure": ("Figure", "Chỉ số"),
    "change": ("Change", "Thay đổi"),
    "change_share": ("in %", "theo %"),
    "millions": ("{label}, million", "{label}, triệu"),
    "revenue_by_month": ("Revenue by month, frozen months only", "Doanh thu theo tháng, chỉ các tháng đã chốt"),
    "target": ("Target", "Chỉ tiêu"),
    "attainment": ("Attained", "Đạt"),
    # Departments
    "departments": ("Departments", "Phòng ban"),
    "department": ("Department", "Phòng ban"),
    "with_below": ("With all below", "Gồm cấp dưới"),
    "departments_note": (
        "Each row is the people whose primary department it is, so that the rows add up to the company. "
        "Departments without any "
        "of these figures in either month are left out.",
        "Mỗi dòng gồm những người có phòng ban chính tại đó, nên các dòng cộng lại thành toàn công ty. Phòng ban "
        "không có số "
        "liệu nào trong cả hai tháng không được liệt kê.",
    ),
    "department_targets": ("Revenue targets of departments", "Chỉ tiêu doanh thu của phòng ban"),
    "department_targets_note": (
        "A department's target is measured with the people of all departments below it.",
        "Chỉ tiêu của phòng ban được đo trên cả các phòng ban cấp dưới.",
    ),
    "of_none": ("(no department)", "(không thuộc phòng ban)"),
    "of_unknown": ("(unknown department)", "(phòng ban không rõ)"),
    "sum": ("Company", "Công ty"),
    # Funnel
    "funnel": ("Funnel", "Phễu chuyển đổi"),
    "step": ("Step", "Bước"),
    "ratio": ("Per", "Trên mỗi"),
    "ratio_value": ("Ratio", "Tỷ lệ"),
    "divided": ("Divided", "Phép chia"),
    "funnel_note": (
        "Events of the month, not the same customers followed through: a ratio above 1 is possible.",
        "Các sự kiện trong tháng, không phải cùng một nhóm khách: tỷ lệ có thể lớn hơn 1.",
    ),
    # Cycle
    "cycle": ("From new customer to first order", "Từ khách mới đến đơn hàng đầu tiên"),
    "cycle_text": (
        "Of {counted} customers created from {first} to {last}, {converted} ({share}) have ordered and {waiting} "
        "have not "
        "yet. {median}",
        "Trong {counted} khách hàng tạo từ {first} đến {last}, {converted} ({share}) đã có đơn và {waiting} chưa "
        "có. {median}",
    ),
    "km": (
        "Counting those who have not ordered yet, half order within {days} days (Kaplan-Meier).",
        "Tính cả khách chưa có đơn, một nửa có đơn trong vòng {days} ngày (Kaplan-Meier).",
    ),
    "no_km": (
        "Counting those who have not ordered yet, fewer than half have ordered so far, so there is no median yet.",
        "Tính cả khách chưa có đơn, chưa đến một nửa có đơn nên chưa có trung vị.",
    ),
    "excluded": (
        "{excluded} more have an order dated before they were created and are left out.",
        "Ngoài ra {excluded} khách có đơn trước ngày tạo và không được tính.",
    ),
    "nobody_created": (
        "No customer was created from {first} to {last}.",
        "Không có khách hàng nào tạo từ {first} đến {last}.",
    ),
    "created_in": ("Created in", "Tạo trong"),
    "customers": ("Customers", "Khách hàng"),
    "ordered": ("have ordered", "đã có đơn"),
    "waiting": ("not yet", "chưa có đơn"),
    "share_ordered": ("ordered, of all", "tỷ lệ có đơn"),
    "cohort_chart": (
        "Customers by month of creation: how many have ordered since",
        "Khách hàng theo tháng tạo: bao nhiêu đã có đơn",
    ),
    "cycle_note": (
        "These change with time and are not frozen: as known at the end of {as_of}.",
        "Các số này thay đổi theo thời gian và không được chốt: tính đến hết ngày {as_of}.",
    ),
    # Movements
    "movements": ("Who moved revenue", "Ai làm thay đổi doanh thu"),
    "movements_none": (
        "{month} is not frozen: there is nothing to compare people's revenue with.",
        "Tháng {month} chưa được chốt: không có gì để so sánh doanh thu từng người.",
    ),
    "best": ("Largest increases", "Tăng nhiều nhất"),
    "worst": ("Largest decreases", "Giảm nhiều nhất"),
    "none_moved": ("Nobody.", "Không có."),
    "employee": ("Employee", "Nhân viên"),
    "orders_before": ("Orders before", "Đơn tháng trước"),
    "orders_now": ("Orders now", "Đơn tháng này"),
    "by_number": ("by number of orders", "do số đơn"),
    "by_value": ("by value per order", "do giá trị mỗi đơn"),
    "movements_note": (
        "Change = by number of orders (at the earlier value per order) + by value per order. Returns are "
        "negative revenue and no "
        "orders.",
        "Thay đổi = do số đơn (theo giá trị mỗi đơn trước đó) + do giá trị mỗi đơn. Hàng trả lại là doanh thu âm "
        "và không tính "
        "là đơn.",
    ),
    # Restatements
    "restated": ("Corrections of frozen months", "Điều chỉnh các tháng đã chốt"),
    "restated_none": (
        "No figure and no target of a frozen month has been corrected.",
        "Không có chỉ số hay chỉ tiêu nào của các tháng đã chốt bị điều chỉnh.",
    ),
    "restated_targets": (
        "{month}: {targets} targets are not what was frozen.",
        "Tháng {month}: {targets} chỉ tiêu khác với khi chốt.",
    ),
    "restated_text": (
        "{month}, {label}: frozen {frozen}, now {now} ({difference}). Rows behind it: {rows}.",
        "Tháng {month}, {label}: đã chốt {frozen}, nay {now} ({difference}). Dòng chi tiết: {rows}.",
    ),
    "rows_added": ("{n} added", "{n} thêm"),
    "rows_removed": ("{n} gone", "{n} mất"),
    "rows_changed": ("{n} changed", "{n} đổi"),
    "restated_parts": (
        "In {month} the company's other figures are as frozen; only between people or departments they differ: "
        "{labels}.",
        "Trong tháng {month} các chỉ số khác của công ty vẫn như đã chốt; chỉ khác giữa nhân viên hoặc phòng "
        "ban: {labels}.",
    ),
    "restated_note": (
        "Frozen months up to {month}, compared with what is known at the end of {as_of}. A person who changes "
        "department "
        "takes past figures along.",
        "Các tháng đã chốt đến {month}, so với số liệu tính đến hết ngày {as_of}. Người đổi phòng ban mang theo "
        "số liệu cũ.",
    ),
    "frozen": ("Frozen", "Đã chốt"),
    "now": ("Now", "Hiện nay"),
    "difference": ("Difference", "Chênh lệch"),
    "month": ("Month", "Tháng"),
    "employees_differ": ("Employees who differ", "Nhân viên khác"),
    "departments_differ": ("Departments that differ", "Phòng ban khác"),
    # Footnotes
    "footnotes": ("About the data", "Về dữ liệu"),
    "foot_quarantine": (
        "Rows that could not be read, since each table was last delivered whole: {listed}. Those that came again "
        "and could be "
        "read are in the figures, the others in none.",
        "Dòng không đọc được, tính từ lần nhận đủ gần nhất của mỗi bảng: {listed}. Dòng nào được gửi lại và đọc "
        "được thì có "
        "trong số liệu, còn lại thì không.",
    ),
    "foot_no_quarantine": (
        "Every row could be read, since each table was last delivered whole.",
        "Mọi dòng đều đọc được, tính từ lần nhận đủ gần nhất của mỗi bảng.",
    ),
    "foot_nobody": (
        "{label}: {value} of {whole} belongs to nobody, or to somebody the CRM does not list, and is in no "
        "person's figures.",
        "{label}: {value} trên {whole} không thuộc ai, hoặc thuộc người không có trong CRM, nên không tính cho "
        "người nào.",
    ),
    "foot_time": (
        "The states of tasks are those at the end of {as_of}; they go on changing without any correction.",
        "Trạng thái công việc tính đến hết ngày {as_of}; sau đó vẫn thay đổi mà không phải là điều chỉnh.",
    ),
    "foot_code": (
        "{month} was frozen by version {other} of the program, this month by {this}; a rule may have changed between.",
        "Tháng {month} được chốt bằng phiên bản {other} của chương trình, tháng này bằng {this}; quy tắc có thể "
        "đã đổi.",
    ),
    "foot_again": (
        "Frozen again as version {version}: {reason}. Earlier versions are kept.",
        "Chốt lại thành bản {version}: {reason}. Các bản trước vẫn được giữ.",
    ),
    "foot_proof": (
        'Frozen version {name}, place {place} in the chain. "kpi freeze --verify" says whether it is as it was '
        "written.",
        'Bản chốt {name}, vị trí {place} trong chuỗi. "kpi freeze --verify" cho biết bản này còn nguyên vẹn hay không.',
    ),
    "all_figures": ("All figures", "Mọi chỉ số"),
    "level": ("Level", "Cấp"),
    "of": ("Of", "Của"),
    "id": ("Id", "Mã"),
    "value": ("Value", "Giá trị"),
    "numerator": ("Numerator", "Tử số"),
    "denominator": ("Denominator", "Mẫu số"),
    "level_company": ("company", "công ty"),
    "level_department": ("department", "phòng ban"),
    "level_employee": ("employee", "nhân viên"),
    "chart_of": ("Chart", "Biểu đồ"),
    # Mail
    "mail_subject": ("KPI report {month}", "Báo cáo KPI tháng {month}"),
    "mail_text": (
        "The monthly report {month} is attached, as PDF, as a page for the browser and as a workbook.",
        "Đính kèm báo cáo tháng {month} ở dạng PDF, trang web và bảng tính.",
    ),
}


def word(key: str, lang: Lang, **values: object) -> str:
    """The report's word, with its values filled in."""
    return _WORDS[key][0 if lang is Lang.EN else 1].format(**values)


def month_text(month: date, lang: Lang) -> str:
    """`2026-03`, or `03/2026` as Vietnamese readers write it."""
    return f"{month:%Y-%m}" if lang is Lang.EN else f"{month:%m/%Y}"


def day_text(day: date, lang: Lang) -> str:
    """`2026-03-31`, or `31/03/2026`."""
    return f"{day:%Y-%m-%d}" if lang is Lang.EN else f"{day:%d/%m/%Y}"
