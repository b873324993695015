"""Attacks on the server: writing, files, programs, other people's sessions. Not here: reading rows."""

from __future__ import annotations

from tests.attacks.probes import Probe, finds_rows, works

_SUPER = ("alter role {me} superuser",)
_NO_SUPER = ("alter role {me} nosuperuser",)


def _granted(name: str, step: str, grant: str, repair: str | None = None) -> Probe:
    """An attack that one grant makes possible."""
    return Probe(name, (step,), works, (grant,), (repair,) if repair else ())


PROBES = (
    _granted(
        "insert",
        "insert into marts.dim_date (calendar_date) values ('2099-01-01')",
        "alter table marts.dim_date disable row level security; grant insert on marts.dim_date to {reader}",
    ),
    _granted("update", "update marts.fct_funnel set orders = 0", "grant update on marts.fct_funnel to {reader}"),
    _granted("delete", "delete from marts.fct_funnel", "grant delete on marts.fct_funnel to {reader}"),
    _granted("truncate", "truncate marts.fct_funnel", "grant truncate on marts.fct_funnel to {reader}"),
    _granted(
        "lock a table against everybody",
        "do 'begin lock table marts.fct_funnel in access exclusive mode; end'",
        "grant usage on language plpgsql to public; grant update on marts.fct_funnel to {reader}",
    ),
    _granted("run a program of one's own", "do 'begin perform 1; end'", "grant usage on language plpgsql to public"),
    _granted(
        "take locks that outlive the statement",
        "select pg_advisory_lock(1)",
        "grant execute on function pg_advisory_lock(bigint) to public",
    ),
    _granted(
        "fill the write-ahead log",
        "select pg_logical_emit_message(false, 'x', 'y')",
        "grant execute on all functions in schema pg_catalog to public",
    ),
    _granted(
        "raise the limit of temporary files",
        "set temp_file_limit = -1",
        "grant set on parameter temp_file_limit to {reader}",
        "revoke set on parameter temp_file_limit from {reader}",
    ),
    _granted(
        "drop a table",
        "drop table marts.fct_funnel",
        "grant {owner} to {me} with inherit true",
        "revoke {owner} from {me}",
    ),
    _granted(
        "make a table among the marts", "create table marts.mine (x int)", "grant create on schema marts to {reader}"
    ),
    _granted("make a table in public", "create table public.mine (x int)", "grant all on schema public to public"),
    _granted(
        "make a temporary table",
        "create temporary table mine (x int)",
        "grant temporary on database {database} to public",
    ),
    _granted("make a schema", "create schema mine", "grant create on database {database} to {reader}"),
    _granted(
        "make a function",
        "create function marts.mine() returns int language sql as 'select 1'",
        "grant create on schema marts to {reader}",
    ),
    _granted("install an extension", "create extension if not exists vector", _SUPER[0], _NO_SUPER[0]),
    _granted("make a connection to another server", "create foreign data wrapper mine", _SUPER[0], _NO_SUPER[0]),
    _granted("load a library", "load 'plpgsql'", _SUPER[0], _NO_SUPER[0]),
    _granted(
        "change the server's settings",
        "alter system set work_mem = '64MB'",
        _SUPER[0],
        "alter system reset work_mem; alter role {me} nosuperuser",
    ),
    _granted(
        "read a file",
        "select pg_read_file('PG_VERSION')",
        "grant execute on function pg_read_file(text) to public; grant pg_read_server_files to {me}",
        "revoke pg_read_server_files from {me}",
    ),
    _granted("list files", "select pg_ls_dir('.')", "grant execute on function pg_ls_dir(text) to public"),
    _granted(
        "import a file",
        "select lo_import('PG_VERSION')",
        "grant execute on function lo_import(text) to public; grant execute on function lo_creat(integer) to public; "
        "grant pg_read_server_files to {me}",
        "revoke pg_read_server_files from {me}",
    ),
    _granted(
        "write a large object",
        "select lo_from_bytea(0, 'x')",
        "grant execute on function lo_from_bytea(oid, bytea) to public",
    ),
    _granted("read large objects", "select * from pg_largeobject", "grant select on pg_largeobject to public"),
    Probe(
        "copy from a file",
        ("create temporary table lines (line text)", "copy lines from 'PG_VERSION'", "select * from lines"),
        works,
        ("grant temporary on database {database} to public", "grant pg_read_server_files to {me}"),
        ("revoke pg_read_server_files from {me}",),
    ),
    _granted(
        "copy to a file",
        "copy (select 1) to '/dev/null'",
        "grant pg_write_server_files to {me}",
        "revoke pg_write_server_files from {me}",
    ),
    _granted(
        "run a program",
        "copy (select 1) to program 'cat > /dev/null'",
        "grant pg_execute_server_program to {me}",
        "revoke pg_execute_server_program from {me}",
    ),
    Probe(
        "end another viewer's session",
        (
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{victim}'",
            "select 1",
        ),
        works,
        ("grant pg_signal_backend to {me}",),
        ("revoke pg_signal_backend from {me}",),
        victim_step="select 1",
    ),
    Probe(
        "cancel what the publisher does",
        ("select pg_cancel_backend(pid) from pg_stat_activity where usename = '{publisher}'", "select 1"),
        works,
        _SUPER,
        _NO_SUPER,
        victim_step="publisher",
    ),
    _granted(
        "make the server read its settings anew",
        "select pg_reload_conf()",
        "grant execute on function pg_reload_conf() to public",
    ),
    _granted(
        "switch triggers and rules off",
        "set session_replication_role = replica",
        "grant set on parameter session_replication_role to {me}",
        "revoke set on parameter session_replication_role from {me}",
    ),
    _granted(
        "use disk without limit",
        "set temp_file_limit = -1",
        "grant set on parameter temp_file_limit to {me}",
        "revoke set on parameter temp_file_limit from {me}",
    ),
    _granted(
        "hide from the log",
        "set log_statement = 'none'",
        "grant set on parameter log_statement to {me}",
        "revoke set on parameter log_statement from {me}",
    ),
    _granted(
        "see where the server keeps its files",
        "show data_directory",
        "grant pg_read_all_settings to {me}",
        "revoke pg_read_all_settings from {me}",
    ),
    _granted(
        "see who may log in from where",
        "select * from pg_hba_file_rules",
        "grant select on pg_hba_file_rules to public; grant execute on function pg_hba_file_rules() to public",
    ),
    Probe(
        "enter another database of the server",
        ("select 1",),
        finds_rows,
        ("grant connect on database postgres to public",),
        ("revoke connect on database postgres from public",),
        database="postgres",
    ),
)
