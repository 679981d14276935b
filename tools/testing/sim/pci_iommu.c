// SPDX-License-Identifier: GPL-2.0-only
/* The IOMMUs that requests go through, or the root complex where none is. */
#define pr_fmt(fmt) "sim_pci: " fmt

#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/srcu.h>
#include <linux/timekeeping.h>

#include "pci.h"

/* Changes to the list; nothing is taken inside. */
static DEFINE_MUTEX(units_lock);
static LIST_HEAD(units);
/* Whoever is in a unit, also asleep in a stall. */
DEFINE_STATIC_SRCU(units_srcu);

/**
 * sim_iommu_register - from now on requests go through a unit
 * @iommu: the unit; stays the caller's
 *
 * Return: 0, -EINVAL
 */
int sim_iommu_register(struct sim_iommu *iommu)
{
	if (!iommu->ops || !iommu->ops->access || !iommu->handles || !iommu->name)
		return -EINVAL;
	mutex_lock(&units_lock);
	list_add_tail_rcu(&iommu->node, &units);
	mutex_unlock(&units_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(sim_iommu_register);

/**
 * sim_iommu_unregister - from now on they do not
 * @iommu: the unit, which nobody calls any more on return
 */
void sim_iommu_unregister(struct sim_iommu *iommu)
{
	mutex_lock(&units_lock);
	list_del_rcu(&iommu->node);
	mutex_unlock(&units_lock);
	synchronize_srcu(&units_srcu);
}
EXPORT_SYMBOL_GPL(sim_iommu_unregister);

/* Under units_srcu. */
static struct sim_iommu *unit_of(u16 segment, u16 rid)
{
	struct sim_iommu *iommu;

	list_for_each_entry_srcu(iommu, &units, node, srcu_read_lock_held(&units_srcu))
		if (iommu->handles(iommu, segment, rid))
			return iommu;
	return NULL;
}

/* A root complex without an IOMMU knows neither PASIDs nor translation. */
static void root_complex(const struct sim_request *req, void *buf, size_t len,
			 struct sim_reply *reply)
{
	int rc;

	if (req->at != SIM_AT_UNTRANSLATED || req->pasid != SIM_NO_PASID) {
		reply->status = SIM_UR;
		return;
	}
	rc = req->flags & SIM_DMA_WRITE ? sim_mem_write(req->addr, buf, len) :
					  sim_mem_read(req->addr, buf, len);
	reply->phys = req->addr;
	reply->length = len;
	reply->perms = SIM_ATS_READ | SIM_ATS_WRITE;
	reply->status = rc ? SIM_NO_MEMORY : SIM_OK;
}

static unsigned int ms_until(u64 deadline)
{
	u64 now = ktime_get_ns();

	return now < deadline ? div_u64(deadline - now + NSEC_PER_MSEC - 1, NSEC_PER_MSEC) : 0;
}

/*
 * One request. When the unit stalls it, wait for its word until @deadline
 * (nanoseconds of the monotonic clock); *@again: that was to try again.
 */
enum sim_status sim_upstream(const struct sim_request *req, void *buf, size_t len,
			     struct sim_reply *reply, u64 deadline, bool *again)
{
	enum sim_status status;
	struct sim_iommu *iommu;
	int idx;

	*again = false;
	memset(reply, 0, sizeof(*reply));
	idx = srcu_read_lock(&units_srcu);
	iommu = unit_of(req->segment, req->rid);
	if (iommu)
		iommu->ops->access(iommu, req, buf, len, reply);
	else
		root_complex(req, buf, len, reply);
	status = reply->status;
	if (status == SIM_TIMEOUT && reply->stall && iommu->ops->stall_wait) {
		status = iommu->ops->stall_wait(iommu, reply->stall, ms_until(deadline));
		*again = status == SIM_OK;
	}
	srcu_read_unlock(&units_srcu, idx);
	return status;
}

enum sim_status sim_upstream_page_request(const struct sim_request *req, u16 group,
					  bool last)
{
	enum sim_status status = SIM_UR;
	struct sim_iommu *iommu;
	int idx;

	idx = srcu_read_lock(&units_srcu);
	iommu = unit_of(req->segment, req->rid);
	if (iommu && iommu->ops->page_request)
		status = iommu->ops->page_request(iommu, req, group, last);
	srcu_read_unlock(&units_srcu, idx);
	return status;
}

/* Under units_srcu. */
static struct sim_iommu *unit_by_number(u32 number)
{
	struct sim_iommu *iommu;

	list_for_each_entry_srcu(iommu, &units, node, srcu_read_lock_held(&units_srcu))
		if (number-- == 0)
			return iommu;
	return NULL;
}

int sim_iommu_inject(const struct sim_inject *inject)
{
	struct sim_iommu *iommu;
	int idx, rc;

	idx = srcu_read_lock(&units_srcu);
	iommu = unit_by_number(inject->unit);
	if (!iommu)
		rc = -ENODEV;
	else if (!iommu->ops->inject)
		rc = -EOPNOTSUPP;
	else
		rc = iommu->ops->inject(iommu, inject->fault, inject->count, inject->arg);
	srcu_read_unlock(&units_srcu, idx);
	return rc;
}

int sim_iommu_count(u32 unit, bool reset,
		    void (*emit)(void *arg, const char *name, u64 value), void *arg)
{
	struct sim_iommu *iommu;
	int idx, rc = 0;

	idx = srcu_read_lock(&units_srcu);
	iommu = unit_by_number(unit);
	if (!iommu)
		rc = -ENODEV;
	else if (iommu->ops->count)
		iommu->ops->count(iommu, reset, emit, arg);
	srcu_read_unlock(&units_srcu, idx);
	return rc;
}
