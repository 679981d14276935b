/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests of a device, as who attaches something to it sees them: what
 * page_request.c tells of is set here. Called under master->lock.
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
/* After any of this: give the memory for what is not needed any more back. */
void iommufd_sva_page_requests_trim(struct iommufd_sva_master *master);

#endif
