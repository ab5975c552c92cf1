# setup.sh - install the packages of Debian that are missing, and build.
# run.sh, bench.sh and examples/lib.sh source it. Before that they set $top, the folder of the
# project.
# shellcheck shell=sh

: "${top:?}"
# What builds and runs vasfs, and the tools of the tests and examples.
packages='gcc libc6-dev meson ninja-build pkg-config libfuse3-dev libglib2.0-dev'
packages="$packages fuse3 mount bsdextrautils xxd"

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "$0: this needs root or sudo: $*" >&2
		return 1
	fi
}

# install_packages [PACKAGE...]: install by apt what is missing of $packages and of those named
install_packages() {
	packages="$packages $*"
	if ! command -v dpkg-query >/dev/null; then
		echo "$0: this is not Debian. Install what Debian calls $packages" >&2
		return 0
	fi
	missing=
	for package in $packages; do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		'install ok installed') ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	echo "Installing$missing" >&2
	as_root apt-get -q update >&2 || return 1
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y install --no-install-recommends $missing >&2
}

# build FOLDER [MESON OPTION...]: build everything in FOLDER
build() {
	folder=$1
	shift
	[ -f "$folder/build.ninja" ] || meson setup "$folder" "$top" "$@" >&2 || return 1
	ninja -C "$folder" --quiet >&2
}

# What the examples run.
programs='fs/vasfs fs/vasctl replay/vasfs-replay examples/tiny'

# build_programs FOLDER: build in FOLDER what the examples run and nothing else, none of the tests.
# Says so on stderr if there is anything to build. The output of meson and ninja shows only if they
# fail.
build_programs() {
	folder=$1
	if [ -f "$folder/build.ninja" ] && programs_are_built; then
		return 0
	fi
	echo "Building vasfs and vasctl in $folder. This takes some seconds." >&2
	if [ ! -f "$folder/build.ninja" ] && ! log=$(meson setup "$folder" "$top" 2>&1); then
		printf '%s\n' "$log" >&2
		return 1
	fi
	# shellcheck disable=SC2086 # a list of words
	if ! log=$(ninja -C "$folder" $programs 2>&1); then
		printf '%s\n' "$log" >&2
		return 1
	fi
}

# Would ninja have nothing to do for them in $folder? A dry run tells.
programs_are_built() {
	# shellcheck disable=SC2086 # a list of words
	ninja -C "$folder" -n $programs 2>/dev/null | grep -q 'no work to do'
}
