#!/bin/busybox sh
# The guest's first process: drivers, the host's files read-only with a layer of memory above them, then guest.sh there.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
guest=$(sed -n 's/.*guest=\([^ ]*\).*/\1/p' /proc/cmdline)
while read -r module; do
  insmod "/modules/$module" || echo "no module $module"
done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=1048576 host /host
mount -t tmpfs tmpfs /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
for folder in proc sys dev; do mount -o move "/$folder" "/root/$folder"; done
mount -t tmpfs tmpfs /root/run
mount -t tmpfs tmpfs /root/var/lib/bluetooth
exec switch_root /root /bin/sh "$guest"
