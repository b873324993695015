"""The words around the figures of a metric's page, in English and in Vietnamese.

Belongs here: headings, and the phrases that join names of marts and columns. Not here: what a metric means
(seeds/metric_catalogue.csv), what its codes are called (`labels`), why a row of an example counts
(docs/metrics/examples.yml).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from orchestration.metrics.labels import read_labels_vi
from orchestration.metrics.registry import Metric


@dataclass(frozen=True)
class Words:
    """One language of the pages. Phrases in braces are filled by `str.format`.

    `folder` is where its pages stand below those in English. `code` says a code of the catalogue, by column and code.
    `unit` is what stands behind a figure, empty where a number says enough.
    """

    folder: str
    why: str
    sister: str
    index: str
    index_head: tuple[str, ...]
    report: Callable[[str], str]
    place: Callable[[Metric], str]
    title: Callable[[Metric], str]
    label: Callable[[Metric], str]
    formula: Callable[[Metric], str]
    crm_difference: Callable[[Metric], str]
    code: Callable[[str, str], str]
    unit: Callable[[str], str]
    # The facts of a metric
    means: str
    unit_head: str
    whose: str
    by_date: str
    good_when: str
    good: Mapping[str, str]
    adds_up: str
    added: Mapping[str, str]
    stands_in: str
    where: str
    made_of: str
    made: Mapping[str, str]
    divided_by: str
    joined_by: str
    owner: Mapping[str, str]
    in_stretch: str
    is_month: str
    in_month: str
    on_crm: str
    # The example
    example: str
    of: Mapping[str, str]
    month: Callable[[date], str]
    as_of: str
    only: str
    counts: str
    why_head: str
    yes: str
    no: str
    figure: str
    rate: str
    no_rate: str
    # The reader's own figure
    own: str
    owner_option: Mapping[str, str]
    more_options: str


EMPLOYEE, DEPARTMENT = "employee", "department"

_INDEX = """\
# Every metric, one page each

[Tiếng Việt](vi/README.md)

What a figure means, whose it is, by which date, which rows make it, five rows worked through, and how
it differs from the CRM's page. `kpi explain METRIC --employee WHO --month 2026-03` prints the same for
somebody's own figure, with its rows. [Metrics](../metrics.md) is the overview;
[reconciliation](../reconciliation.md) explains figures that differ and are right.

Made from `seeds/metric_catalogue.csv` and `examples.yml` by `python -m orchestration.metrics.pages`.
"""

_INDEX_VI = """\
# Mọi chỉ số, mỗi chỉ số một trang

[English](../README.md)

Một con số nghĩa là gì, của ai, theo ngày nào, gồm những dòng nào, một ví dụ xét từng dòng trong năm dòng, và khác
trang CRM ở đâu. `kpi explain CHỈ_SỐ --employee TÊN --month 2026-03 --lang vi` cho biết như vậy về số liệu của một
người cụ thể, kèm từng dòng của số liệu đó. [Các chỉ số](../../metrics.md) là trang tổng quan,
[đối chiếu](../../reconciliation.md) giải thích vì sao hai con số khác nhau mà đều đúng; hai trang này viết bằng
tiếng Anh.

Những từ dùng chung cho mọi trang:

- **Ngày dữ liệu** (`as_of`): ngày cuối cùng có trong dữ liệu; số liệu tính đến hết ngày đó.
- **Được tính**: đạt điều kiện trong bảng quy tắc mà công ty sửa được: `order_status_rules` cho đơn hàng,
  `interaction_rules` cho tương tác ([các quy tắc](../../rules.md), bằng tiếng Anh).
- **Lúc tạo, lúc đó, hiện tại**: người phụ trách khi khách hàng được tạo, khi sự việc xảy ra, và bây giờ. Số liệu theo
  người phụ trách hiện tại thay đổi cả ở các tháng cũ mỗi khi khách hàng được bàn giao.
- **Đơn bán, đơn trả hàng**: hai loại đơn hàng. Đơn trả hàng tính theo ngày của chính nó, không theo ngày bán.
- **Doanh số, doanh thu, đã thu**: số lượng nhân đơn giá; doanh số trừ chiết khấu cộng VAT; tiền thanh toán trừ tiền
  hoàn lại, theo ngày trả.
- **Tính trọn, chia đều**: khách hàng có hai nguồn được tính là một ở cả hai nguồn, hoặc một nửa ở mỗi nguồn.

