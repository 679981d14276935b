/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests of a device, as who attaches something to it sees them: what
 * page_request.c tells of is set here. Called under master->lock, but for the last two.
 */
#ifndef __IOMMUFD_SVA_PAGE_REQUEST_H
#define __IOMMUFD_SVA_PAGE_REQUEST_H

#include <iommufd_sva/backend.h>

struct iommufd_sva_fault_share;

/**
 * struct iommufd_sva_route - from a device to a fault queue
 * @pasid: from requests with this one, or NO_PASID
 * @all: and from those with any PASID that has no route of its own
 * @share: the device's share of the fault queue; NULL: it leads nowhere
 */
struct iommufd_sva_route {
	u32 pasid;
	bool all;
	struct iommufd_sva_fault_share *share;
};

/**
 * struct iommufd_sva_page_request_counts - what a device has asked for
 * @requests: page requests that have arrived
 * @groups: groups that were whole
 * @refused: groups for which nobody was there
 * @broken: requests against the rules: for a group that was whole and had no answer yet,
 *	or with another PASID than its group
 * @no_room: requests beyond the device's credits
 * @overflows: times that the unit's queue was full
 * @lost: groups that had begun then, and that the hardware answered
 */
struct iommufd_sva_page_request_counts {
	u64 requests;
	u64 groups;
	u64 refused;
	u64 broken;
	u64 no_room;
	u64 overflows;
	u64 lost;
};

int iommufd_sva_route_prepare(struct iommufd_sva_master *master, u32 pasid,
			      const struct iommufd_sva_translation *trans,
			      struct iommufd_sva_route *route);
void iommufd_sva_route_cancel(struct iommufd_sva_master *master,
			      struct iommufd_sva_route *route);
void iommufd_sva_route_set(struct iommufd_sva_master *master, struct iommufd_sva_route *route);
bool iommufd_sva_has_route(struct iommufd_sva_master *master, u32 pasid);
bool iommufd_sva_has_routes(struct iommufd_sva_master *master);

void iommufd_sva_page_requests_hold(struct iommufd_sva_master *master);
void iommufd_sva_page_requests_stop(struct iommufd_sva_master *master);
void iommufd_sva_page_requests_go(struct iommufd_sva_master *master);
/* They are off in the device: what has begun will not end. */
void iommufd_sva_page_requests_forget(struct iommufd_sva_master *master);
void iommufd_sva_page_requests_rename(struct iommufd_sva_master *master);
/* Of one that is kept there, with any lock or none. */
void iommufd_sva_page_requests_count(struct iommufd_sva_master *master,
				     struct iommufd_sva_page_request_counts *counts);
/* @master goes; no lock is held, and nobody reports anything any more. */
void iommufd_sva_page_requests_free(struct iommufd_sva_master *master);

#endif
