#!/usr/bin/env bash
# Makes a new Amazon Linux 2023 instance a server of the demo pair; run once, by the instance's user data, which sets
# NAME, ACTIVE (yes: the service starts here), DATABASE, and SERVER, MASTER, APPLICATION, MONITOR, TLS (where texts and secrets are).
# There is no internet here: Amazon Linux's packages are in S3, which the network's gateway endpoint leads to.
set -euo pipefail

retry() { # a new instance's endpoints, role and database may be seconds from ready
  for _ in {1..60}; do "$@" && return; sleep 5; done
  return 1
}

secret() { # ARN, FIELD of its JSON; without a field all of it
  local value
  value=$(aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text)
  if [ -n "${2:-}" ]; then value=$(python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2" <<<"$value"); fi
  printf '%s\n' "$value"
}

hostnamectl set-hostname "$NAME"
retry dnf --quiet --assumeyes install postgresql15 rsync

install -d -m 0755 /usr/local/sbin /var/opt/ssh-mgmt/server/cds /var/opt/ssh-mgmt/server/dists
install -d -m 0750 /etc/opt/ssh-mgmt/server
umask 077
secret "$TLS" >/etc/opt/ssh-mgmt/server/server.pem
cat >/etc/opt/ssh-mgmt/server/server.env <<END
PGHOST=$DATABASE
PGPORT=5432
PGDATABASE=demo
PGUSER=$(secret "$APPLICATION" username)
PGPASSWORD=$(secret "$APPLICATION" password)
PGSSLMODE=require
PGCONNECT_TIMEOUT=2
END
umask 022
aws ssm get-parameter --name "$SERVER" --query Parameter.Value --output text >/usr/local/sbin/ssh-mgmt-server
chmod 0755 /usr/local/sbin/ssh-mgmt-server
cat >/etc/systemd/system/ssh-mgmt-server.service <<'END'
[Unit]
Description=Stand-in for the Management Server
After=network-online.target
[Service]
EnvironmentFile=/etc/opt/ssh-mgmt/server/server.env
ExecStart=/usr/local/sbin/ssh-mgmt-server
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
[ "$ACTIVE" = yes ] || exit 0

# The two roles and the journal, as docs/databases.md has the monitoring role. Can run twice.
PGPASSWORD=$(secret "$MASTER" password)
export PGPASSWORD PGSSLMODE=require
retry psql --quiet --host "$DATABASE" --username "$(secret "$MASTER" username)" --dbname demo --set=ON_ERROR_STOP=1 \
  --set=server="$(secret "$APPLICATION" username)" --set=server_password="$(secret "$APPLICATION" password)" \
  --set=monitor="$(secret "$MONITOR" username)" --set=monitor_password="$(secret "$MONITOR" password)" <<'END'
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', name, word)
  FROM (VALUES (:'server', :'server_password'), (:'monitor', :'monitor_password')) AS wanted (name, word)
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
GRANT pg_read_all_stats, pg_signal_backend TO :"monitor";
CREATE TABLE IF NOT EXISTS journal (id bigserial PRIMARY KEY, server text NOT NULL, at timestamptz NOT NULL);
GRANT SELECT, INSERT ON journal TO :"server";
GRANT USAGE ON SEQUENCE journal_id_seq TO :"server";
END
systemctl enable --now ssh-mgmt-server
