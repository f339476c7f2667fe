#!/bin/bash
# The first process of new namespaces: makes a throw-away copy of this system (an overlay root, an empty /run, a small
# /dev, a loopback of its own), runs a preparation, and gives its place to a command. Nothing outside changes.
#   sandbox.sh DIRECTORY REPOSITORY PREPARATION COMMAND...      DIRECTORY and REPOSITORY are seen in there as outside
set -eu
directory=$1 repository=$2 preparation=$3
shift 3
overlay=$directory/overlay root=$directory/overlay/root
mount --make-rprivate /
mkdir "$overlay"
mount -t tmpfs -o mode=755 tmpfs "$overlay"
mkdir "$overlay/upper" "$overlay/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$overlay/upper,workdir=$overlay/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -m 1777 "$root/run/lock"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
  read -r name major minor <<<"$node"
  mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for shared in "$directory" "$repository"; do
  mkdir -p "$root$shared"
  mount --bind "$shared" "$root$shared"
done
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
cd /
umount -l /.old
ip link set lo up
# What the packages' tmpfiles.d would have made under /run.
# Not by cat: some have no newline at their end.
grep -h '' /usr/lib/tmpfiles.d/*.conf 2>/dev/null | while read -r type path mode user group _; do
  case $type:$path in
  [dD]*:*%*) ;;
  [dD]*:/run/* | [dD]*:/var/run/*)
    path=/run/${path#*/run/}
    mkdir -p "$path"
    [ "${mode:--}" = - ] || chmod "${mode#[~:]}" "$path"
    [ "${user:--}" = - ] || chown "$user" "$path" 2>/dev/null || true
    [ "${group:--}" = - ] || chgrp "$group" "$path" 2>/dev/null || true
    ;;
  esac
done
bash -c "$preparation" </dev/null
exec env -i PATH="$PATH" LANG=C.UTF-8 HEARTH_RUNTIME="$HEARTH_RUNTIME" HEARTH_LOGS="$HEARTH_LOGS" "$@"
