// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests: messages of devices that have ATS, in the page request queue (8), and
 * transactions that stall (3.12.2), which events tell of (evtq.c). Both are given to the
 * core as they come, and answered when it says so.
 *
 * Who sent a request is looked up under unit->streams_lock, and the core is told under
 * it: so the device is there meanwhile. What the core does not take is refused here: the
 * group with Invalid Request, a stall with an abort.
 *
 * The unit takes page requests of whoever sends them, and a virtual function sends them for
 * as long as any function of its physical one may. So those that come while nobody has
 * switched them on are refused before the core sees them; and those that are in the queue, or
 * on their way there, before they are switched on: they may be of who had the device before.
 *
 * The queue holds what all devices together may have outstanding, but for one that asks
 * for more than it may. Then the unit drops what comes until all that is in the queue has
 * been read, and answers the last one of each group with Success, so that the device
 * asks anew (8.1). Of what had come of such a group before the core is told to think no
 * more (8.1.1).
 *
 * When may a transaction stall? While something with a fault queue is shown. With that
 * the entry of the device changes (smmu_set_translation(), smmu_pri_set()), and CMD_SYNC
 * sees to it that a stall that could not be recorded yet meets the new entry when it is
 * tried again (4.7.3). So after an entry that lets nothing stall, all stalls there are of
 * the device are in the event queue, which is read then, or have been given to the core,
 * which answers. That leaves those whose record was lost with an error of the event queue
 * (7.2.2): once the device is blocked, and the event queue has been read, CMD_STALL_TERM ends
 * what there may be (4.7.2), and not before, since it is not to be used on a stream that
 * translates.
 */
#include <linux/property.h>
#include "nested.h"
#include "smmuv3.h"

/* Stop Markers have no credits (8): of eight places one is for them. */
#define SMMU_PRIQ_SPARE		8

/**
 * smmu_report_page_request - a device asks for a page
 * @unit: the unit
 * @sid: the stream
 * @request: what it asks for
 *
 * Return: what became of it
 */
enum smmu_request smmu_report_page_request(struct smmu_unit *unit, u32 sid,
					   const struct iommufd_sva_page_request *request)
{
	enum smmu_request result = SMMU_REQUEST_STRAY;
	struct smmu_master *sm;

	spin_lock(&unit->streams_lock);
	sm = smmu_find_master(unit, sid);
	if (sm && (sm->asks || request->stall) &&
	    iommufd_sva_report_page_request(sm->base, request))
		result = SMMU_REQUEST_TAKEN;
	else if (sm && sm->base->pri.supported)
		result = sm->base->pri.response_pasid ? SMMU_REQUEST_REFUSED_PASID :
							SMMU_REQUEST_REFUSED;
	spin_unlock(&unit->streams_lock);
	return result;
}

/**
 * smmu_send_answers - tell devices, and what stalls
 * @unit: the unit
 * @answers: CMD_PRI_RESP and CMD_RESUME
 * @num: how many
 */
void smmu_send_answers(struct smmu_unit *unit, const struct smmuv3_cmd *answers,
		       unsigned int num)
{
	if (smmu_cmdq_submit(unit, answers, num) == -EIO)
		smmu_err_ratelimited(unit, "page requests or stalled transactions have no answer: reset the devices that wait\n");
}

/* One answer per group (4.5.2). A device that nobody knows gets what it sent. */
static void smmu_refuse_group(struct smmu_unit *unit, const struct smmuv3_pri *pri,
			      enum smmu_request result)
{
	u32 ssid = result == SMMU_REQUEST_REFUSED ? SMMUV3_NO_SSID : pri->ssid;

	atomic64_inc(&unit->requests.refused);
	smmu_inq_answer(&unit->priq, smmuv3_make_pri_resp(pri->sid, ssid, pri->prgindex,
							  SMMUV3_PRI_FAIL));
}

