"""One typed settings object, from the environment and `.env`; no other module reads the environment.

Every setting is an upper-case variable with the prefix KPI_, for example KPI_HOME or KPI_TIMEZONE.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent.parent
SPARK = "spark"

_PATHS = (
    "files_path",
    "getfly_key_file",
    "getfly_codes",
    "postgres_password_file",
    "report_folder",
    "smtp_password_file",
    "metabase_api_key_file",
    "spark_warehouse",
    "spark_events",
)


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; use an IANA name such as Asia/Ho_Chi_Minh") from error
    return name


class Settings(BaseSettings):
    """Where the state lives, whose company it is, which source feeds it, and what a night may do.

    All paths are absolute after construction: a relative KPI_HOME is taken from the working directory once.
    """

    model_config = SettingsConfigDict(env_prefix="KPI_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default=Path("data"), description="One folder that holds all state; moving it moves everything.")
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        default="Asia/Ho_Chi_Minh", description="The company's time zone: its days, weeks and months."
    )
    environment: str = Field(
        default="local", description="local or production; the nightly schedule is registered in production only."
    )
    source: str = Field(default="demo", description="Which CRM feeds the warehouse: demo, files or getfly.")
    files_path: Path | None = Field(
        default=None, description="Folder of the files source, one file per entity; beside getfly, of what it lacks."
    )
    combine: str = Field(
        default="",
        description="Entities that come from other sources than usual: interactions=getfly+files,tasks=files",
    )
    getfly_url: str | None = Field(default=None, description="The tenant: https://COMPANY.getflycrm.com")
    getfly_key: SecretStr | None = Field(default=None, description="Its API key; better in a file.")
    getfly_key_file: Path | None = Field(default=None, description="File with the API key; instead of KPI_GETFLY_KEY.")
    getfly_per_second: float = Field(default=4.0, gt=0, description="How many requests a second the tenant is asked.")
    getfly_at_once: int = Field(default=2, ge=1, le=12, description="How many requests run at the same time.")
    getfly_page_size: int = Field(default=100, ge=10, le=500, description="How many rows one request asks for.")
    getfly_read_whole: int = Field(
        default=20_000,
        ge=0,
        description="Accounts and orders are read whole every night while they are no more than so many.",
    )
    getfly_attempts: int = Field(default=6, ge=1, description="How often a request is tried before the run gives up.")
    getfly_codes: Path | None = Field(
        default=None, description="The tenant's code map; without it, seeds/getfly_codes.csv."
    )
    demo_seed: int = Field(default=20260101, description="Seed of the demo company.")
    demo_scale: float = Field(
        default=1.0, gt=0, le=1000, description="Size of the demo company; 1 is 20,000 customers."
    )
    demo_start: date = Field(default=date(2024, 10, 1), description="First day of the demo company's history.")
    demo_end: date = Field(default=date(2026, 3, 31), description="Last day of the demo company's history.")
    threads: int = Field(default=2, ge=1, description="Threads of DuckDB and of dbt.")
    memory_limit: str = Field(default="4GB", description="DuckDB's memory limit; beyond it, work spills to disk.")
    engine: Literal["duckdb", "spark"] = Field(
        default="duckdb", description="What builds the tables: duckdb, or spark (docs/spark.md)."
    )
    spark_python: Path = Field(
        default=PROJECT_DIR / ".venv-spark" / "bin" / "python",
        description="Python of the environment that has dbt and Spark; `make install-spark` makes this one.",
    )
    spark_master: str | None = Field(
        default=None, description="The cluster, such as spark://HOST:7077; unset: local[2], in one process."
    )
    spark_warehouse: Path | None = Field(
        default=None, description="Folder of Spark's tables, shared by all executors; unset: under KPI_HOME."
    )
    spark_metastore: SecretStr | None = Field(
        default=None, description="JDBC address of Spark's catalog; unset: a Derby database in that folder."
    )
    spark_driver_memory: str | None = Field(default=None, description="Memory of Spark's driver; unset: 3g.")
    spark_executor_memory: str | None = Field(default=None, description="Memory of each executor; unset: 1g.")
    spark_partitions: int | None = Field(default=None, ge=1, description="Partitions of a shuffle; unset: 8.")
    spark_events: Path | None = Field(default=None, description="Folder for Spark's event log; unset: none is kept.")
    spark_ui: bool = Field(default=False, description="Whether Spark serves its own page on port 4040 meanwhile.")
    spark_log_level: str | None = Field(default=None, description="How much Spark says in the log; unset: ERROR.")
    lock_wait_seconds: float = Field(
        default=600.0, ge=0, description="How long a run waits for another writer before it gives up."
    )
    compact_after_days: int = Field(
        default=14, ge=1, description="How many days after its end `kpi compact` takes up a month."
    )
    keep_superseded: bool = Field(
        default=True,
        description="Whether compaction keeps the rows of attempts that a later one of the night replaced.",
    )
    postgres_url: str | None = Field(
        default=None,
        description="The server every publication goes to: postgresql://USER@HOST/DATABASE, without a password.",
    )
    postgres_password_file: Path | None = Field(
        default=None, description="File with the publisher's password; without it, PGPASSFILE and the like hold."
    )
    postgres_role_prefix: str = Field(
        default="kpi", description="How the names of the server's roles begin; one per company on a shared server."
    )
    postgres_swap_wait_seconds: float = Field(
        default=60.0, gt=0, description="How long readers may hold up a swap before their sessions are ended."
    )
    postgres_statement_timeout_seconds: int = Field(
        default=300, ge=1, description="After how long a viewer's query is cancelled; a viewer may change it."
    )
    postgres_connection_limit: int = Field(
        default=10, ge=1, le=1000, description="How many connections one viewer's login may have."
    )
    postgres_without: str = Field(
        default="", description="Marts that are not sent to the server, too large for it, separated by commas."
    )
    metabase_url: str | None = Field(
        default=None, description="The Metabase that `kpi bi metabase` provisions: https://bi.company.example"
    )
    metabase_api_key: SecretStr | None = Field(
        default=None, description="Its API key, of the group Administrators; better in a file."
    )
    metabase_api_key_file: Path | None = Field(
        default=None, description="File with the API key; instead of KPI_METABASE_API_KEY."
    )
    metabase_postgres_host: str | None = Field(
        default=None,
        description="How Metabase reaches the server of KPI_POSTGRES_URL, HOST or HOST:PORT; unset: by the same name.",
    )

    export_viewers: bool = Field(
        default=False, description="Whether every viewer's file is written as well after each publication."
    )
    publish_contacts: bool = Field(
        default=False,
        description="Whether customers' phone numbers and e-mails are published, in a mart of their own.",
    )

    report_lang: Literal["en", "vi"] = Field(default="vi", description="Language of the monthly report.")
    report_folder: Path | None = Field(
        default=None,
        description="Folder the monthly report is delivered to, a share for example; unset: reports under KPI_HOME.",
    )
    report_to: str = Field(
        default="", description="Who gets the monthly report by mail, separated by commas; each must see every figure."
    )
    report_from: str | None = Field(default=None, description="The sender's address.")
    smtp_url: str | None = Field(
        default=None, description="The mail server: smtp://HOST:PORT (encrypted by STARTTLS) or smtps://HOST:PORT."
    )
    smtp_user: str | None = Field(default=None, description="Whom to log in as; unset: nobody.")
    smtp_password_file: Path | None = Field(default=None, description="File with that user's password.")

    def model_post_init(self, _context: object, /) -> None:
        """Make paths absolute, once, while the working directory is the one the person meant."""
        object.__setattr__(self, "home", self.home.expanduser().resolve())
        # Not resolved: the Python of an environment is a link to one outside of it.
        object.__setattr__(self, "spark_python", self.spark_python.expanduser().absolute())
        for name in _PATHS:
            path = getattr(self, name)
            if path is not None:
                object.__setattr__(self, name, path.expanduser().resolve())

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def landing_dir(self) -> Path:
        """Immutable batches, one folder per source, entity and batch."""
        return self.home / "landing"

    @property
    def received_dir(self) -> Path:
        """Answers of a CRM's API as they came; like the landing zone, not to be deleted."""
        return self.home / "received"

    @property
    def warehouse_dir(self) -> Path:
        """What dbt builds; can be deleted and rebuilt from the landing zone."""
        return self.home / "warehouse"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file dbt writes; one writer at a time."""
        return self.warehouse_dir / "warehouse.duckdb"

    @property
    def spark_dir(self) -> Path:
        """Where Spark's tables and, unless a setting says otherwise, its catalog are."""
        return self.spark_warehouse or self.warehouse_dir / "spark"

    @property
    def landing_index_path(self) -> Path:
        """The list of visible batches that a dbt run reads, written before it."""
        return self.warehouse_dir / "landing_index.parquet"

    @property
    def marts_path(self) -> Path:
        """The publication: schemas `marts`, `core` (scope only) and `access`."""
        return self.home / "marts.duckdb"

    @property
    def contacts_marker_path(self) -> Path:
        """Is there as long as contact details may be in the publication, in the former one, or in exports."""
        return self.home / "contacts.published"

    @property
    def exports_dir(self) -> Path:
        """Files that hold one viewer's rows only: single ones, and `current`, which has everybody's."""
        return self.home / "exports"

    @property
    def pages_dir(self) -> Path:
        """KPI pages as HTML files, each for one viewer."""
        return self.home / "pages"

    @property
    def cache_dir(self) -> Path:
        """What can be made again at any time, such as the chart library of the pages."""
        return self.home / "cache"

    @property
    def frozen_dir(self) -> Path:
        """Frozen months: immutable files, one folder per version; like the landing zone, not to be deleted."""
        return self.home / "frozen"

    @property
    def reports_dir(self) -> Path:
        """Monthly reports, a folder for each month; everybody's figures are in them."""
        return self.report_folder or self.home / "reports"

    @property
    def checks_dir(self) -> Path:
        """Check results and Great Expectations' Data Docs."""
        return self.home / "checks"

    @property
    def dagster_dir(self) -> Path:
        """Dagster's instance: runs, events, schedules."""
        return self.home / "dagster"

    @property
    def scratch_dir(self) -> Path:
        """Where everything is built that may not touch what is there."""
        return self.home / "scratch"

    @property
    def as_known_lock_path(self) -> Path:
        """Held by whoever builds the figures of a past day, and by whoever takes files out of the landing zone."""
        return self.scratch_dir / "as_known.lock"

    @property
    def lock_path(self) -> Path:
        """The operating-system lock around every writer."""
        return self.home / "writer.lock"

    def yesterday(self) -> date:
        """Yesterday in the company's time zone: the last whole day, and the default of every date option."""
        return datetime.now(self.zone).date() - timedelta(days=1)


@cache
def settings() -> Settings:
    """The settings of this process. Tests build their own `Settings(...)` and pass it."""
    return Settings()
