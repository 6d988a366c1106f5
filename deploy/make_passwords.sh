# Makes what nobody has to choose: once, each readable by the one who needs it.
set -eu
umask 077

make() { # file, owner
  [ -s "$1" ] || python -c 'import secrets; print(secrets.token_urlsafe(32), end="")' >"$1"
  chown "$2" "$1"
}

make /secrets/influxdb/admin-password 1000
make /secrets/influxdb/admin-token 1000
make /secrets/grafana/admin-password 472
chmod 755 /secrets/influxdb /secrets/grafana
