-- What a superuser does once, before the first `kpi publish --to`: a database and the role that publishes into it.
-- Belongs here: what the publisher cannot do for itself. Not here: anything `kpi publish` creates or changes, or what has
-- to be done again after a restore (database.sql).
-- Run it with psql against the database `postgres`, then give the publisher a password: \password kpi_publisher

create role kpi_publisher login createrole;
-- Ends the sessions of a login that is locked.
grant pg_signal_backend to kpi_publisher;
create database kpi owner kpi_publisher;

-- Every login of the server may otherwise enter these, and make temporary tables and functions there.
revoke connect, temporary on database postgres from public;
revoke connect, temporary on database template1 from public;

\connect kpi
\ir database.sql
