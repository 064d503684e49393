-- The database of one service and its three roles; as an administrator of the server, any number of times. In psql:
--
--   \set name kundval_billing
--   \set password `cat /etc/kundval/secrets/billing-database`
--   \set migrator_password `cat /etc/kundval/secrets/billing-migrator`
--   \i deploy/postgresql/roles.sql
--
--   kundval_billing_owner     owns the database and all that is in it, and cannot log in
--   kundval_billing_migrator  logs in to migrate, and acts as the owner
--   kundval_billing           the running service: reads and writes rows, in each table just as far as it must. What
--                             that is stands beside the migrations (rights.toml), and `kundval migrate` grants it.
--
-- A database that kundval_billing owned so far is handed over to the owner; `kundval migrate` must follow at once.
\set ON_ERROR_STOP on
\set owner :name _owner
\set migrator :name _migrator

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY[:'owner', :'migrator', :'name']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

ALTER ROLE :"owner" NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE :"migrator" LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 10
    PASSWORD :'migrator_password';
ALTER ROLE :"name" LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 150
    PASSWORD :'password';
GRANT :"owner" TO :"migrator";

SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
ALTER DATABASE :"name" OWNER TO :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"name", :"migrator";

-- every session of the migrator begins as the owner: what it makes is the owner's
ALTER ROLE :"migrator" IN DATABASE :"name" SET role = :'owner';
ALTER ROLE :"migrator" IN DATABASE :"name" SET search_path = public;
ALTER ROLE :"migrator" IN DATABASE :"name" SET idle_in_transaction_session_timeout = '10min';

-- bounds for what went wrong, far above what goes well: a statement of seconds, a lock of a payment run
ALTER ROLE :"name" IN DATABASE :"name" SET search_path = public;
ALTER ROLE :"name" IN DATABASE :"name" SET statement_timeout = '15min';
ALTER ROLE :"name" IN DATABASE :"name" SET lock_timeout = '2min';
ALTER ROLE :"name" IN DATABASE :"name" SET idle_in_transaction_session_timeout = '10min';

\connect :"name"
-- only where the service itself owned what is here, as it did before it had an owner
SELECT format('REASSIGN OWNED BY %I TO %I', :'name', :'owner')
WHERE EXISTS (SELECT FROM pg_class WHERE relowner = :'name'::regrole)
   OR EXISTS (SELECT FROM pg_namespace WHERE nspowner = :'name'::regrole) \gexec
ALTER SCHEMA public OWNER TO :"owner";
-- before PostgreSQL 15 everybody may create in it
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"name";
