# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of this directory share: where things are kept, where packages come from, and how a program of
# another Debian suite is run.
#
# Everything fetched or built is kept in $IOMMUFD_SVA_CACHE, one directory for all source trees of a user:
#
#   apt/SUITE/           apt's state for that suite, apart from the host's own
#   root/SUITE/          a root directory: toolchain, kernel headers, QEMU
#   kernel/NAME-ARCH/    a kernel to boot: vmlinuz, release, suite, lib/modules/
#   build/TREE/NAME-ARCH/    this source tree built for that kernel
#   source/VERSION/      a kernel source tree, for its scripts and for the debug kernel
#
# A directory is complete when the script that makes it has left its stamp there.

set -euo pipefail

vm_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck disable=SC2034 # used by those who read this file
top_dir=$(realpath "$vm_dir/../../..")
cache=${IOMMUFD_SVA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/iommufd_sva}
mkdir -p "$cache"
cache=$(realpath "$cache")
# Those that run inside a root look for it there too.
export IOMMUFD_SVA_CACHE=$cache

say()
{
	echo "vm: $*" >&2
}

die()
{
	say "$*"
	exit 125
}

# Runs the rest of the caller with NAME's lock held: two runs may want the same thing made at once. The lock goes with
# the file descriptor, so a killed script leaves none behind.
lock() # NAME
{
	mkdir -p "$cache/lock"
	exec {lock_fd}>"$cache/lock/$1"
	if ! flock -n "$lock_fd"; then
		say "waiting for another run that prepares $1"
		flock "$lock_fd"
	fi
}

unlock()
{
	exec {lock_fd}>&-
}

# The suite that a kernel is taken from and built in.
suite_of() # KERNEL
{
	case $1 in
	6.1) echo bookworm ;;
	*) echo trixie ;;
	esac
}

debian_arch() # ARCH
{
	case $1 in
	x86_64) echo amd64 ;;
	arm64) echo arm64 ;;
	*) die "unknown architecture $1: x86_64 or arm64" ;;
	esac
}

# The Debian mirror: MIRROR, or the one that the host's own apt uses. A host whose package lists were never fetched has
# no index targets yet, but knows what it would fetch.
mirror()
{
	local found

	if [ -n "${MIRROR:-}" ]; then
		echo "${MIRROR%/}"
		return
	fi
	# shellcheck disable=SC2016 # apt expands these
	found=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 2>/dev/null |
		sed -n 's/^Debian \(.*\)/\1/p' | sed -n 1p)
	if [ -z "$found" ]; then
		found=$(apt-get -o Debug::NoLocking=1 --print-uris update 2>/dev/null |
			sed -n "s,^'\(.*/debian\)/*/dists/.*/InRelease'.*,\1,p" | sed -n 1p)
	fi
	[ -n "$found" ] || die "no Debian mirror in apt's configuration: set MIRROR to one"
	echo "${found%/}"
}

# apt with a state of its own for SUITE: the host's package lists and installed packages play no part.
apt_opts() # SUITE: sets the array apt_opts
{
	local d=$cache/apt/$1

	apt_opts=(
		-o "Dir::State=$d/state" -o "Dir::State::status=$d/status"
		-o "Dir::Cache=$d/cache" -o "Dir::Etc=$d/etc"
		-o "Dir::Etc::sourcelist=sources.list" -o "Dir::Etc::sourceparts=/dev/null"
		-o "Dir::Etc::preferences=preferences" -o "Dir::Etc::preferencesparts=/dev/null"
		-o "Dir::Etc::trusted=/etc/apt/trusted.gpg" -o "Dir::Etc::trustedparts=/etc/apt/trusted.gpg.d"
		-o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Architectures::=arm64
		-o APT::Install-Recommends=false -o APT::Sandbox::User=root
		-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Get::List-Cleanup=false
		-o Debug::NoLocking=1 -qq
	)
}

# Writes apt's configuration for SUITE and fetches its package lists, at most once a day. Call with the lock held.
apt_update() # SUITE
{
	local d=$cache/apt/$1 key=/usr/share/keyrings/debian-archive-keyring.gpg by='' s suites m

	if [ -n "$(find "$d/updated" -mtime -1 2>/dev/null)" ]; then
		return
	fi
	suites=$1
	# The newest kernels and QEMU are in the backports of the current release.
	if [ "$1" = trixie ]; then
		suites="trixie trixie-backports"
	fi
	m=$(mirror)
	say "fetching the package lists of $suites"
	mkdir -p "$d/state/lists/partial" "$d/cache/archives/partial" "$d/etc"
	: > "$d/status"
	if [ -e "$key" ]; then
		by="[signed-by=$key] "
	fi
	for s in $suites; do
		echo "deb $by$m $s main"
	done > "$d/etc/sources.list"
	printf 'Package: src:qemu src:seabios\nPin: release n=trixie-backports\nPin-Priority: 900\n' > "$d/etc/preferences"
	apt_opts "$1"
	apt-get "${apt_opts[@]}" -o APT::Update::Error-Mode=any update ||
		die "cannot fetch the package lists of $suites from $m"
	touch "$d/updated"
}

# Unpacks a package, keeping symbolic links to directories (/bin -> usr/bin) that older packages do not know of.
unpack() # DEB DIR
{
	dpkg-deb --fsys-tarfile "$1" | tar -C "$2" -x --keep-directory-symlink --no-same-owner
}

# Fetches packages without what they depend on, and unpacks them into DIR.
fetch_into() # SUITE DIR PACKAGE...
{
	local suite=$1 dir=$2 tmp deb
	shift 2

	apt_opts "$suite"
	mkdir -p "$dir"
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	if ! (cd "$tmp" && apt-get "${apt_opts[@]}" download "$@"); then
		rm -rf "$tmp"
		# A list older than the mirror names packages that are gone: the next run fetches it anew.
		rm -f "$cache/apt/$suite/updated"
		die "cannot fetch $*"
	fi
	for deb in "$tmp"/*.deb; do
		unpack "$deb" "$dir"
	done
	rm -rf "$tmp"
}

# Runs a command inside a root directory, in a mount name space of its own that sees the given directories under their
# own names, or as DIR:NAME under another; with -C in the directory HERE. Needs no more than the right to make a user name space.
in_root() # [-C HERE] ROOT DIR... -- COMMAND...
{
	local how=(unshare --mount --propagation private) here=/

	if [ "$1" = -C ]; then
		here=$2
		shift 2
	fi

	if [ "$(id -u)" != 0 ]; then
		how+=(--map-root-user)
	fi
	# shellcheck disable=SC2016 # for the inner shell
	"${how[@]}" env -u LANG -u LANGUAGE sh -ec '
		here=$1
		root=$2
		shift 2
		for d in /proc /dev; do
			mount --rbind $d "$root$d"
		done
		while [ "$1" != -- ]; do
			mkdir -p "$root${1#*:}"
			mount --rbind "${1%%:*}" "$root${1#*:}"
			shift
		done
		shift
		PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C exec chroot "$root" sh -ec "cd \"\$1\"; shift; exec \"\$@\"" \
			in_root "$here" "$@"
	' in_root "$here" "$@"
}
