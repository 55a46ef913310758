#!/bin/sh
# Runs once, when the volume is empty: a database and an owner each for Prefect and for the ledger. Neither owner is a
# superuser nor may enter the other's database. pg_trgm is what Prefect's migrations ask for.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set=prefect_password="$PREFECT_DATABASE_PASSWORD" --set=skuflow_password="$SKUFLOW_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE skuflow LOGIN PASSWORD :'skuflow_password';
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE skuflow OWNER skuflow;
REVOKE ALL ON DATABASE prefect, skuflow, postgres FROM PUBLIC;
\connect prefect
CREATE EXTENSION IF NOT EXISTS pg_trgm;
SQL
