-- Lets the role ms_failover see the TCP connections of the database's host, those that have not logged in included.
-- Run it as a superuser in the database that DatabaseName says, after the role was made (docs/databases.md). It can be
-- run again. It shows ends and states of connections and nothing else; the role gets no right to read files.
CREATE SCHEMA IF NOT EXISTS ms_failover;
GRANT USAGE ON SCHEMA ms_failover TO ms_failover;

-- A host without IPv6 has no second file.
CREATE OR REPLACE FUNCTION ms_failover.connections(OUT local text, OUT remote text, OUT state text)
    RETURNS SETOF record
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT field[2], field[3], field[4]
      FROM unnest(ARRAY['/proc/net/tcp', '/proc/net/tcp6']) AS file,
           unnest(string_to_array(
               CASE WHEN (pg_stat_file(file, true)).size IS NOT NULL THEN pg_read_file(file) END, E'\n')) AS line,
           regexp_split_to_array(btrim(line), ' +') AS field
     WHERE field[2] ~ '^[0-9A-F]+:[0-9A-F]{4}$'
$$;

REVOKE ALL ON FUNCTION ms_failover.connections() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ms_failover.connections() TO ms_failover;