static void smmu_warn_stray(struct smmu_unit *unit, const struct smmuv3_pri *pri)
{
	static DEFINE_RATELIMIT_STATE(ratelimit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	char name[48];

	/* First: what follows is not for each request of a storm. */
	if (!__ratelimit(&ratelimit))
		return;
	smmu_stream_name(unit, pri->sid, name, sizeof(name));
	smmu_warn(unit, "%s: page request for %#llx refused: nobody allowed it page requests: switch them off in the device\n",
			      name, pri->address);
}

static void smmu_page_request(struct smmu_unit *unit, const u64 *record)
{
	const struct smmuv3_pri pri = smmuv3_decode_pri(record);
	const struct iommufd_sva_page_request request = {
		.addr = pri.address,
		.pasid = pri.ssid == SMMUV3_NO_SSID ? IOMMUFD_SVA_NO_PASID : pri.ssid,
		.grpid = pri.prgindex,
		.perm = (pri.read ? IOMMUFD_SVA_PGFAULT_PERM_READ : 0) |
			(pri.write ? IOMMUFD_SVA_PGFAULT_PERM_WRITE : 0) |
			(pri.execute ? IOMMUFD_SVA_PGFAULT_PERM_EXEC : 0) |
			(pri.privileged ? IOMMUFD_SVA_PGFAULT_PERM_PRIV : 0),
		.last = pri.last,
	};
	enum smmu_request result;

	/* It says that all of a PASID was said, and has no answer. */
	if (smmuv3_pri_is_stop_marker(&pri)) {
		atomic64_inc(&unit->requests.stop_markers);
		return;
	}
	atomic64_inc(&unit->requests.requests);
	result = smmu_report_page_request(unit, pri.sid, &request);
	if (result == SMMU_REQUEST_STRAY)
		smmu_warn_stray(unit, &pri);
	if (result != SMMU_REQUEST_TAKEN && pri.last)
		smmu_refuse_group(unit, &pri, result);
}

/* All that came before has been read; what did not get that far has been lost. */
static void smmu_forget_unfinished(struct smmu_unit *unit)
{
	struct smmu_stream_user *user;
	struct smmu_stream *stream;
	unsigned long sid;

	lockdep_assert_held(&unit->priq.lock);
	spin_lock(&unit->streams_lock);
	xa_for_each(&unit->streams, sid, stream)
		list_for_each_entry(user, &stream->users, node)
			iommufd_sva_page_requests_lost(user->sm->base);
	spin_unlock(&unit->streams_lock);
}

/* 8.1.1 */
static void smmu_page_requests_lost(struct smmu_unit *unit)
{
	atomic64_inc(&unit->requests.overflows);
	smmu_warn_ratelimited(unit, "page request queue was full: devices ask for more than they may, or page requests were not read in time; they ask again\n");
	smmu_forget_unfinished(unit);
}

/**
 * smmu_priq_aborted - the unit could not write the queue
 * @unit: the unit, which writes nothing there until the error has been acknowledged
 *
 * What it could not write it has answered Response Failure, or not at all, and so it does
 * with what comes now (8.2).
 */
void smmu_priq_aborted(struct smmu_unit *unit)
{
	smmu_err_ratelimited(unit, "page request queue could not be written: requests are lost, and devices ask no more before they are attached anew; please report this\n");
	smmu_inq_flush(unit, &unit->priq);
	mutex_lock(&unit->priq.lock);
	smmu_forget_unfinished(unit);
	mutex_unlock(&unit->priq.lock);
}

void smmu_priq_init(struct smmu_unit *unit)
{
	mutex_init(&unit->priq.lock);
	unit->priq.prod_reg = SMMUV3_PRIQ_PROD;
	unit->priq.cons_reg = SMMUV3_PRIQ_CONS;
	unit->priq.record = smmu_page_request;
	unit->priq.lost = smmu_page_requests_lost;
}

/* How much devices may ask for at once, once the queues are there. */
void smmu_priq_announce(struct smmu_unit *unit)
{
	unsigned int max = FIELD_GET(SMMUV3_IDR5_STALL_MAX, unit->idr[5]);
	unsigned int entries = 1U << unit->priq.log2;

	if (unit->priq.ring)
		unit->base.page_requests = entries - entries / SMMU_PRIQ_SPARE;
	if (smmu_stall_choice(unit))
		unit->base.stalls = min_not_zero(max, 1U << unit->evtq.log2);
}

/* --- what the core asks for ------------------------------------------------- */

/**
 * smmu_pri_capable - see iommufd_sva_backend_ops
 * @master: the device
 *
 * Of PCI devices those alone may stall of which firmware, or a quirk of the kernel's, says
 * so: integrated ones that are PCI in name (16.4). A quirk may say so after the device has
 * joined. One that has ATS asks instead. An answer is for one stream, that of the device
 * itself.
 */
bool smmu_pri_capable(struct iommufd_sva_master *master)
{
	struct smmu_unit *unit = to_smmu_unit(master->unit);

	if (master->num_rids != 1)
		return false;
	master->pri.stall = unit->base.stalls && !master->ats.supported &&
			    device_property_read_bool(master->dev, "dma-can-stall");
	return master->pri.stall || unit->base.page_requests;
}

/**
 * smmu_pri_set - see iommufd_sva_backend_ops
 * @master: the device
 * @on: its page requests are going to come, or it may stall; else, which does not fail,
 *	not any more
 *
 * What there is to tell the unit about a device is with which PASID it answers page requests
 * by itself.
 *
 * Return: 0; -EIO when the hardware does not answer.
 */
int smmu_pri_set(struct iommufd_sva_master *master, bool on)
{
	struct smmu_master *sm = to_smmu_master(master);
	struct smmu_unit *unit = sm->unit;
	struct smmuv3_host host;
	int rc;

	if (on && !master->pri.stall)
		smmu_pri_drain(master);
	mutex_lock(&unit->lock);
	host = sm->host;
	/* PPAR is reserved where there are no PASIDs (5.2). */
	host.ppar = on && master->pri.response_pasid && unit->base.pasid_bits;
	host.stall = on && master->pri.stall;
	sm->stalls |= host.stall;
	rc = smmu_master_set_host(sm, &host);
	if (rc && on) {
		host.ppar = false;
		host.stall = false;
		smmu_master_set_host(sm, &host);
	}
	spin_lock(&unit->streams_lock);
	sm->asks = on && !rc && !master->pri.stall;
	spin_unlock(&unit->streams_lock);
	mutex_unlock(&unit->lock);
	/* What has stalled until now must not reach who may have them stall next. */
	if (!on && master->pri.stall)
		smmu_pri_drain(master);
	return on ? rc : 0;
}

/**
 * smmu_pri_drain - see iommufd_sva_backend_ops
 * @master: the device
 *
 * What stalls under an entry that is not any more is in the event queue since the
 * CMD_SYNC after that has completed.
 *
 * A page request is a posted message, as is what a device answers an invalidation with, and
 * that does not pass it: so what it sent before has arrived at the unit when CMD_SYNC says
 * that it has answered. That the record can be read then is not said anywhere: 4.7.3 speaks of
 * events alone. But the unit writes records in the order in which messages come, and nothing
 * else can be asked. Of a device that is one function the core asks PRI_STATUS.Stopped, too.
 */
void smmu_pri_drain(struct iommufd_sva_master *master)
{
	struct smmu_master *sm = to_smmu_master(master);
	struct smmu_unit *unit = sm->unit;

	if (master->pri.stall) {
		smmu_inq_flush(unit, &unit->evtq);
		return;
	}
	mutex_lock(&unit->lock);
	smmu_atc_flush(sm);
	mutex_unlock(&unit->lock);
	smmu_inq_flush(unit, &unit->priq);
}

/**
 * smmu_stall_term - whatever still stalls of a device is terminated
 * @sm: the device, whose entry terminates all that comes, and the hardware knows
 *
 * What the event queue says is answered first: CMD_STALL_TERM gives STAGs back to the unit,
 * and nothing is to be answered by them after that (4.7.1, 4.7.2.1).
 *
 * Context: under master->lock, which keeps the entry as it is; not under unit->lock.
 */
void smmu_stall_term(struct smmu_master *sm)
{
	struct smmuv3_cmd term = smmuv3_make_stall_term(sm->sids[0]);
	struct smmu_unit *unit = sm->unit;

	lockdep_assert_held(&sm->base->lock);
	if (!sm->stalls)
		return;
	smmu_inq_flush(unit, &unit->evtq);
	mutex_lock(&unit->lock);
	if (!smmu_cmdq_submit(unit, &term, 1))
		sm->stalls = sm->host.stall;
	mutex_unlock(&unit->lock);
}

static struct smmuv3_cmd smmu_make_answer(const struct iommufd_sva_page_response *response)
{
	u32 sid = to_smmu_master(response->master)->sids[0], ssid = SMMUV3_NO_SSID;
	bool success = response->code == IOMMUFD_SVA_PAGE_RESP_SUCCESS;

	if (response->stall)
		return smmuv3_make_resume(sid, response->grpid,
					  success ? SMMUV3_RESUME_RETRY : SMMUV3_RESUME_ABORT);
	if (response->master->pri.response_pasid && response->pasid != IOMMUFD_SVA_NO_PASID)
		ssid = response->pasid;
	return smmuv3_make_pri_resp(sid, ssid, response->grpid,
				    success ? SMMUV3_PRI_SUCCESS : SMMUV3_PRI_FAIL);
}

/**
 * smmu_page_respond - see iommufd_sva_backend_ops
 * @base: the unit
 * @responses: the answers
 * @num: how many
 *
 * What stalls waits in the unit, whether its device is there still or not.
 */
void smmu_page_respond(struct iommufd_sva_unit *base,
		       const struct iommufd_sva_page_response *responses, unsigned int num)
{
	struct smmu_unit *unit = to_smmu_unit(base);
	struct smmu_answers *answers = &unit->answers;
	unsigned int some = 0, i;

	atomic64_add(num, &unit->requests.answers);
	mutex_lock(&answers->lock);
	for (i = 0; i < num; i++) {
		if (!responses[i].stall && iommufd_sva_master_is_gone(responses[i].master))
			continue;
		if (some == SMMU_ANSWERS_MAX) {
			smmu_send_answers(unit, answers->cmds, some);
			some = 0;
		}
		answers->cmds[some++] = smmu_make_answer(&responses[i]);
	}
	smmu_send_answers(unit, answers->cmds, some);
	mutex_unlock(&answers->lock);
}
