"""The bundle: what Superset imports, as files, and the files as one ZIP.

Belongs here: databases, datasets, and putting charts and dashboards together. Not here: asking PostgreSQL who has which
login (`make`), talking to Superset (`server`).

There is never a password in it: Superset asks for one at the import, and keeps it. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from orchestration.bi.definition import (
    DEPARTMENT,
    EMPLOYEE,
    MONTH,
    STANDARD,
    Chart,
    Dashboard,
    is_department,
    mart_columns,
)
from orchestration.bi.queries import SCHEMA, Dataset, Measure, dataset_name, datasets, values_sql
from orchestration.bi.superset import charts, layout
from orchestration.bi.superset.names import Audience
from orchestration.report.labels import Lang

ROOT = "kpi"
"""The folder inside the ZIP; Superset ignores its name."""

_VERSION = "1.0.0"
# Superset's own sign for a password that is somewhere else.
_NO_PASSWORD = "XXXXXXXXXX"
# ZIP knows no earlier day; a real one would make every bundle another file.
_NO_DAY = (1980, 1, 1, 0, 0, 0)
_AS_OF = "as_of"
_AS_OF_ABOUT = "as_of_about"

_WORDS: Mapping[str, tuple[str, str]] = {
    MONTH: ("Month", "Tháng"),
    EMPLOYEE: ("Employee", "Nhân viên"),
    DEPARTMENT: ("Department", "Phòng ban"),
    charts.MONTH_DATE: ("First day of the month", "Ngày đầu tháng"),
    "is_running_month": ("Running month", "Tháng đang chạy"),
    _AS_OF: ("As of", "Tính đến"),
    "generation_id": ("Publication", "Bản phát hành"),
    "source": ("Source", "Nguồn"),
    "order": ("Order of", "Thứ tự của"),
    _AS_OF_ABOUT: ("The last day that the figures know.", "Ngày cuối cùng mà số liệu ghi nhận."),
}
_TYPES: Mapping[str, str] = {
    "varchar": "TEXT",
    "double": "DOUBLE PRECISION",
    "timestamp": "TIMESTAMP",
    "hugeint": "NUMERIC",
}


@dataclass(frozen=True)
class Server:
    """Where PostgreSQL is, as Superset reaches it. `options` are the address's own, such as `sslmode`."""

    host: str
    port: int
    database: str
    options: Mapping[str, str]

    def address(self, login: str) -> str:
        """The connection of one login, without a password."""
        options = f"?{urlencode(sorted(self.options.items()))}" if self.options else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        # Of these parts the reader of the address turns back the login only.
        where = f"{host}:{self.port}/{self.database}"
        return f"postgresql+psycopg2://{quote(login, safe='')}:{_NO_PASSWORD}@{where}{options}"


def database_file(audience: Audience) -> str:
    """The file that describes a person's connection; a password given at the import goes by this name."""
    return f"databases/{audience.slug}.yaml"


def bundle_files(
    dashboards: Sequence[Dashboard], audiences: Sequence[Audience], server: Server, language: Lang
) -> dict[str, dict[str, Any]]:
    """Every file of the bundle by its path, for all of these people."""
    files: dict[str, dict[str, Any]] = {"metadata.yaml": {"version": _VERSION}}
    for audience in audiences:
        files |= _Maker(dashboards, audience, server, language).files()
    return files


