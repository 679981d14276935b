// SPDX-License-Identifier: GPL-2.0-only
/* An IOMMU that does what the address says: see sim_toy.h. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "sim.h"
#include "sim_toy.h"

#define PHYS_MASK48	((1ULL << 48) - 1)

/* A page request that is answered in a moment. */
struct answer {
	struct work_struct work;
	struct sim_request req;
	u16 group;
	enum sim_status code;
};

/* Protects what follows; nothing but sim_pci's locks is taken inside. */
static DEFINE_RAW_SPINLOCK(toy_lock);
static u64 resumed;		/* the address whose stall is over */
static u64 paged_in;		/* the page that is there now */
static bool swapped;		/* TOY_SWAPPED addresses are in the page beside */
static u64 page_requests, invalidations, unanswered, stalls;

static DECLARE_COMPLETION(released);
static struct workqueue_struct *answers;

static void do_command(const struct toy_command *cmd, u16 segment)
{
	if (cmd->op == TOY_RESPOND) {
		sim_page_response(segment, cmd->rid, cmd->pasid, cmd->group, cmd->code);
		return;
	}
	if (cmd->op == TOY_RELEASE) {
		complete(&released);
		return;
	}
	if (cmd->op == TOY_SWAP)
		swapped = !swapped;
	invalidations++;
	if (!sim_atc_invalidate(segment, cmd->rid, cmd->pasid, cmd->addr, cmd->length,
				cmd->global))
		unanswered++;
}

static u64 phys_of(u64 addr)
{
	u64 phys = addr & PHYS_MASK48;

	return addr & TOY_SWAPPED && swapped ? phys ^ SZ_4K : phys;
}

/* What is not moved to or from memory. True: it was such a request. */
static bool special(const struct sim_request *req, void *buf, size_t len)
{
	struct toy_request who = {
		.segment = req->segment,
		.rid = req->rid,
		.pasid = req->pasid,
		.flags = req->flags,
	};
	struct toy_command cmd;

	if (req->addr & TOY_WHO && len >= sizeof(who)) {
		memcpy(buf, &who, sizeof(who));
		return true;
	}
	if (req->addr & TOY_COMMAND && len >= sizeof(cmd)) {
		memcpy(&cmd, buf, sizeof(cmd));
		do_command(&cmd, req->segment);
		return true;
	}
	return false;
}

static void translate(const struct sim_request *req, struct sim_reply *reply)
{
	u64 addr = req->addr, range = addr & TOY_HUGE ? SZ_2M : SZ_4K;

	reply->phys = phys_of(addr);
	reply->length = range;
	reply->perms = SIM_ATS_READ | SIM_ATS_EXEC | (addr & TOY_READ_ONLY ? 0 : SIM_ATS_WRITE) |
		       (addr & TOY_GLOBAL ? SIM_ATS_GLOBAL : 0) |
		       (addr & TOY_UNTRANSLATED ? SIM_ATS_UNTRANSLATED : 0);
	if (addr & TOY_PAGED && paged_in != (addr & ~(SZ_4K - 1)))
		reply->perms = 0;
	reply->status = SIM_OK;
}

static void move(const struct sim_request *req, void *buf, size_t len, struct sim_reply *reply)
{
	bool write = req->flags & SIM_DMA_WRITE;
	u64 phys = req->at == SIM_AT_TRANSLATED ? req->addr : phys_of(req->addr);
	int rc;

	reply->phys = phys;
	reply->length = len;
	rc = write ? sim_mem_write(phys, buf, len) : sim_mem_read(phys, buf, len);
	reply->status = rc ? SIM_NO_MEMORY : SIM_OK;
}

static void toy_access(struct sim_iommu *iommu, const struct sim_request *req, void *buf,
		       size_t len, struct sim_reply *reply)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&toy_lock, flags);
	if (req->at == SIM_AT_TRANSLATED) {
		move(req, buf, len, reply);
	} else if (!(req->addr & TOY_MAPPED)) {
		reply->status = SIM_UR;
	} else if (req->at == SIM_AT_TRANSLATION) {
		translate(req, reply);
	} else if (special(req, buf, len)) {
		reply->status = SIM_OK;
	} else if (req->addr & TOY_STALL && resumed != req->addr) {
		reply->status = SIM_TIMEOUT;
		reply->stall = req->addr;
	} else if (req->addr & TOY_READ_ONLY && req->flags & SIM_DMA_WRITE) {
		reply->status = SIM_UR;
	} else {
		move(req, buf, len, reply);
	}
	raw_spin_unlock_irqrestore(&toy_lock, flags);
}

