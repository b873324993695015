"""Sending a report by SMTP, to people who may see all of it.

Belongs here: who may get it, the message, and the server. Not here: the report. A report holds everybody's figures, so
an address is refused unless the warehouse's own rights show its owner every figure.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from orchestration.monthly.words import word
from orchestration.monthly.write import Written
from orchestration.report.labels import Lang
from orchestration.report.publication import open_publication
from orchestration.serving.errors import ExportError
from orchestration.serving.viewers import resolve_viewer
from orchestration.settings import Settings

_PORTS = {"smtp": 587, "smtps": 465}
_TYPES = {".html": ("text", "html"), ".pdf": ("application", "pdf")}
_WORKBOOK = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_SECONDS = 60


class MailError(Exception):
    """A report that could not be sent; the message says why, and what to do."""


def recipients(settings: Settings) -> tuple[str, ...]:
    """The addresses of KPI_REPORT_TO."""
    return tuple(filter(None, map(str.strip, settings.report_to.split(","))))


def refuse_recipients(marts_path: Path, addresses: Sequence[str]) -> None:
    """Raise MailError where somebody may not see every figure of a report.

    An address of several people is refused as well: what they see would be added up.
    """
    for address in addresses:
        try:
            resolve_viewer(marts_path, address)
        except ExportError as error:
            raise MailError(f"the report was sent to nobody: {error}") from error
        with open_publication(marts_path, address) as connection:
            [(seen, there)] = connection.execute(
                """
                select
                    (select count(*) from access.access_kpi_month_figures),
                    (select count(*) from marts.kpi_month_figures)
                """
            ).fetchall()
        if seen < there or not there:
            raise MailError(
                f"{address} may see {seen:,} of the {there:,} figures that a report is made of: it was sent to nobody. "
                "Recipients (KPI_REPORT_TO) need the right view_all to the employee and the department report; give "
                "others the file by hand if they may have it."
            )


def send_report(settings: Settings, written: Written, lang: Lang) -> tuple[str, ...]:
    """Send the three files to everybody in KPI_REPORT_TO; who got it. Nobody is written to unless all may see it.

    Raises MailError where a setting is missing, somebody may not see it, or the server refuses.
    """
    to = recipients(settings)
    if not to or settings.smtp_url is None or settings.report_from is None:
        raise MailError(
            "sending needs KPI_REPORT_TO, KPI_REPORT_FROM and KPI_SMTP_URL, for example smtp://mail.company.vn"
        )
    refuse_recipients(settings.marts_path, to)
    message = message_of(written, settings.report_from, to, lang)
    host, port, scheme = server_address(settings.smtp_url)
    password = _password(settings) if settings.smtp_user is not None else None
    try:
        with _server(host, port, scheme) as server:
            if settings.smtp_user is not None and password is not None:
                server.login(settings.smtp_user, password)
            refused = server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(
            f"{settings.smtp_url} did not take the report: {error}. The files are in {written.pdf.parent}"
        ) from error
    if refused:
        raise MailError(f"{settings.smtp_url} took the report, but not for {', '.join(refused)}")
    return to


def message_of(written: Written, sender: str, to: Sequence[str], lang: Lang) -> EmailMessage:
    """The message, with the three files attached. Raises MailError for an address that is none."""
    message = EmailMessage()
    month = written.version.partition("/")[0]
    message["Subject"] = word("mail_subject", lang, month=month)
    try:
        message["From"], message["To"] = sender, ", ".join(to)
    except ValueError as error:
        raise MailError(f"KPI_REPORT_FROM or KPI_REPORT_TO has an address that is none: {error}") from error
    message.set_content(word("mail_text", lang, month=month))
    for path in written.paths:
        kind, subtype = _TYPES.get(path.suffix, _WORKBOOK)
        message.add_attachment(path.read_bytes(), maintype=kind, subtype=subtype, filename=path.name)
    return message


def server_address(url: str) -> tuple[str, int, str]:
    """Host, port and scheme of KPI_SMTP_URL. Raises MailError where it is not like one."""
    try:
        address = urlsplit(url)
        if address.scheme in _PORTS and address.hostname is not None and address.password is None:
            return address.hostname, address.port or _PORTS[address.scheme], address.scheme
    except ValueError:
        # A port that is no number, brackets that do not close.
        pass
    raise MailError("KPI_SMTP_URL is like smtp://mail.company.vn:587 or smtps://mail.company.vn, without a password")


def _server(host: str, port: int, scheme: str) -> smtplib.SMTP:
    """A connection that is encrypted, unless the server is this machine."""
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=_SECONDS)
    if not _is_here(host):
        server.starttls(context=context)
    return server


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _password(settings: Settings) -> str:
    path = settings.smtp_password_file
    if path is None:
        raise MailError("KPI_SMTP_USER needs KPI_SMTP_PASSWORD_FILE, a file with its password")
    try:
        if path.stat().st_mode & 0o077:
            raise MailError(f"the password file {path} is open to others; `chmod 600 {path}`")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MailError(f"the password file {path} cannot be read: {error.strerror}") from error
