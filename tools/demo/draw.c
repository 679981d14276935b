// SPDX-License-Identifier: GPL-2.0-only
/* The tables that were walked for one request, from the root down. */
#include <stdio.h>
#include <string.h>

#include "demo.h"
#include "walk.h"

#define INNER 52

/* A table with the one entry that counts; the arrow leads to the next one. */
static void box(int depth, const char *title, uint64_t address,
		const char *where, uint64_t entry, const char *meaning)
{
	int indent = 2 + depth * 2;
	char line[128];

	printf("%*s+%.*s+\n", indent, "", INNER,
	       "------------------------------------------------------------");
	snprintf(line, sizeof(line), "%s at %#llx", title,
		 (unsigned long long)address);
	printf("%*s| %-*s |\n", indent, "", INNER - 2, line);
	snprintf(line, sizeof(line), "  %s: %#llx", where,
		 (unsigned long long)entry);
	printf("%*s| %-*s |  %s\n", indent, "", INNER - 2, line, meaning);
	printf("%*s+%.*s+\n", indent, "", INNER,
	       "---+--------------------------------------------------------");
	printf("%*s    |\n%*s    v\n", indent, "", indent, "");
}

static void draw_levels(const char *text, uint64_t iova, int depth)
{
	/* Entry bits: 0 R, 1 W, 7 a leaf above level 1, 51:12 address. */
	for (int level = 5; level >= 1; level--) {
		int shift = 12 + 9 * (level - 1);
		char name[8], title[48], where[64], meaning[64], val[32];
		uint64_t entry, address;
		bool leaf;

		snprintf(name, sizeof(name), "ss%d", level);
		if (!walk_get(text, name, "entry", val, sizeof(val)))
			continue;
		entry = walk_number(text, name, "entry");
		address = walk_number(text, name, "address");
		leaf = level == 1 || entry >> 7 & 1;
		snprintf(title, sizeof(title), "second stage, level %d", level);
		snprintf(where, sizeof(where), "[%3llu] = IOVA bits %d:%d",
			 (unsigned long long)(iova >> shift & 511), shift + 8, shift);
		snprintf(meaning, sizeof(meaning), "%s%s %s",
			 entry & 1 ? "R" : "-", entry & 2 ? "W" : "-",
			 leaf ? "leaf" : "next table");
		box(depth++, title, address & ~0xfffULL, where, entry, meaning);
		if (leaf)
			break;
	}
}

void draw_walk(const char *text)
{
	char device[32], half[16], where[64], val[32];
	uint64_t iova = walk_number(text, "request", "iova");
	uint64_t entry;

	walk_get(text, "request", "device", device, sizeof(device));
	walk_get(text, "root", "half", half, sizeof(half));
	walk_get(text, "unit", "name", val, sizeof(val));
	printf("  %s asks %s for IOVA %#llx, without a PASID\n\n", device, val,
	       (unsigned long long)iova);
	printf("  RTADDR_REG: %#llx\n      |\n      v\n",
	       (unsigned long long)walk_number(text, "unit", "rtaddr"));

	snprintf(where, sizeof(where), "[bus %#llx], %s half",
		 (unsigned long long)walk_number(text, "root", "index"), half);
	box(0, "root table", walk_number(text, "root", "address") & ~0xfffULL,
	    where, walk_number(text, "root", "entry"), "context table");

	snprintf(where, sizeof(where), "[devfn & 7f = %#llx]",
		 (unsigned long long)walk_number(text, "context", "index"));
	entry = walk_number(text, "context", "entry");
	box(1, "context table", walk_number(text, "context", "address") & ~0xfffULL,
	    where, entry, "PASID directory");

	box(2, "PASID directory", walk_number(text, "pasid_dir", "address"),
	    "[0] = RID_PASID 19:6", walk_number(text, "pasid_dir", "entry"),
	    "PASID table");

	walk_get(text, "pasid", "type", val, sizeof(val));
	snprintf(where, sizeof(where), "%s, domain %llu", val,
		 (unsigned long long)walk_number(text, "pasid", "did"));
	box(3, "PASID table", walk_number(text, "pasid", "address"),
	    "[0] = RID_PASID 5:0", walk_number(text, "pasid", "entry"), where);

	draw_levels(text, iova, 4);
	printf("                    physical %#llx, in a page of %llu KiB, access %s\n",
	       (unsigned long long)walk_number(text, "result", "physical"),
	       (unsigned long long)walk_number(text, "result", "page") / 1024,
	       walk_get(text, "result", "access", val, sizeof(val)) ? val : "none");
}
