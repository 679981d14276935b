// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests (7.4 to 7.11): what devices with PRI ask for arrives in a ring of the
 * unit's in memory, and goes on to the core in the same order. Answers go back through
 * the invalidation queue (7.6.1).
 *
 * The thread of the event is the only one that reads the ring. It reads at a bounded
 * pace, so that devices that do nothing but ask cost a known share of one CPU and no
 * more; and answers what is nobody's by itself, with one submission for all of a run.
 *
 * A device is looked up under prq->lock, which nobody holds who waits for the hardware.
 * It is found from before its context entry lets page requests through until after, and
 * after vtd_pri_drain() nothing that it asked for before is under way.
 *
 * An interrupt that is lost would be the last one: the hardware sends none while PPR or PRO
 * is set (7.5). So somebody looks every now and then while there are devices that ask.
 *
 * A full ring (7.4.1): the hardware takes no more page requests until PRS_REG.PRO is
 * cleared, and answers the last ones of groups with Success itself: the device tries
 * again. Nobody has been told of those, so the core forgets what it has of groups that
 * are not complete. With no more outstanding than unit->base.page_requests it does not
 * come to that.
 */
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include "vtd.h"

/* 11.4.11.3, PQS: 32 pages, 4096 descriptors. */
#define VTD_PRQ_PQS		5
/* So many in a jiffy, then a pause. */
#define VTD_PRQ_BATCH		1024
#define VTD_PRQ_PAUSE_US	500
/* For what is in the ring to be read, and answered where that is ours to do. */
#define VTD_PRQ_TIMEOUT		msecs_to_jiffies(10000)
/* How often it is looked whether the thread has been told of what there is. */
#define VTD_PRQ_WATCH		msecs_to_jiffies(1000)
/* Answers that have room on the stack. */
#define VTD_PRQ_DESCS		16

static u16 vtd_pri_rid(struct iommufd_sva_master *master)
{
	return PCI_DEVID(master->rids[0].bus, master->rids[0].devfn);
}

/* --- from the hardware ------------------------------------------------------ */

static struct iommufd_sva_page_request vtd_page_request(const struct vtd_page_req *req)
{
	return (struct iommufd_sva_page_request){
		.addr = req->addr,
		.pasid = req->pp ? req->pasid : IOMMUFD_SVA_NO_PASID,
		.grpid = req->prgi,
		.perm = (req->rdr ? IOMMUFD_SVA_PGFAULT_PERM_READ : 0) |
			(req->wrr ? IOMMUFD_SVA_PGFAULT_PERM_WRITE : 0) |
			(req->exr ? IOMMUFD_SVA_PGFAULT_PERM_EXEC : 0) |
			(req->pmr ? IOMMUFD_SVA_PGFAULT_PERM_PRIV : 0),
		.last = req->lpig,
	};
}

/* The last of a group that nobody is there to answer. */
static void vtd_prq_refuse(struct vtd_prq *prq, const struct vtd_page_req *req,
			   const struct iommufd_sva_master *master)
{
	/* 7.6.1: a PASID if the requests have one. Some devices take none (PCIe 10.5.2.3). */
	bool pp = req->pp && (!master || master->pri.response_pasid);

	prq->refused[prq->num_refused++] =
		vtd_make_page_response(req->rid, pp, req->pasid, req->prgi,
				       VTD_RESPONSE_INVALID);
	prq->invalid++;
}

static void vtd_prq_report(struct vtd_prq *prq, const struct vtd_page_req *req)
{
	const struct iommufd_sva_page_request request = vtd_page_request(req);
	struct iommufd_sva_master *master = xa_load(&prq->masters, req->rid);

	lockdep_assert_held(&prq->lock);
	if ((!master || !iommufd_sva_report_page_request(master, &request)) && req->lpig)
		vtd_prq_refuse(prq, req, master);
}

static void vtd_prq_read_one(struct vtd_prq *prq)
{
	const struct vtd_page_req_dsc dsc = prq->ring[prq->head];
	const struct vtd_page_req req = vtd_page_req_of(&dsc);

	spin_lock(&prq->lock);
	prq->head = (prq->head + 1) % vtd_prq_entries(VTD_PRQ_PQS);
	prq->read++;
	if (req.type != VTD_PAGE_REQ_DSC)
		prq->unknown++;
	else if (vtd_page_req_is_stop_marker(&req))
		prq->stop_markers++;
	else
		vtd_prq_report(prq, &req);
	spin_unlock(&prq->lock);
}

static u32 vtd_prq_tail(struct vtd_unit *unit)
{
	return vtd_prq_index(vtd_read64(unit, VTD_PQT_REG), VTD_PRQ_PQS);
}

