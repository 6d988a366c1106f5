# What runs in the guest, on the host's own files: a system bus, a Bluetooth controller that is the host's, the agent.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
exec >/dev/console 2>&1
cd "$(dirname "$0")/../../.." || exit
python=$(sed -n 's/.*python=\([^ ]*\).*/\1/p' /proc/cmdline)
mkdir -p /run/dbus
dbus-daemon --system --nofork --nopidfile &
"$python" -S tests/sensor/linux/hci_bridge.py &
"$python" -m tests.sensor.linux.agent
echo "the agent ended: $?"
exec busybox poweroff -f
