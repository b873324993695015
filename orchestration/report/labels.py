"""The words of the page itself, in English and Vietnamese: titles, column heads, notes.

Names of relationships, buckets and people come from the data and do not belong here.
"""

from __future__ import annotations

import re
from enum import StrEnum

_SPAN = re.compile(r"(\d+)_to_(\d+)_days")
_FROM = re.compile(r"(\d+)_days_and_more")
_AGES = re.compile(r"(\d+)_to_(\d+)")
_UNDER = re.compile(r"under_(\d+)")
_OVER = re.compile(r"(\d+)_and_over")
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
    "title_targets": ("Targets", "Chỉ tiêu KPI"),
    "title_conversion": ("Conversion", "Bảng tỷ lệ chuyển đổi"),
    "title_ratios": ("Ratios between steps", "Tỷ lệ giữa các bước"),
    "title_cohorts": ("True funnel", "Phễu theo cùng nhóm khách"),
    "title_conversion_sources": ("Conversion by source", "Chuyển đổi theo nguồn"),
    "title_projects": ("Activities by project", "Hoạt động theo dự án"),
    "title_task_types": ("Activities by task type", "Hoạt động theo loại"),
    "title_tasks": ("Tasks created in the month", "Thống kê công việc"),
    "title_ratings": ("Tasks confirmed, ratings", "Việc đã xác nhận, đánh giá"),
    "title_recency": ("Customers by last contact", "Khách hàng được chăm sóc"),
    "title_relationships": ("Customers by relationship", "KH theo mối quan hệ"),
    "title_sources": ("Customers by source", "KH và doanh thu theo nguồn"),
    "title_industries": ("Customers by industry", "KH và doanh thu theo ngành"),
    "title_provinces": ("Customers by province", "KH theo tỉnh/thành"),
    "title_gender": ("Customers by gender", "KH theo giới tính"),
    "title_ages": ("Customers by age", "KH theo độ tuổi"),
    "title_interactions": ("Interactions by type", "KH tương tác trong kỳ"),
    "title_calls": ("Calls in the month", "Cuộc gọi trong tháng"),
    "title_orders": ("Orders in the month", "Đơn hàng trong tháng"),
    "title_products": ("Products sold in the month", "Sản phẩm bán trong tháng"),
    "title_cycle": ("Customer cycle", "Chu kỳ khách hàng"),
    "title_journey": ("Customer journey", "Hành trình khách hàng"),
    "title_moves": ("Moves in the month", "Chuyển mối quan hệ trong tháng"),
    # Funnel
    "step": ("Step", "Bước"),
    "change": ("Change", "Thay đổi"),
    "owner_now": ("Owner now", "Hiện tại"),
    "new_customers": ("New customers", "Khách hàng mới"),
    "customers_assigned": ("assigned, by hand too", "được giao, kể cả bàn giao"),
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
    "narrow": ("Needs a wider window: {columns}.", "Cần cửa sổ rộng hơn: {columns}."),
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
    # Blocks without a figure
    "nothing_in_month": ("None in this month.", "Tháng này không có."),
    "nobody_in_charge": ("In charge of no customer now.", "Hiện không phụ trách khách hàng nào."),
    "nobody_in_charge_then": (
        "In charge of no customer on these days.",
        "Không phụ trách khách hàng nào vào các ngày này.",
    ),
    "nobody_created": (
        "No customer in charge was created in the window with what was asked for.",
        "Không có khách đang phụ trách nào được tạo trong khoảng và theo điều kiện đã chọn.",
    ),
    "no_cohort": ("No customer was created in the last six months.", "Sáu tháng gần đây không có khách hàng mới."),
    "no_target": ("No target for this month.", "Tháng này không có chỉ tiêu."),
    "one_person": ("One person is no team; see conversion.", "Chỉ có một người; xem bảng tỷ lệ chuyển đổi."),
    # Members that are no name
    "member_none": ("(none)", "(không có)"),
    "member_unknown": ("(unknown)", "(không rõ)"),
    "member_other": ("(other)", "(khác)"),
    "others": ("Other ({count})", "Khác ({count})"),
    # Sources and industries
    "source": ("Source", "Nguồn"),
    "industry": ("Industry", "Ngành"),
    "split": ("Split", "Chia đều"),
    "revenue_split": ("Revenue split", "DT chia đều"),
    "conversion_sources_note": (
        "Steps 1 and 5 by the customers' sources of today. Split is rounded here.",
        "Bước 1 và 5 theo nguồn hiện nay của khách. Số chia đều đã làm tròn.",
    ),
    "structure_note": (
        "In charge now; revenue of these customers' whole life, whoever sold to them.",
        "Đang phụ trách; doanh thu từ trước đến nay của các khách này, ai bán cũng tính.",
    ),
    "whole_exceeds": (
        "Whole counts a customer in each part, as the CRM does: {whole} for {split}. Split adds up.",
        "Cột đầy đủ tính khách ở mỗi mục như CRM: {whole} cho {split} khách. Chia đều thì khớp tổng.",
    ),
    # Activities
    "project": ("Project", "Dự án"),
    "task_type": ("Task type", "Loại việc"),
    # Ratings
    "confirmed": ("Confirmed as completed", "Đã xác nhận hoàn thành"),
    "rated": ("  of which rated", "  trong đó có đánh giá"),
    "mean_rating": ("Stars, rated only", "Sao, chỉ việc có đánh giá"),
    "mean_default": ("Stars, unrated as 2 (CRM)", "Sao, chưa đánh giá = 2 (CRM)"),
    "rating_note": ("Rated only: {stars} stars / {rated} tasks.", "Chỉ việc có đánh giá: {stars} sao / {rated} việc."),
    "default_note": (
        "Unrated as 2: {stars} stars / {confirmed} tasks.",
        "Chưa đánh giá = 2: {stars} sao / {confirmed} việc.",
    ),
    # Cohorts
    "created": ("Created", "Tạo"),
    "events": ("Events", "Sự kiện"),
    "with_interaction": ("Inter- acted", "Tương tác"),
    "with_task": ("Task", "Công việc"),
    "with_order": ("Ordered", "Có đơn"),
    "with_payment": ("Paid", "Đã trả"),
    "cohort_note": (
        "Customers created in the month who reached a step or a later one until now; % of the customers.",
        "Khách tạo trong tháng, đến nay đã tới bước đó hoặc bước sau; % trên số khách.",
    ),
    "events_note": (
        "Events: the steps of {month} above, of any customer; no group followed through.",
        "Sự kiện: các bước của {month} ở trên, của mọi khách; không theo một nhóm.",
    ),
    # Provinces and persons
    "province": ("Province", "Tỉnh/thành"),
    "now_note": ("In charge now.", "Đang phụ trách hiện nay."),
    "gender": ("Gender", "Giới tính"),
    "gender_male": ("male", "nam"),
    "gender_female": ("female", "nữ"),
    "gender_unknown": ("not given", "không rõ"),
    "age": ("Age", "Tuổi"),
    "age_under": ("under {end}", "dưới {end}"),
    "age_span": ("{start} to {end}", "{start} đến {end}"),
    "age_from": ("{start} and over", "từ {start}"),
    "age_unknown": ("not given", "không rõ"),
    "persons": ("Persons", "Người"),
    "ages_note": (
        "In charge now. Persons: the customers and their contacts.",
        "Đang phụ trách. Người: khách hàng và người liên hệ của họ.",
    ),
    # Interactions and calls
    "type": ("Type", "Loại"),
    "type_task": ("tasks", "công việc"),
    "type_comment": ("comments", "trao đổi"),
    "type_email": ("e-mails", "email"),
    "type_sms": ("SMS", "SMS"),
    "type_call": ("calls", "cuộc gọi"),
    "logged": ("Logged", "Ghi nhận"),
    "interactions_note": (
        "Customers: reached by the type, each once. Logged: also what does not count, such as calls not answered.",
        "Khách hàng: mỗi khách tính một lần theo loại. Ghi nhận: cả phần không tính, như cuộc gọi nhỡ.",
    ),
    "calls_head": ("Calls", "Cuộc gọi"),
    "calls": ("All calls", "Tổng cuộc gọi"),
    "calls_outbound": ("outbound", "gọi đi"),
    "calls_inbound": ("inbound", "gọi đến"),
    "calls_connected": ("answered", "được nghe máy"),
    "calls_missed": ("missed", "nhỡ"),
    "calls_failed": ("failed", "lỗi"),
    "talk_time": ("Talk time, h:mm:ss", "Thời lượng, giờ:phút:giây"),
    "talk_per_call": ("Talk per answered call", "Mỗi cuộc được nghe máy"),
    "calls_note": ("Every logged call; shares are of all calls.", "Mọi cuộc gọi ghi nhận; tỷ trọng trên tổng."),
    # Orders and products
    "amount": ("Amount", "Giá trị"),
    "orders_counted": ("Counted sales", "Đơn được tính"),
    "orders_returned": ("Returned", "Trả hàng"),
    "orders_net": ("Revenue", "Doanh thu"),
    "orders_pending": ("Pending, not counted", "Chờ duyệt, chưa tính"),
    "orders_left_out": ("Cancelled and others, not counted", "Đã hủy và khác, không tính"),
    "largest_sales": ("Largest sales", "Đơn lớn nhất"),
    "code": ("Code", "Mã đơn"),
    "date": ("Date", "Ngày"),
    "customer": ("Customer", "Khách hàng"),
    "executor": ("Sold by", "Người bán"),
    "status": ("Status", "Trạng thái"),
    "not_visible": ("(another's customer)", "(khách của người khác)"),
    "order_pending": ("pending", "chờ duyệt"),
    "order_approved": ("approved", "đã duyệt"),
    "order_delivering": ("delivering", "đang giao"),
    "order_partly_delivered": ("partly delivered", "giao một phần"),
    "order_delivered": ("delivered", "đã giao"),
    "order_cancelled": ("cancelled", "đã hủy"),
    "product": ("Product", "Sản phẩm"),
    "returns_head": ("Returned", "Trả"),
    "quantity": ("Quantity", "Số lượng"),
    "products_note": (
        "An order counts in each of its products. Quantity and revenue without what was returned.",
        "Một đơn tính ở mỗi sản phẩm của nó. Số lượng, doanh thu đã trừ trả hàng.",
    ),
    # Customer cycle and journey
    "window_note": (
        "Customers created {first} to {last} ({days} days), in charge now.",
        "Khách tạo từ {first} đến {last} ({days} ngày), đang phụ trách.",
    ),
    "only_source": ("Only source: {name}.", "Chỉ nguồn: {name}."),
    "only_relationship": ("Only those now in: {name}.", "Chỉ khách hiện ở: {name}."),
    "until": ("Until", "Đến khi"),
    "first_order": ("first order", "có đơn đầu tiên"),
    "to": ("→ {name}", "→ {name}"),
    "order_by_source": ("First order, by source", "Đơn đầu tiên theo nguồn"),
    "order_by_relationship": ("First order, by relationship now", "Đơn đầu tiên theo mối quan hệ"),
    "order_by_window": ("First order, of customers created in", "Đơn đầu tiên của khách tạo trong"),
    "last_days": ("the last {days} days", "{days} ngày gần nhất"),
    "converted": ("Done", "Đã đạt"),
    "mean_days": ("Mean days", "TB ngày"),
    "median_days": ("Median days", "Trung vị"),
    "km_median_days": ("KM median", "Trung vị KM"),
    "cycle_note": (
        "Mean, median: of those done. KM median (Kaplan-Meier): day by which half of all are done, – while fewer are.",
        "TB, trung vị: của khách đã đạt. Trung vị KM (Kaplan-Meier): ngày mà nửa số khách đã đạt, – nếu chưa tới nửa.",
    ),
    "excluded_note": (
        "Left out, dated before the customer was created: {listed}.",
        "Bỏ ra vì có ngày trước ngày tạo khách: {listed}.",
    ),
    "in_it_now": ("Now", "Hiện có"),
    "created_in_window": ("Created in window", "Tạo trong kỳ"),
    "moved_in": ("In", "Vào"),
    "moved_out": ("Out", "Ra"),
    "went_forward": ("For- ward", "Tiến"),
    "went_back": ("Back", "Lùi"),
    "journey_note": (
        "Window: created {first} to {last} ({days} days). Moves: of the last 84 days.",
        "Kỳ: tạo từ {first} đến {last} ({days} ngày). Vào, ra, tiến, lùi: trong 84 ngày gần nhất.",
    ),
    "days_in": ("Days in it", "Số ngày ở đó"),
    "stays_ended": ("Moved on", "Đã rời"),
    "stay_note": (
        "Left: customers there now, days so far. Right: stays of all time that a move ended.",
        "Bên trái: khách đang ở đó, số ngày đến nay. Bên phải: các lượt đã rời, từ trước đến nay.",
    ),
    # Targets
    "metric": ("Metric", "Chỉ tiêu"),
    "metric_tasks_late": ("Tasks late", "Công việc trễ"),
    "metric_returns": ("Returns", "Đơn trả hàng"),
    "metric_activities": ("Activities", "Hoạt động"),
    "metric_sales_amount": ("Sales", "Doanh số"),
    "metric_collected_amount": ("Collected", "Đã thu"),
    "period": ("Period", "Kỳ"),
    "target": ("Target", "Chỉ tiêu"),
    "actual": ("Actual", "Thực tế"),
    "achieved": ("Achieved", "Đạt"),
    "reached": ("Reached by", "Số người đạt"),
    "weight": ("Weight", "Trọng số"),
    "weighted_note": ("Weighted: {rate} of targets weighing {weight}.", "Theo trọng số: đạt {rate} của {weight}."),
    "period_note": (
        "Targets of {first} to {last}, day {elapsed} of {days}.",
        "Chỉ tiêu từ {first} đến {last}, ngày {elapsed} trên {days}.",
    ),
    "less_is_better": (
        "* Less is better: 100% at the target, 200% at none, 0% from twice the target on.",
        "* Càng ít càng tốt: bằng chỉ tiêu là 100%, không có là 200%, từ gấp đôi trở lên là 0%.",
    ),
    "without_actual": (
        "Left out, nothing to hold against the target: {count}.",
        "Bỏ ra vì không có số thực tế để so: {count}.",
    ),
    # Which blocks
    "shorter": (
        "Shorter: --block first. One block only: --block NAME, see --help.",
        "Ngắn hơn: --block first. Chỉ một mục: --block TÊN, xem --help.",
    ),
    "other_blocks": (
        "Also: {names}. One of them: --block NAME; all: --block all.",
        "Còn có: {names}. Xem một mục: --block TÊN; tất cả: --block all.",
    ),
    # Last line
    "dispute": (
        "A number looks wrong? `kpi explain METRIC --employee WHO` shows its rows; docs/metrics.md says how each is "
        "counted. All figures as known at the end of {as_of}.",
        "Số liệu chưa đúng? `kpi explain METRIC --employee WHO` cho xem từng dòng; docs/metrics.md nêu cách tính từng "
        "số. Mọi số liệu tính đến hết ngày {as_of}.",
    ),
    # The page in a browser
    "skip": ("Skip to the figures", "Đến phần số liệu"),
    "pick_person": ("Whose figures", "Số liệu của"),
    "month_before": ("Month before", "Tháng trước"),
    "month_after": ("Month after", "Tháng sau"),
    "language": ("Language", "Ngôn ngữ"),
    "print": ("Print", "In"),
    "close": ("Close", "Đóng"),
    "contents": ("All blocks", "Tất cả các mục"),
    "key_figures": ("Key figures of the month", "Số liệu chính của tháng"),
    "trend": ("Month by month", "Diễn biến theo tháng"),
    "short_units": ("k,M,B", " nghìn, tr, tỷ"),
    "show_rows": ("{label}: {value}, show the rows", "{label}: {value}, xem từng dòng"),
    "open_person": ("Open the page of {name}", "Mở trang của {name}"),
    "rows_shown": ("Rows: {shown}.", "Số dòng: {shown}."),
    "rows_cut": (
        "{shown} of {total} rows; this file holds no more. One person's own page holds more of them, and "
        "kpi explain --out FILE writes all.",
        "{shown} trên {total} dòng; tệp này không chứa nhiều hơn. Trang riêng của từng người có nhiều dòng hơn, "
        "kpi explain --out FILE ghi ra tất cả.",
    ),
    "rows_cut_unknown": (
        "{shown} rows, from the {loaded} of {total} of the month that this file holds. One person's own page holds "
        "more of them, and kpi explain --out FILE writes all.",
        "{shown} dòng, trong {loaded} trên {total} dòng của tháng mà tệp này chứa. Trang riêng của từng người có "
        "nhiều dòng hơn, kpi explain --out FILE ghi ra tất cả.",
    ),
    "rows_customers": ("Customers in charge", "Khách hàng đang phụ trách"),
    "rows_created": ("Customers created", "Khách hàng được tạo"),
    "rows_tasks": ("Tasks", "Công việc"),
    "rows_orders": ("Orders", "Đơn hàng"),
    "rows_lines": ("Order lines", "Dòng đơn hàng"),
    "rows_payments": ("Payments", "Thanh toán"),
    "rows_interactions": ("Interactions", "Tương tác"),
    "rows_moves": ("Moves", "Lượt chuyển"),
    "task_name": ("Task", "Công việc"),
    "created_on": ("Created", "Ngày tạo"),
    "due_on": ("Due", "Hạn"),
    "completed_on": ("Confirmed", "Xác nhận"),
    "last_contact": ("Last contact", "Liên hệ cuối"),
    "in_charge_person": ("In charge", "Phụ trách"),
    "counted_as": ("Counted as", "Được tính là"),
    "private": (
        "This file holds customers' names and figures that {email} may see. Hand it only to people who may see "
        "them too. Nothing in it is loaded from or sent to anywhere.",
        "Tệp này chứa tên khách hàng và số liệu mà {email} được xem. Chỉ gửi cho người cũng được xem. "
        "Tệp không tải từ đâu và không gửi đi đâu.",
    ),
    "needs_script": (
        "This page needs JavaScript, all of which is in the file.",
        "Trang này cần JavaScript, toàn bộ đã có sẵn trong tệp.",
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
    "rows_sum": ("sum {column}", "tổng {column}"),
    "rows_minus_sum": ("minus sum {column}", "tổng {column} đổi dấu"),
    "rows_count_distinct": ("count distinct {column}", "số {column} khác nhau"),
    "rows_mean": ("mean {column}", "trung bình {column}"),
    "rows_median": ("median {column}", "trung vị {column}"),
    "yes": ("yes", "có"),
    "no": ("no", "không"),
    "rows_agree": ("equal to the figure", "bằng số liệu"),
    "rows_differ": ("NOT the figure, which is {figure}", "KHÁC số liệu, vốn là {figure}"),
    "no_figure": (
        "There is no figure: the mart has no row. These rows would go into one.",
        "Không có số liệu: bảng không có dòng nào. Đây là các dòng sẽ tạo nên số liệu.",
    ),
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
    text = english if lang is Lang.EN else vietnamese
    return text.format(**values) if values else text


def every_word() -> dict[str, tuple[str, str]]:
    """English and Vietnamese of every key, with their places unfilled, for a page that changes its language itself."""
    return dict(_WORDS)


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


def age_name(band: str, lang: Lang) -> str:
    """An age band as the company named it in its seed: `under_18`, `18_to_24`, `65_and_over`, `unknown`."""
    if span := _AGES.fullmatch(band):
        return word("age_span", lang, start=span[1], end=span[2])
    if end := _UNDER.fullmatch(band):
        return word("age_under", lang, end=end[1])
    if start := _OVER.fullmatch(band):
        return word("age_from", lang, start=start[1])
    return _prefixed("age", band, lang)


def gender_name(gender: str, lang: Lang) -> str:
    """A gender of the contract."""
    return _prefixed("gender", gender, lang)


def interaction_name(interaction_type: str, lang: Lang) -> str:
    """A type of interaction of the contract."""
    return _prefixed("type", interaction_type, lang)


def order_status_name(status: str, lang: Lang) -> str:
    """A status of an order of the contract."""
    return _prefixed("order", status, lang)


def metric_name(metric: str, lang: Lang) -> str:
    """A target's metric; steps of the conversion have the conversion's names."""
    return _prefixed("metric", metric, lang) if f"metric_{metric}" in _WORDS else word_or_code(metric, lang)


def _prefixed(prefix: str, code: str, lang: Lang) -> str:
    key = f"{prefix}_{code}"
    return word(key, lang) if key in _WORDS else code.replace("_", " ")


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