/* May another one be read before the next jiffy? */
static bool vtd_prq_may_read(struct vtd_prq *prq)
{
	if (time_after(jiffies, prq->jiffy)) {
		prq->jiffy = jiffies;
		prq->left = VTD_PRQ_BATCH;
	}
	return prq->left;
}

/* Those in front of @tail, as long as there is room for answers. */
static void vtd_prq_read(struct vtd_unit *unit, u32 tail)
{
	struct vtd_prq *prq = &unit->prq;

	/* What the hardware wrote before it moved the tail is seen. */
	dma_rmb();
	while (prq->head != tail && prq->num_refused < VTD_PRQ_REFUSED &&
	       vtd_prq_may_read(prq)) {
		vtd_prq_read_one(prq);
		prq->left--;
	}
	vtd_write64(unit, VTD_PQH_REG, vtd_prq_offset(prq->head));
}

static void vtd_prq_answer(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;

	if (!prq->num_refused)
		return;
	atomic64_add(prq->num_refused, &prq->responses);
	if (vtd_qi_submit(unit, prq->refused, prq->num_refused))
		vtd_err_ratelimited(unit, "page requests have no answer: reset the devices that wait\n");
	prq->num_refused = 0;
}

/* All that was taken before is read, and until PRO is cleared no more is taken. */
static void vtd_prq_overflow(struct vtd_unit *unit)
{
	struct iommufd_sva_master *master;
	struct vtd_prq *prq = &unit->prq;
	unsigned long rid;

	spin_lock(&prq->lock);
	prq->overflows++;
	xa_for_each(&prq->masters, rid, master)
		iommufd_sva_page_requests_lost(master);
	spin_unlock(&prq->lock);
	vtd_write32(unit, VTD_PRS_REG, VTD_PRS_PRO);
	vtd_warn_ratelimited(unit, "page request queue was full: a device asks for more than it may, and is to ask again\n");
}

/* Returns whether there is more to do. */
static bool vtd_prq_run(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;

	/* Finding nothing costs something, too. */
	if (vtd_prq_may_read(prq))
		prq->left--;
	/* First, so that what comes after the tail is read is told of anew (7.5). */
	vtd_write32(unit, VTD_PRS_REG, VTD_PRS_PPR);
	vtd_prq_read(unit, vtd_prq_tail(unit));
	vtd_prq_answer(unit);
	if (vtd_read32(unit, VTD_PRS_REG) & VTD_PRS_PRO && prq->head == vtd_prq_tail(unit))
		vtd_prq_overflow(unit);

	spin_lock(&prq->lock);
	prq->done = prq->read;
	spin_unlock(&prq->lock);
	wake_up_all(&prq->wait);
	return prq->head != vtd_prq_tail(unit) ||
	       vtd_read32(unit, VTD_PRS_REG) & (VTD_PRS_PPR | VTD_PRS_PRO);
}

static void vtd_prq_pause(struct vtd_prq *prq)
{
	while (!vtd_prq_may_read(prq))
		usleep_range(VTD_PRQ_PAUSE_US, 2 * VTD_PRQ_PAUSE_US);
}

static void vtd_prq_work(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;

	while (vtd_prq_run(unit) && !vtd_event_is_stopping(&prq->event))
		vtd_prq_pause(prq);
}

/* --- back to it --------------------------------------------------------------- */

/* The descriptor that tells a device. */
struct vtd_desc vtd_page_response(const struct iommufd_sva_page_response *response)
{
	struct iommufd_sva_master *master = response->master;
	bool pp = response->pasid != IOMMUFD_SVA_NO_PASID && master->pri.response_pasid;

	return vtd_make_page_response(vtd_pri_rid(master), pp, response->pasid,
				      response->grpid,
				      response->code == IOMMUFD_SVA_PAGE_RESP_SUCCESS ?
				      VTD_RESPONSE_SUCCESS : VTD_RESPONSE_INVALID);
}

/**
 * vtd_page_respond - see iommufd_sva_backend_ops
 * @base: the unit
 * @responses: to devices behind it
 * @num: how many
 */
void vtd_page_respond(struct iommufd_sva_unit *base,
		      const struct iommufd_sva_page_response *responses, unsigned int num)
{
	struct vtd_unit *unit = to_vtd_unit(base);
	struct vtd_desc descs[VTD_PRQ_DESCS];
	struct vtd_batch batch;
	unsigned int i;

	vtd_batch_init_for(&batch, unit, descs, ARRAY_SIZE(descs), num);
	for (i = 0; i < num; i++) {
		if (iommufd_sva_master_is_gone(responses[i].master))
			continue;
		vtd_batch_add(&batch, vtd_page_response(&responses[i]));
		atomic64_inc(&unit->prq.responses);
	}
	if (vtd_batch_finish(&batch))
		vtd_err_ratelimited(unit, "page requests have no answer: reset the devices that wait\n");
}

