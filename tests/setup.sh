# setup.sh - installs Debian's packages and builds the programs, so that other scripts can run.
# Sourced by run.sh and examples/tour.sh, with $top the project's folder.
# shellcheck shell=sh

# What is needed to build and run vasfs, and tools that the tests and examples use.
: "${top:?}"
packages='gcc libc6-dev meson ninja-build pkg-config libfuse3-dev libglib2.0-dev'
packages="$packages fuse3 mount bsdextrautils xxd"

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "$0: become root, or have sudo, to run: $*" >&2
		return 1
	fi
}

# install_packages [PACKAGE...]: install those of $packages and of the arguments that are missing
install_packages() {
	packages="$packages $*"
	if ! command -v dpkg-query >/dev/null; then
		echo "$0: not a Debian: make sure that you have what Debian calls $packages" >&2
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

# build FOLDER [MESON OPTION...]: build the programs in FOLDER
build() {
	folder=$1
	shift
	[ -f "$folder/build.ninja" ] || meson setup "$folder" "$top" "$@" >&2 || return 1
	ninja -C "$folder" --quiet >&2
}