Các trang này được tạo từ `seeds/metric_catalogue.csv`, `seeds/labels.csv` và `examples.yml` bằng lệnh
`python -m orchestration.metrics.pages`.
"""

ENGLISH = Words(
    folder="",
    why="why",
    sister="Tiếng Việt",
    index=_INDEX,
    index_head=("metric", "in words", "unit", "whose", "by date"),
    report=str.capitalize,
    place=lambda metric: f"{metric.report} report, {metric.block.replace('_', ' ')}",
    title=lambda metric: f"{metric.label_en} · {metric.label_vi}",
    label=lambda metric: metric.label_en,
    formula=lambda metric: metric.formula,
    crm_difference=lambda metric: metric.crm_difference,
    code=lambda _, code: code,
    unit=lambda unit: f" {unit}",
    means="means",
    unit_head="unit",
    whose="whose",
    by_date="by date",
    good_when="good when",
    good={"increase": "it grows", "decrease": "it falls", "neutral": "neither: it describes"},
    adds_up="adds up",
    added={
        "yes": "over people and over time",
        "over people only": "over people, not over time",
        "no": "over nothing: never add two of them",
    },
    stands_in="stands in",
    where=" where ",
    made_of="is made of",
    made={
        "count": "the number of rows of `{mart}` where {conditions}",
        "sum": "the sum of `{column}` of `{mart}` where {conditions}",
        "minus_sum": "the sum of `{column}` with its sign turned of `{mart}` where {conditions}",
        "count_distinct": "the number of different `{column}` of `{mart}` where {conditions}",
        "mean": "the mean of `{column}` of `{mart}` where {conditions}",
        "median": "the median of `{column}` of `{mart}` where {conditions}",
        "none": "these rows, though no sum or mean of them of `{mart}` where {conditions}",
    },
    divided_by=" divided by ",
    joined_by=" and ",
    owner={EMPLOYEE: "`{column}` is the owner", DEPARTMENT: "`{column}` is the owner"},
    in_stretch="the end of the month lies in `{start}` to `{until}`",
    is_month="`{column}` is the month",
    in_month="`{column}` lies in the month",
    on_crm="on the CRM's page",
    example="Worked example",
    of={EMPLOYEE: "Of the employee `{owner}`", DEPARTMENT: "Of the department `{owner}`"},
    month=lambda month: f"{month:%B %Y}",
    as_of="as of {as_of}",
    only=", only `{column} = {value}`",
    counts="counts",
    why_head="why",
    yes="yes",
    no="no",
    figure="Figure: {figure}",
    rate="The rate",
    no_rate="None: {told} is no rate",
    own="Your own",
    owner_option={EMPLOYEE: "--employee WHO", DEPARTMENT: "--department NAME"},
    more_options="",
)

# Of these a number in Vietnamese says what it is by its place on the page.
_WITHOUT_UNIT = frozenset({"currency", "quantity", "rate"})


def vietnamese() -> Words:
    """The pages in Vietnamese. Raises OSError when the labels cannot be read."""
    labels = read_labels_vi()

    def code(column: str, value: str) -> str:
        return labels[column, value]

    return Words(
        folder="vi/",
        why="why_vi",
        sister="English",
        index=_INDEX_VI,
        index_head=("chỉ số", "tên", "đơn vị", "của ai", "theo ngày"),
        report=lambda report: code("report", report),
        place=lambda metric: f"{code('report', metric.report)}, mục {code('block', metric.block)}",
        title=lambda metric: f"{metric.label_vi} · {metric.label_en}",
        label=lambda metric: metric.label_vi,
        formula=lambda metric: metric.formula_vi,
        crm_difference=lambda metric: metric.crm_difference_vi,
        code=code,
        unit=lambda unit: "" if unit in _WITHOUT_UNIT else f" {code('unit', unit)}",
        means="nghĩa là",
        unit_head="đơn vị",
        whose="của ai",
        by_date="theo ngày",
        good_when="tốt khi",
        good={"increase": "tăng", "decrease": "giảm", "neutral": "không xét tốt xấu: chỉ để mô tả"},
        adds_up="cộng được",
        added={
            "yes": "theo người và theo thời gian",
            "over people only": "theo người, không theo thời gian",
            "no": "không: đừng bao giờ cộng hai số này với nhau",
        },
        stands_in="nằm ở",
        where=" với ",
        made_of="gồm",
        made={
            "count": "số dòng của `{mart}` với {conditions}",
            "sum": "tổng `{column}` của `{mart}` với {conditions}",
            "minus_sum": "tổng `{column}` đổi dấu của `{mart}` với {conditions}",
            "count_distinct": "số `{column}` khác nhau của `{mart}` với {conditions}",
            "mean": "trung bình `{column}` của `{mart}` với {conditions}",
            "median": "trung vị `{column}` của `{mart}` với {conditions}",
            "none": "các dòng của `{mart}` với {conditions}; số liệu không phải tổng hay trung bình của các dòng đó",
        },
        divided_by=" chia cho ",
        joined_by=" và ",
        owner={EMPLOYEE: "`{column}` là nhân viên đó", DEPARTMENT: "`{column}` là phòng ban đó"},
        in_stretch="cuối tháng nằm trong khoảng từ `{start}` đến `{until}`",
        is_month="`{column}` là tháng đó",
        in_month="`{column}` nằm trong tháng",
        on_crm="trên trang CRM",
        example="Ví dụ",
        of={EMPLOYEE: "Của nhân viên `{owner}`", DEPARTMENT: "Của phòng ban `{owner}`"},
        month=lambda month: f"tháng {month.month}/{month.year}",
        as_of="tính đến hết ngày {as_of}",
        only=", chỉ `{column} = {value}`",
        counts="được tính",
        why_head="vì sao",
        yes="có",
        no="không",
        figure="Số liệu: {figure}",
        rate="Tỷ lệ",
        no_rate="Không có: {told} không thành tỷ lệ",
        own="Số liệu của bạn",
        owner_option={EMPLOYEE: "--employee TÊN", DEPARTMENT: "--department TÊN"},
        more_options=" --lang vi",
    )
