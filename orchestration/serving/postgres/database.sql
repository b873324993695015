-- What a superuser does in the published database: once, and again after pg_upgrade or a restore, which forget it.
-- The gate of `kpi publish` refuses a database in which it is not done.

-- Every login may otherwise write large objects, which no quota stops.
revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public;

-- No program of a reader's own runs on the server.
revoke usage on language plpgsql from public;

-- One sort could otherwise fill the disk. A login cannot raise it.
do $$ begin
    execute format('alter database %I set temp_file_limit = %L', current_database(), '10GB');
end $$;

-- A comparison that "leaks nothing" is made before the policy is asked, and the plan then tells whether it found
-- anything in other people's rows. Comparisons of numbers, texts and dates are declared so, and cheap.
do $$ declare one regprocedure; begin
    for one in select oid from pg_proc where proleakproof loop
        execute format('alter function %s not leakproof', one);
    end loop;
end $$;

-- Advisory locks outlive the statement that takes them, until the server's lock table is full; and messages fill the
-- write-ahead log.
do $$ declare one regprocedure; begin
    for one in
        select oid from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
            and (proname ~ '^pg_(try_)?advisory' or proname = 'pg_logical_emit_message')
    loop
        execute format('revoke execute on function %s from public', one);
    end loop;
end $$;
