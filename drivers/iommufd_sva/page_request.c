// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of devices, from the backend's interrupt thread to a fault queue,
 * and their answers back.
 */
#include <linux/export.h>

#include "iommufd_sva_private.h"

bool iommufd_sva_report_page_request(struct iommufd_sva_master *master,
				     const struct iommufd_sva_page_request *request)
{
	return false;
}
EXPORT_SYMBOL_GPL(iommufd_sva_report_page_request);

void iommufd_sva_page_requests_lost(struct iommufd_sva_master *master)
{
}
EXPORT_SYMBOL_GPL(iommufd_sva_page_requests_lost);

bool iommufd_sva_page_group_take(struct iommufd_sva_page_response *answer)
{
	return false;
}
EXPORT_SYMBOL_GPL(iommufd_sva_page_group_take);

void iommufd_sva_page_group_done(struct iommufd_sva_master *master)
{
}
EXPORT_SYMBOL_GPL(iommufd_sva_page_group_done);