def zip_bytes(files: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The files as a ZIP, the same bytes for the same files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as bundle:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{ROOT}/{name}", _NO_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, as_yaml(content))
    return whole.getvalue()


def as_yaml(content: Mapping[str, Any]) -> str:
    """A file's text. SQL stands in it line by line, so that two bundles can be compared."""
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and never `*1` for what was said before."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


class _Maker:
    """Makes the files of one person."""

    def __init__(self, dashboards: Sequence[Dashboard], audience: Audience, server: Server, language: Lang) -> None:
        self._dashboards = dashboards
        self._audience = audience
        self._server = server
        self._language = language
        self._datasets = datasets(dashboards, language)

    def files(self) -> dict[str, dict[str, Any]]:
        made = {database_file(self._audience): self._database()}
        for dataset in self._datasets.values():
            made[self._path("datasets", dataset.name)] = self._dataset(dataset)
        for name in STANDARD:
            made[self._path("datasets", f"filter_{name}")] = self._filter_values(name)
        made[self._path("datasets", "publication")] = self._publication()
        made[self._path("charts", _AS_OF)] = self._as_of_chart()
        for dashboard in self._dashboards:
            for chart in dashboard.charts:
                made[self._path("charts", f"{dashboard.name}__{chart.name}")] = self._chart(dashboard, chart)
            made[self._path("dashboards", dashboard.name)] = self._dashboard(dashboard)
        return made

    def _path(self, folder: str, name: str) -> str:
        return f"{folder}/{self._audience.slug}/{name}.yaml"

    def _word(self, name: str) -> str:
        english, vietnamese = _WORDS[name]
        return vietnamese if self._language is Lang.VI else english

    def _database(self) -> dict[str, Any]:
        return {
            "database_name": self._audience.title,
            "sqlalchemy_uri": self._server.address(self._audience.login),
            "cache_timeout": None,
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_file_upload": False,
            "impersonate_user": False,
            "extra": {"allows_virtual_table_explore": True, "schemas_allowed_for_file_upload": []},
            "uuid": self._audience.uuid("database"),
            "version": _VERSION,
        }

    def _dataset(self, dataset: Dataset) -> dict[str, Any]:
        return self._dataset_file(
            dataset.name,
            dataset.sql,
            f"Rows of {', '.join(dataset.marts)}.",
            list(self._columns(dataset)),
            [
                *(self._measure(item, dataset) for item in dataset.measures),
                *(self._order_of(name) for name in dataset.orders),
            ],
            charts.MONTH_DATE if dataset.source.date is not None else None,
        )

    def _dataset_file(
        self,
        name: str,
        sql: str,
        description: str,
        columns: list[dict[str, Any]],
        metrics: list[dict[str, Any]],
        time_column: str | None = None,
    ) -> dict[str, Any]:
        return {
            # Where Superset keeps its own data in SQLite, no two datasets may have one name, whatever their database.
            "table_name": f"{name} · {self._audience.label}",
            "main_dttm_col": time_column,
            "description": description,
            "default_endpoint": None,
            "offset": 0,
            "cache_timeout": None,
            "schema": SCHEMA,
            "sql": sql,
            "params": None,
            "template_params": None,
            "filter_select_enabled": True,
            "fetch_values_predicate": None,
            "extra": None,
            "normalize_columns": False,
            "always_filter_main_dttm": False,
            "uuid": self._audience.uuid("dataset", name),
            "metrics": metrics,
            "columns": columns,
            "version": _VERSION,
            "database_uuid": self._audience.uuid("database"),
        }

    def _columns(self, dataset: Dataset) -> list[dict[str, Any]]:
        has_month = dataset.source.date is not None
        found = []
        if has_month:
            found.append(_column(MONTH, self._word(MONTH), "varchar", "The month, like 2026-03."))
            found.append(_column(charts.MONTH_DATE, self._word(charts.MONTH_DATE), "date", "The month's first day."))
            about = "Whether it is the month of the publication's day."
            found.append(_column("is_running_month", self._word("is_running_month"), "boolean", about))
        for name in (DEPARTMENT,) if is_department(dataset.source) else (EMPLOYEE, DEPARTMENT):
            found.append(_column(name, self._word(name), "varchar", "Whose rows these are."))
        for column in dataset.columns:
            found.append(_column(column.name, column.title.of(self._language), column.type, column.description))
        metrics = {item.metric.measure: item.metric for item in dataset.measures if not item.metric.is_rate}
        shown = {column.name for column in dataset.columns}
        for name in (value for value in dataset.values if value not in shown):
            data_type, description = mart_columns()[dataset.source.mart][name]
            metric = metrics[name]
            label = metric.label_vi if self._language is Lang.VI else metric.label_en
            found.append(_column(name, label, data_type, description))
        for name in dataset.orders:
            found.append(_column(name, self._order_title(name), "integer", "In which order the members are shown."))
        return found

    def _order_title(self, name: str) -> str:
        return f"{self._word('order')} {name.removesuffix('_order')}"

    def _measure(self, item: Measure, dataset: Dataset) -> dict[str, Any]:
        metric = item.metric
        expression = item.expression
        if dataset.source.date is not None:
            # A chart opened without its dashboard has no month: no figure then, rather than that of all months under
            # the title of one.
            expression = f'case when min("{MONTH}") = max("{MONTH}") then {expression} end'
        return {
            "metric_name": metric.name,
            "verbose_name": metric.label_vi if self._language is Lang.VI else metric.label_en,
            "metric_type": None,
            "expression": expression,
            "description": metric.formula_vi if self._language is Lang.VI else metric.formula,
            "d3format": charts.metric_format(metric),
            "currency": None,
            "extra": None,
            "warning_text": None,
        }

    def _order_of(self, name: str) -> dict[str, Any]:
        return {
            "metric_name": name,
            # Under another name the picture would draw it as a figure of its own.
            "verbose_name": None,
            "metric_type": None,
            "expression": f'min("{name}")',
            "description": "In which order the members are shown.",
            "d3format": None,
            "currency": None,
            "extra": None,
            "warning_text": None,
        }

    def _filter_values(self, name: str) -> dict[str, Any]:
        column = _column(name, self._word(name), "varchar", "What the filter offers.")
        return self._dataset_file(
            f"filter_{name}", values_sql(name, self._language), "What the filter offers.", [column], []
        )

    def _publication(self) -> dict[str, Any]:
        columns = [
            _column(_AS_OF, self._word(_AS_OF), "date", self._word(_AS_OF_ABOUT)),
            _column("generation_id", self._word("generation_id"), "varchar", "Which publication these rows are of."),
            _column("source", self._word("source"), "varchar", "The CRM the rows came from."),
        ]
        newest = {
            "metric_name": "newest_as_of",
            "verbose_name": self._word(_AS_OF),
            "metric_type": None,
            "expression": f'max("{_AS_OF}")',
            "description": self._word(_AS_OF_ABOUT),
            "d3format": None,
            "currency": None,
            "extra": None,
            "warning_text": None,
        }
        sql = f'select "{_AS_OF}", "generation_id", "source" from {SCHEMA}.publication'
        return self._dataset_file("publication", sql, "Which publication the figures are of.", columns, [newest])

    def _as_of_chart(self) -> dict[str, Any]:
        settings = {
            "viz_type": "big_number_total",
            "metric": "newest_as_of",
            "adhoc_filters": [],
            "header_font_size": 0.4,
            "subheader_font_size": 0.125,
            "time_format": "%Y-%m-%d",
            "force_timestamp_formatting": True,
            "subtitle": "",
        }
        return self._chart_file(_AS_OF, self._word(_AS_OF), self._word(_AS_OF_ABOUT), settings, None)

    def _chart(self, dashboard: Dashboard, chart: Chart) -> dict[str, Any]:
        dataset = self._datasets[dataset_name(chart.source)]
        settings = charts.params(chart, dataset)
        return self._chart_file(
            f"{dashboard.name}/{chart.name}",
            chart.title.of(self._language),
            chart.about.of(self._language),
            settings,
            dataset.name,
            charts.query_context(chart, dataset, settings),
        )

    def _chart_file(
        self,
        name: str,
        title: str,
        about: str,
        settings: dict[str, Any],
        dataset: str | None,
        context: str | None = None,
    ) -> dict[str, Any]:
        return {
            "slice_name": title,
            "description": about,
            "certified_by": None,
            "certification_details": None,
            "viz_type": settings["viz_type"],
            "params": settings,
            "query_context": context,
            "cache_timeout": None,
            "uuid": self._audience.uuid("chart", name),
            "version": _VERSION,
            "dataset_uuid": self._audience.uuid("dataset", dataset or "publication"),
        }

    def _dashboard(self, dashboard: Dashboard) -> dict[str, Any]:
        uuid_of = {
            chart.name: self._audience.uuid("chart", f"{dashboard.name}/{chart.name}") for chart in dashboard.charts
        }
        as_of = layout.placed_as_of(self._audience.uuid("chart", _AS_OF), self._word(_AS_OF))
        rows = [
            [layout.placed(chart, width, uuid_of[chart.name], chart.title.of(self._language)) for chart, width in row]
            for row in layout.rows_of(dashboard.charts)
        ]
        numbers = layout.numbered([as_of, *(chart for row in rows for chart in row)])
        title = dashboard.title.of(self._language)
        return {
            "dashboard_title": f"{title} · {self._audience.email}",
            "description": dashboard.about.of(self._language),
            "css": "",
            "slug": self._audience.address(dashboard.name),
            "certified_by": "",
            "certification_details": "",
            "published": True,
            "uuid": self._audience.uuid("dashboard", dashboard.name),
            "position": layout.position(title, self._note(dashboard), as_of, rows),
            "metadata": {
                "color_scheme": "supersetColors",
                "refresh_frequency": 0,
                "timed_refresh_immune_slices": [],
                "expanded_slices": {},
                "default_filters": "{}",
                "label_colors": {},
                "cross_filters_enabled": True,
                "chart_configuration": layout.cross_filters(dashboard, uuid_of, numbers),
                "global_chart_configuration": {
                    "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
                    "chartsInScope": [],
                },
                "native_filter_configuration": [
                    layout.native_filter(
                        name,
                        self._word(name),
                        self._audience.uuid("dataset", f"filter_{name}"),
                        [
                            numbers[as_of.uuid],
                            *(numbers[uuid_of[chart.name]] for chart in dashboard.charts if name not in chart.filters),
                        ],
                    )
                    for name in dashboard.filters
                ],
            },
            "version": _VERSION,
        }

    def _note(self, dashboard: Dashboard) -> str:
        """What the dashboard is about, and the way to the others."""
        links = [
            f"**{other.title.of(self._language)}**"
            if other.name == dashboard.name
            else f"[{other.title.of(self._language)}](/superset/dashboard/{self._audience.address(other.name)}/)"
            for other in self._dashboards
        ]
        return f"{dashboard.about.of(self._language)}\n\n{' · '.join(links)}"


def _column(name: str, title: str, data_type: str, description: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": title,
        "is_dttm": data_type in ("date", "timestamp"),
        "is_active": True,
        "type": _TYPES.get(data_type, data_type.upper()),
        "advanced_data_type": None,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": description,
        "python_date_format": None,
        "extra": None,
    }
