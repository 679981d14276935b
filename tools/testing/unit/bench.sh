#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# bench.sh PROGRAM: instructions per page of the page-table library, counted by
# valgrind in its functions alone: without the allocator's clearing of pages.
set -e
command -v valgrind >/dev/null || { echo "bench: needs valgrind" >&2; exit 1; }

count()	# SIZE CHUNK FUNCTION...: instructions below the first, not the others
{
	args="$1 $2"
	shift 2
	# shellcheck disable=SC2046,SC2086 # words are meant
	valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		 $(printf ' --toggle-collect=%s' "$@") "$PROGRAM" $args 2>&1 |
		sed -n 's/.*Collected *: *//p'
}

PROGRAM=$1
printf '%-28s %10s %10s\n' "instructions per page" map unmap
while read -r name size chunk; do
	pages=$((2 * 1073741824 / size))
	map=$(count "$size" "$chunk" iommufd_sva_pt_map alloc_pages_node)
	unmap=$(count "$size" "$chunk" iommufd_sva_pt_unmap)
	printf '%-28s %10s %10s\n' "$name" \
		"$(echo "scale=2; $map / $pages" | bc)" "$(echo "scale=2; $unmap / $pages" | bc)"
done <<LIST
4K,1G_at_a_time 4096 1073741824
4K,2M_at_a_time 4096 2097152
4K,1M_at_a_time 4096 1048576
4K,one_at_a_time 4096 4096
2M,1G_at_a_time 2097152 1073741824
2M,one_at_a_time 2097152 2097152
LIST