/* --- whose they are -------------------------------------------------------------- */

/**
 * vtd_pri_capable - see iommufd_sva_backend_ops
 * @master: the device, whose ATS is known
 *
 * They are about translations that the device has asked for (7.4), so it needs ATS; and
 * what ATS needs of the ports above it.
 *
 * Return: whether page requests of @master can be taken.
 */
bool vtd_pri_capable(struct iommufd_sva_master *master)
{
	return to_vtd_unit(master->unit)->prq.started && master->ats.supported;
}

/* Nobody has read since the last look, and there is something to read. */
static void vtd_prq_watch(struct work_struct *work)
{
	struct vtd_prq *prq = container_of(to_delayed_work(work), struct vtd_prq, watch);
	struct vtd_unit *unit = container_of(prq, struct vtd_unit, prq);
	bool waits, stands;

	spin_lock(&prq->lock);
	waits = vtd_read32(unit, VTD_PRS_REG) & (VTD_PRS_PPR | VTD_PRS_PRO);
	stands = waits && prq->waited && prq->watched == prq->done;
	prq->waited = waits;
	prq->watched = prq->done;
	spin_unlock(&prq->lock);
	if (stands) {
		vtd_warn_ratelimited(unit, "page requests wait: the interrupt for them was lost\n");
		vtd_event_kick(&prq->event);
	}
	if (!xa_empty(&prq->masters))
		schedule_delayed_work(&prq->watch, VTD_PRQ_WATCH);
}

/* Page requests of @master are going to be taken: 0 or -ENOMEM. */
int vtd_prq_add(struct vtd_unit *unit, struct iommufd_sva_master *master)
{
	struct vtd_prq *prq = &unit->prq;
	int rc;

	rc = xa_err(xa_store(&prq->masters, vtd_pri_rid(master), master, GFP_KERNEL));
	if (!rc)
		schedule_delayed_work(&prq->watch, VTD_PRQ_WATCH);
	return rc;
}

/* They are not any more: who has found @master is done with it. */
void vtd_prq_remove(struct vtd_unit *unit, struct iommufd_sva_master *master)
{
	spin_lock(&unit->prq.lock);
	xa_erase(&unit->prq.masters, vtd_pri_rid(master));
	spin_unlock(&unit->prq.lock);
}

/* --- draining (7.10) -------------------------------------------------------------- */

/*
 * The page requests that @master has sent are in the ring, and it has the answers that
 * were sent to it. The invalidations have no other purpose.
 */
static void vtd_prq_drain_hardware(struct vtd_unit *unit, struct iommufd_sva_master *master)
{
	struct vtd_desc descs[3];
	struct vtd_batch batch;
	int rc;

	vtd_batch_init(&batch, unit, descs, ARRAY_SIZE(descs));
	vtd_batch_add(&batch, vtd_qi_fence(unit));			/* a. */
	vtd_batch_add(&batch, vtd_make_pasid_iotlb_pages(unit->identity_did, VTD_RID_PASID,
							 0, 0, true));	/* b. */
	vtd_ats_add_rid(&batch, master, 0, 0);
	rc = vtd_qi_drain(unit, descs, batch.num);			/* c. */
	if (rc == -ETIMEDOUT) {
		mutex_lock(&unit->lock);
		rc = vtd_ats_cut_off(unit);
		mutex_unlock(&unit->lock);
	}
	if (rc)
		vtd_err(unit, "device %s: its page requests are not drained: the next who has it may see some of them\n",
			dev_name(master->dev));
}

static bool vtd_prq_is_done(struct vtd_prq *prq, u64 read)
{
	bool done;

	spin_lock(&prq->lock);
	done = prq->done >= read;
	spin_unlock(&prq->lock);
	return done;
}

/* Until what is in the ring now has been read. */
static void vtd_prq_flush(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;
	u64 read;

	spin_lock(&prq->lock);
	read = prq->read + vtd_prq_pending(prq->head, vtd_prq_tail(unit), VTD_PRQ_PQS);
	spin_unlock(&prq->lock);
	vtd_event_kick(&prq->event);
	if (!wait_event_timeout(prq->wait, vtd_prq_is_done(prq, read), VTD_PRQ_TIMEOUT))
		vtd_err(unit, "page requests are not read: please report this\n");
}

