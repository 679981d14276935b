/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_toy: an IOMMU that does what the address says, to test sim_pci by itself.
 *
 * The lower 48 bits of an address are physical; those above say what becomes of
 * the request. Without TOY_MAPPED it is refused.
 */
#ifndef SIM_TOY_H
#define SIM_TOY_H

#include <linux/types.h>

#define TOY_HELD	(1ULL << 50)	/* a stall: until TOY_RELEASE */
#define TOY_SWAPPED	(1ULL << 51)	/* the page beside it, after every other TOY_SWAP */
#define TOY_MAPPED	(1ULL << 52)
#define TOY_READ_ONLY	(1ULL << 53)
#define TOY_STALL	(1ULL << 54)	/* the first time, for TOY_MS */
#define TOY_PAGED	(1ULL << 55)	/* only after a page request was answered */
#define TOY_HUGE	(1ULL << 56)	/* one range of 2 MiB */
#define TOY_GLOBAL	(1ULL << 57)
#define TOY_UNTRANSLATED (1ULL << 58)
#define TOY_WHO		(1ULL << 59)	/* reads struct toy_request */
#define TOY_COMMAND	(1ULL << 60)	/* writes struct toy_command, which is done */
#define TOY_SILENT	(1ULL << 61)	/* page requests: no answer */
#define TOY_DENIED	(1ULL << 62)	/* page requests: Invalid Request */
#define TOY_FAILURE	(1ULL << 63)	/* page requests: Response Failure */

#define TOY_MS		30

/* What arrived. */
struct toy_request {
	__u32 segment;
	__u32 rid;
	__u32 pasid;
	__u32 flags;
};

enum toy_op {
	TOY_INVALIDATE = 1,	/* @addr, @length, @global */
	TOY_RESPOND,		/* @group, @code */
	TOY_SWAP,		/* the same as TOY_INVALIDATE, with other pages from now on */
	TOY_RELEASE,		/* one request that is held goes on */
};

/* What the unit is to send to a function. */
struct toy_command {
	__u32 op;
	__u32 rid;
	__u32 pasid;
	__u32 global;
	__u32 group;
	__u32 code;
	__u64 addr;
	__u64 length;
};

#endif
