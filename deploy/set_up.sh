# Gives neckline a token that writes and Grafana one that reads, and Grafana its files. May be done again and again.
set -eu

[ -e "$NECKLINE_CONFIG" ] || cp /deploy/neckline.toml "$NECKLINE_CONFIG"
neckline influx setup --admin-token-file /secrets/influxdb/admin-token \
  --write-token-file /secrets/neckline/influxdb-token \
  --read-token-file /secrets/grafana/influxdb-read-token
chown 472 /secrets/grafana/influxdb-read-token

neckline grafana write /grafana
chmod -R a+rX /grafana