/* How often a device was answered by us, or by the hardware. */
static u64 vtd_prq_own_answers(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;
	u64 num;

	spin_lock(&prq->lock);
	num = prq->overflows + prq->invalid;
	if (vtd_read32(unit, VTD_PRS_REG) & VTD_PRS_PRO)
		num++;
	spin_unlock(&prq->lock);
	return num;
}

/**
 * vtd_pri_drain - see iommufd_sva_backend_ops
 * @master: the device
 *
 * Answers given meanwhile, by us or by the hardware because the ring is full, are to
 * arrive too: all of it once more then (7.10, d.).
 */
void vtd_pri_drain(struct iommufd_sva_master *master)
{
	struct vtd_unit *unit = to_vtd_unit(master->unit);
	u64 before = vtd_prq_own_answers(unit);

	vtd_prq_drain_hardware(unit, master);
	vtd_prq_flush(unit);
	if (vtd_prq_own_answers(unit) == before)
		return;
	vtd_prq_drain_hardware(unit, master);
	vtd_prq_flush(unit);
}

/* --- its life ----------------------------------------------------------------------- */

/**
 * vtd_prq_init - memory for the page requests of a unit
 * @unit: the unit
 *
 * None without draining (ECAP.PDS): requests of who had a device before could not be
 * told from those of who has it now.
 *
 * Return: 0 or -ENOMEM.
 */
int vtd_prq_init(struct vtd_unit *unit)
{
	const u64 needs = VTD_ECAP_PRS | VTD_ECAP_PDS | VTD_ECAP_DT;
	struct vtd_prq *prq = &unit->prq;

	spin_lock_init(&prq->lock);
	xa_init(&prq->masters);
	init_waitqueue_head(&prq->wait);
	INIT_DELAYED_WORK(&prq->watch, vtd_prq_watch);
	if ((unit->ecap & needs) != needs)
		return 0;
	prq->ring = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, VTD_PRQ_PQS);
	return prq->ring ? 0 : -ENOMEM;
}

void vtd_prq_free(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;

	WARN_ON(!xa_empty(&prq->masters));
	free_pages((unsigned long)prq->ring, VTD_PRQ_PQS);
	prq->ring = NULL;
}

/* The ring may be moved only while it is empty. */
static void vtd_prq_set(struct vtd_unit *unit, u64 pqa, u64 pqh, u64 pqt)
{
	vtd_write64(unit, VTD_PQH_REG, 0);
	vtd_write64(unit, VTD_PQT_REG, 0);
	vtd_write64(unit, VTD_PQA_REG, pqa);
	vtd_write64(unit, VTD_PQH_REG, pqh);
	vtd_write64(unit, VTD_PQT_REG, pqt);
}

static void vtd_prq_hand_back(struct vtd_unit *unit)
{
	const u64 *found = unit->prq.found;

	vtd_prq_set(unit, found[0], found[1], found[2]);
}

/**
 * vtd_prq_start - have page requests reported to us
 * @unit: the unit, no context entry of which lets any through
 *
 * Return: 0, also where the unit takes none; or an errno.
 */
int vtd_prq_start(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;
	int rc;

	if (!prq->ring)
		return 0;
	prq->found[0] = vtd_read64(unit, VTD_PQA_REG);
	prq->found[1] = vtd_read64(unit, VTD_PQH_REG);
	prq->found[2] = vtd_read64(unit, VTD_PQT_REG);
	vtd_prq_set(unit, virt_to_phys(prq->ring) | FIELD_PREP(VTD_PQA_PQS, VTD_PRQ_PQS), 0, 0);
	vtd_write32(unit, VTD_PRS_REG, VTD_PRS_PPR | VTD_PRS_PRO);
	prq->jiffy = jiffies;
	prq->left = VTD_PRQ_BATCH;
	prq->event.work = vtd_prq_work;
	rc = vtd_event_start(&prq->event, unit, VTD_PECTL_REG, "-prq");
	if (rc) {
		vtd_prq_hand_back(unit);
		return rc;
	}
	prq->started = true;
	/* One descriptor is always empty. */
	unit->base.page_requests = vtd_prq_entries(VTD_PRQ_PQS) - 1;
	return 0;
}

/* Translation is off, so nothing is taken. The registers become what they were. */
void vtd_prq_stop(struct vtd_unit *unit)
{
	struct vtd_prq *prq = &unit->prq;
	u32 runs = vtd_prq_entries(VTD_PRQ_PQS);

	if (!prq->started)
		return;
	prq->started = false;
	unit->base.page_requests = 0;
	cancel_delayed_work_sync(&prq->watch);
	vtd_event_stop(&prq->event);
	while (vtd_prq_run(unit) && runs--)
		vtd_prq_pause(prq);
	vtd_prq_hand_back(unit);
	vtd_event_hand_back(&prq->event);
}