/* A stall is over after TOY_MS, when somebody says so, or never. */
static enum sim_status toy_stall_wait(struct sim_iommu *iommu, u64 stall, unsigned int ms)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&toy_lock, flags);
	stalls++;
	raw_spin_unlock_irqrestore(&toy_lock, flags);
	if (stall & TOY_SILENT) {
		msleep_interruptible(ms);
		return SIM_TIMEOUT;
	}
	if (!(stall & TOY_HELD))
		msleep(min_t(unsigned int, ms, TOY_MS));
	else if (wait_for_completion_killable_timeout(&released, msecs_to_jiffies(ms)) <= 0)
		return SIM_TIMEOUT;
	raw_spin_lock_irqsave(&toy_lock, flags);
	resumed = stall;
	raw_spin_unlock_irqrestore(&toy_lock, flags);
	return stall & TOY_DENIED ? SIM_UR : SIM_OK;
}

static void send_answer(struct work_struct *work)
{
	struct answer *answer = container_of(work, struct answer, work);
	const struct sim_request *req = &answer->req;
	unsigned long flags;

	msleep(TOY_MS);
	raw_spin_lock_irqsave(&toy_lock, flags);
	if (answer->code == SIM_OK)
		paged_in = req->addr;
	/* Under the lock, as a unit that reads its queue. */
	sim_page_response(req->segment, req->rid, req->pasid, answer->group, answer->code);
	raw_spin_unlock_irqrestore(&toy_lock, flags);
	kfree(answer);
}

static enum sim_status toy_page_request(struct sim_iommu *iommu, const struct sim_request *req,
					u16 group, bool last)
{
	struct answer *answer;
	unsigned long flags;

	raw_spin_lock_irqsave(&toy_lock, flags);
	page_requests++;
	raw_spin_unlock_irqrestore(&toy_lock, flags);
	if (!last || req->addr & TOY_SILENT)
		return SIM_OK;
	answer = kzalloc(sizeof(*answer), GFP_ATOMIC);
	if (!answer)
		return SIM_FAILURE;
	answer->req = *req;
	answer->group = group;
	answer->code = req->addr & TOY_FAILURE ? SIM_FAILURE :
		       req->addr & TOY_DENIED ? SIM_DENIED : SIM_OK;
	INIT_WORK(&answer->work, send_answer);
	queue_work(answers, &answer->work);
	return SIM_OK;
}

static void toy_count(struct sim_iommu *iommu, bool reset,
		      void (*emit)(void *arg, const char *name, u64 value), void *arg)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&toy_lock, flags);
	emit(arg, "page_requests", page_requests);
	emit(arg, "invalidations", invalidations);
	emit(arg, "unanswered", unanswered);
	emit(arg, "stalls", stalls);
	if (reset) {
		page_requests = 0;
		invalidations = 0;
		unanswered = 0;
		stalls = 0;
	}
	raw_spin_unlock_irqrestore(&toy_lock, flags);
}

/* All of the first segment. */
static bool toy_handles(struct sim_iommu *iommu, u16 segment, u16 rid)
{
	return segment == SIM_SEGMENT;
}

static const struct sim_iommu_ops toy_ops = {
	.access = toy_access,
	.stall_wait = toy_stall_wait,
	.page_request = toy_page_request,
	.count = toy_count,
};

static struct sim_iommu toy = {
	.name = "toy",
	.owner = THIS_MODULE,
	.ops = &toy_ops,
	.handles = toy_handles,
};

static int __init sim_toy_init(void)
{
	int rc;

	answers = alloc_workqueue("sim_toy", WQ_UNBOUND, 0);
	if (!answers)
		return -ENOMEM;
	rc = sim_iommu_register(&toy);
	if (rc)
		destroy_workqueue(answers);
	return rc;
}

static void __exit sim_toy_exit(void)
{
	sim_iommu_unregister(&toy);
	/* Waits for the answers under way. */
	destroy_workqueue(answers);
}

module_init(sim_toy_init);
module_exit(sim_toy_exit);
MODULE_DESCRIPTION("An IOMMU that does what the address says, for tests of sim_pci");
MODULE_LICENSE("GPL");
