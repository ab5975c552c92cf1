# fuse_for_all.sh - for tests of daemons of ordinary users; source it before lib.sh. If only root
# may open /dev/fuse, the test starts again in a mount namespace in which everybody may, as is
# Debian's default.
# shellcheck shell=sh
if [ "$(id -u)" -eq 0 ] && [ "$(stat -c %a /dev/fuse)" != 666 ] && [ -z "${FUSE_FOR_ALL:-}" ] &&
	unshare --mount true 2>/dev/null; then
	export FUSE_FOR_ALL=tried
	# shellcheck disable=SC2016 # for the inner shell
	exec unshare --mount sh -c '
		device=$(mktemp -d) &&
			mount -t tmpfs none "$device" && mknod -m 666 "$device/fuse" c 10 229 &&
			mount --bind "$device/fuse" /dev/fuse && umount -l "$device"
		rmdir "$device"
		exec "$@"' sh "$(readlink "/proc/$$/exe")" "$0"
fi
