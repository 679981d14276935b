// SPDX-License-Identifier: GPL-2.0-only
/*
 * Masters: devices that are adopted, and what they are set to.
 *
 * What the IOMMU core attaches (identity, blocked, VFIO's domain) is a master's
 * base; what a user attaches through /dev/iommufd_sva is an overlay on it. The
 * hardware is shown one of them, or blocked. VFIO of new kernels attaches
 * blocked and then the same domain again around each reset: that suspends an
 * overlay and brings it back. Anything else that the IOMMU core attaches means
 * that the device has changed hands, and ends it.
 *
 * That is for requests without a PASID. What is attached to PASIDs has no base:
 * requests with any other are blocked. It is suspended, brought back and ended
 * with the overlay.
 *
 * ATS is on while anything of a user's is shown, VFIO's domain or what is attached
 * here, and is suspended with it. Page requests are on while something with a fault
 * queue is: routes (page_request.c) follow what is attached, and lead nowhere while it
 * is suspended.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "host.h"
#include "page_request.h"
#include "trace.h"

/*
 * Protects masters_list and, in each master, what host.h says is its. Taken in
 * the IOMMU core's callbacks; inside it only set->lock and master->lock.
 */
static DEFINE_MUTEX(masters_lock);
static LIST_HEAD(masters_list);

static struct iommufd_sva_master *find_master(struct device *dev)
{
	struct iommufd_sva_master *master;

	lockdep_assert_held(&masters_lock);
	list_for_each_entry(master, &masters_list, node)
		if (master->dev == dev)
			return master;
	return NULL;
}

/**
 * iommufd_sva_lock_master - look a device up and keep it
 * @dev: the device, from the IOMMU core
 *
 * Kernel 6.1 releases a device before it takes it out of its group, and may
 * call us about it in between: dev_iommu_priv_get() is not to be trusted.
 *
 * Return: its master, until iommufd_sva_unlock_master(); NULL, with nothing to
 * unlock, when it is gone
 */
struct iommufd_sva_master *iommufd_sva_lock_master(struct device *dev)
{
	struct iommufd_sva_master *master;

	mutex_lock(&masters_lock);
	master = find_master(dev);
	if (!master)
		mutex_unlock(&masters_lock);
	return master;
}

void iommufd_sva_unlock_master(void)
{
	mutex_unlock(&masters_lock);
}

void iommufd_sva_visit_masters(iommufd_sva_master_fn fn, void *data)
{
	struct iommufd_sva_master *master;

	mutex_lock(&masters_lock);
	list_for_each_entry(master, &masters_list, node)
		fn(master, data);
	mutex_unlock(&masters_lock);
}

/* --- what a master is set to ------------------------------------------- */

/*
 * The part of a master that changes as one. @has_pasids: some PASID is attached.
 * @has_route: page requests without a PASID have somebody, if @overlay has a fault queue:
 * who was bound when its group was attached.
 */
struct setting {
	struct iommufd_sva_translation base;
	struct iommufd_sva_translation overlay;
	bool has_overlay;
	bool has_route;
	bool has_pasids;
	bool suspended;
	bool quarantined;
};

static struct setting get_setting(struct iommufd_sva_master *master)
{
	return (struct setting){
		.base = master->base,
		.overlay = master->overlay,
		.has_overlay = master->has_overlay,
		.has_pasids = !xa_empty(&master->pasids),
		.has_route = iommufd_sva_has_route(master, IOMMUFD_SVA_NO_PASID),
		.suspended = master->suspended,
		.quarantined = master->quarantined,
	};
}

static const struct iommufd_sva_translation blocked;

static bool is_stopped(const struct setting *s)
{
	return s->quarantined || s->suspended;
}

/* What the hardware is to do with the requests of a master set to @s. */
static struct iommufd_sva_translation shown(const struct setting *s)
{
	if (is_stopped(s))
		return blocked;
	return s->has_overlay ? s->overlay : s->base;
}

/* Does it look at what is attached to PASIDs? */
static bool shows_pasids(const struct setting *s)
{
	return s->has_pasids && !is_stopped(s);
}

/* Do requests go through anything of a user's that a device may keep? */
static bool wants_ats(const struct setting *s)
{
	struct iommufd_sva_translation rid = shown(s);

	switch (rid.type) {
	case IOMMUFD_SVA_TRANS_BLOCKED:
		return shows_pasids(s);
	case IOMMUFD_SVA_TRANS_IDENTITY:
		return false;
	case IOMMUFD_SVA_TRANS_STAGE2:
		return true;
	case IOMMUFD_SVA_TRANS_NESTED:
		return !rid.nested->no_ats;
	}
	return false;
}

/* Is somebody there who answers page requests, and may the device have any? */
static bool wants_pri(struct iommufd_sva_master *master, const struct setting *s)
{
	return !is_stopped(s) && iommufd_sva_has_routes(master) &&
	       (wants_ats(s) || master->pri.stall);
}

/* Off: what has begun will not end. */
static void stop_pri(struct iommufd_sva_master *master)
{
	if (!master->pri.on)
		return;
	iommufd_sva_pri_set(master, false);
	iommufd_sva_page_requests_forget(master);
}

/* What is shown has changed: page requests are on only while ATS is. */
static void update_ats(struct iommufd_sva_master *master)
{
	struct setting s = get_setting(master);
	bool pri = wants_pri(master, &s);

	if (!pri)
		stop_pri(master);
	iommufd_sva_ats_set(master, wants_ats(&s));
	if (pri)
		iommufd_sva_pri_set(master, true);
}

/* Page requests that were on their way when a route was taken away find none. */
static void drain_pri(struct iommufd_sva_master *master)
{
	if (master->pri.on)
		master->unit->backend->ops->pri_drain(master);
}

/* Has the device the page requests that it should have? 0, or why not. */
static int check_pri(struct iommufd_sva_master *master)
{
	struct setting s = get_setting(master);

	return wants_pri(master, &s) && !master->pri.on ? master->pri.error : 0;
}

static bool same_translation(const struct iommufd_sva_translation *a,
			     const struct iommufd_sva_translation *b)
{
	return a->type == b->type && a->domain == b->domain &&
	       a->nested == b->nested;
}

/*
 * A master off identity holds its backend: unloading that would take the tables
 * from under the device. Fails once the backend is on its way out.
 */
static int pin_backend(struct iommufd_sva_master *master)
{
	if (master->pinned)
		return 0;
	if (!try_module_get(master->unit->backend->owner))
		return -ENODEV;
	master->pinned = true;
	return 0;
}

static void unpin_backend(struct iommufd_sva_master *master)
{
	if (master->pinned)
		module_put(master->unit->backend->owner);
	master->pinned = false;
}

/* Is a domain of VFIO's hidden behind another stage 2 while @s stands? */
static bool lies_over(const struct setting *s)
{
	return s->has_overlay && s->base.domain &&
	       s->base.domain != s->overlay.domain;
}

/* The MSI doorbells that the device of @s uses are mapped in what it is shown. */
static int link_msis(const struct setting *s)
{
	return lies_over(s) ?
	       iommufd_sva_msi_link(s->base.domain, s->overlay.domain) : 0;
}

static void unlink_msis(const struct setting *s)
{
	if (lies_over(s))
		iommufd_sva_msi_unlink(s->base.domain, s->overlay.domain);
}

/* Make the hardware do @new instead of @old. */
static int show(struct iommufd_sva_master *master, u32 pasid,
		const struct iommufd_sva_translation *new,
		const struct iommufd_sva_translation *old)
{
	int rc;

	if (same_translation(old, new))
		return 0;
	/* Through reset or by its last user: on again, if it is off. */
	iommufd_sva_acs_reassert(to_pci_dev(master->dev));
	rc = master->unit->backend->ops->set_translation(master, pasid, new, old);
	trace_attach(master, pasid, old->type, new->type, rc);
	return rc;
}

/*
 * The same for requests without a PASID, none of which is shown if it is identity.
 * Nothing of that may get into the device's cache, which nobody would look after.
 */
static int show_rid(struct iommufd_sva_master *master,
		    const struct iommufd_sva_translation *new,
		    const struct iommufd_sva_translation *old)
{
	if (new->type == IOMMUFD_SVA_TRANS_IDENTITY && master->ats.on) {
		show(master, IOMMUFD_SVA_NO_PASID, &blocked, old);
		stop_pri(master);
		iommufd_sva_ats_set(master, false);
		old = &blocked;
	}
	return show(master, IOMMUFD_SVA_NO_PASID, new, old);
}

/* Blocking fails only when the hardware does not answer, and its backend says so. */
static void hide_pasids(struct iommufd_sva_master *master)
{
	struct iommufd_sva_translation *trans;
	unsigned long pasid;

	xa_for_each(&master->pasids, pasid, trans)
		show(master, pasid, &blocked, trans);
}

/* No route leads from @pasid of @master any more. */
static void end_route(struct iommufd_sva_master *master, u32 pasid)
{
	struct iommufd_sva_route none = { .pasid = pasid };

	iommufd_sva_route_set(master, &none);
}

/* One that cannot be shown again is off, as with the overlay (see resume()). */
static void show_pasids(struct iommufd_sva_master *master)
{
	struct iommufd_sva_translation *trans;
	unsigned long pasid;

	xa_for_each(&master->pasids, pasid, trans) {
		if (!show(master, pasid, trans, &blocked))
			continue;
		dev_info(master->dev,
			 "iommufd_sva: what was attached to PASID %lu through /dev/iommufd_sva is off: no memory, or it does not fit\n",
			 pasid);
		end_route(master, pasid);
		xa_erase(&master->pasids, pasid);
	}
}

static void forget_pasids(struct iommufd_sva_master *master)
{
	struct iommufd_sva_translation *trans;
	unsigned long pasid;

	xa_for_each(&master->pasids, pasid, trans) {
		end_route(master, pasid);
		xa_erase(&master->pasids, pasid);
	}
}

/*
 * Requests without a PASID are going to @next from @now: page requests find nobody if
 * nothing is left that they could be for, and else wait until it is clear who answers.
 */
static void silence(struct iommufd_sva_master *master, const struct setting *next,
		    const struct setting *now)
{
	struct iommufd_sva_translation new = shown(next);

	if (is_stopped(next) || (shows_pasids(now) && !next->has_pasids))
		iommufd_sva_page_requests_stop(master);
	else if (new.type == IOMMUFD_SVA_TRANS_BLOCKED ||
		 new.type == IOMMUFD_SVA_TRANS_IDENTITY)
		end_route(master, IOMMUFD_SVA_NO_PASID);
	iommufd_sva_page_requests_hold(master);
}

static bool same_overlay(const struct setting *a, const struct setting *b)
{
	return a->has_overlay == b->has_overlay &&
	       (!a->has_overlay || same_translation(&a->overlay, &b->overlay));
}

/*
 * What is attached to requests without a PASID is @next's, was @now's. The same again
 * keeps what it has asked for, unless its user has another name for the device by now.
 */
static void set_rid_route(struct iommufd_sva_master *master, struct iommufd_sva_route *route,
			  const struct setting *next, const struct setting *now)
{
	if (same_overlay(next, now) && now->has_route == !!route->share)
		iommufd_sva_route_cancel(master, route);
	else
		iommufd_sva_route_set(master, route);
}

/* Take @master to @next, or leave all as it is. */
static int set_setting(struct iommufd_sva_master *master,
		       const struct setting *next)
{
	struct setting now = get_setting(master);
	struct iommufd_sva_translation old = shown(&now), new = shown(next);
	bool home = new.type == IOMMUFD_SVA_TRANS_IDENTITY;
	bool hide = shows_pasids(&now) && !shows_pasids(next);
	struct iommufd_sva_route route;
	int rc;

	lockdep_assert_held(&master->lock);

	if (!home) {
		rc = pin_backend(master);
		if (rc)
			return rc;
	}
	rc = link_msis(next);
	if (rc)
		goto err_unpin;
	rc = iommufd_sva_route_prepare(master, IOMMUFD_SVA_NO_PASID,
				       next->has_route ? &next->overlay : NULL, &route);
	if (rc)
		goto err_unlink;
	silence(master, next, &now);
	if (hide)
		hide_pasids(master);
	rc = show_rid(master, &new, &old);
	if (rc)
		goto err_show_pasids;

	master->base = next->base;
	master->overlay = next->overlay;
	master->has_overlay = next->has_overlay;
	master->suspended = next->suspended;
	master->quarantined = next->quarantined;
	unlink_msis(&now);
	set_rid_route(master, &route, next, &now);
	if (!next->has_pasids)
		forget_pasids(master);
	else if (!shows_pasids(&now) && shows_pasids(next))
		show_pasids(master);
	/* Before page requests are off, which waits for the answers to what was held. */
	if (!is_stopped(next))
		iommufd_sva_page_requests_go(master);
	update_ats(master);
	if (now.has_route && !iommufd_sva_has_route(master, IOMMUFD_SVA_NO_PASID))
		drain_pri(master);
	iommufd_sva_page_requests_trim(master);
	if (home)
		unpin_backend(master);
	return 0;

err_show_pasids:
	if (hide)
		show_pasids(master);
	if (!is_stopped(&now))
		iommufd_sva_page_requests_go(master);
	update_ats(master);
	iommufd_sva_route_cancel(master, &route);
err_unlink:
	iommufd_sva_page_requests_trim(master);
	unlink_msis(next);
err_unpin:
	if (old.type == IOMMUFD_SVA_TRANS_IDENTITY)
		unpin_backend(master);
	return rc;
}

static void end_overlay(struct iommufd_sva_master *master, struct setting *s)
{
	if (!s->has_overlay && !s->has_pasids)
		return;
	dev_info(master->dev,
		 "iommufd_sva: its owner attached another domain: what was attached through /dev/iommufd_sva is off\n");
	s->has_overlay = false;
	s->has_route = false;
	s->has_pasids = false;
}

/*
 * A suspended master whose domain comes back. If the overlay cannot be shown
 * again the device gets what the IOMMU core believes it has.
 */
static int resume(struct iommufd_sva_master *master, struct setting *s)
{
	int rc;

	s->suspended = false;
	rc = set_setting(master, s);
	if (rc && s->has_overlay) {
		end_overlay(master, s);
		rc = set_setting(master, s);
	}
	return rc;
}

static int attach_base(struct iommufd_sva_master *master,
		       const struct iommufd_sva_translation *base)
{
	struct setting s = get_setting(master);
	bool first = !master->joined;
	int rc;

	lockdep_assert_held(&master->lock);

	if (base->type == IOMMUFD_SVA_TRANS_BLOCKED &&
	    s.base.type == IOMMUFD_SVA_TRANS_STAGE2) {
		s.suspended = true;
		return set_setting(master, &s);
	}
	if (s.suspended && same_translation(&s.base, base))
		return resume(master, &s);

	end_overlay(master, &s);
	s.suspended = false;
	s.base = *base;
	rc = set_setting(master, &s);
	if (rc)
		return rc;
	master->joined = true;
	/* A device that joins a set takes nothing from anybody. */
	if (!first)
		atomic_inc(&master->set->epoch);
	return 0;
}

/**
 * iommufd_sva_master_attach - the IOMMU core attaches a domain
 * @master: the device; the core holds its group's mutex
 * @domain: identity, blocked or a paging domain
 *
 * Return: 0, and for blocked and identity always so while the backend stays;
 * -EPERM for a device that firmware wants left alone; -EINVAL for a domain that
 * does not fit; -ENODEV when the backend is being unloaded; -ENOMEM
 */
int iommufd_sva_master_attach(struct iommufd_sva_master *master,
			      struct iommu_domain *domain)
{
	struct iommufd_sva_translation base = iommufd_sva_translation_of(domain);
	const char *keep;
	int rc;

	if (base.domain && base.domain->backend != master->unit->backend)
		return -EINVAL;

	mutex_lock(&master->lock);
	keep = READ_ONCE(master->set->keep_identity);
	if (keep && base.type != IOMMUFD_SVA_TRANS_IDENTITY)
		rc = -EPERM;
	else
		rc = attach_base(master, &base);
	mutex_unlock(&master->lock);
	if (rc == -EPERM)
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: cannot be given to a user: %s\n",
				     keep);
	return rc;
}

/**
 * iommufd_sva_set_keep_identity - never give a set to a user
 * @set: the set
 * @why: for the log
 *
 * Against attaches that go on: whichever of the two has a master's lock second
 * sees what the first did.
 *
 * Return: 0, or -EBUSY when one of its devices is off identity
 */
int iommufd_sva_set_keep_identity(struct iommufd_sva_set *set, const char *why)
{
	struct iommufd_sva_master *master;
	bool away = false;

	mutex_lock(&set->lock);
	if (set->keep_identity)
		goto out;
	WRITE_ONCE(set->keep_identity, why);
	list_for_each_entry(master, &set->masters, set_item) {
		mutex_lock(&master->lock);
		away |= master->base.type != IOMMUFD_SVA_TRANS_IDENTITY;
		mutex_unlock(&master->lock);
	}
	if (away)
		WRITE_ONCE(set->keep_identity, NULL);
out:
	mutex_unlock(&set->lock);
	return away ? -EBUSY : 0;
}

/*
 * A domain of VFIO's goes. A master that was suspended on it cannot come back to
 * it, and another domain at the same address must not be taken for it.
 */
void iommufd_sva_masters_forget_domain(struct iommufd_sva_domain *domain)
{
	struct iommufd_sva_master *master;
	struct setting s;

	mutex_lock(&masters_lock);
	list_for_each_entry(master, &masters_list, node) {
		mutex_lock(&master->lock);
		s = get_setting(master);
		if (s.base.domain == domain) {
			end_overlay(master, &s);
			memset(&s.base, 0, sizeof(s.base));
			s.suspended = false;
			/* Suspended and this are blocked alike: cannot fail. */
			WARN_ON(set_setting(master, &s));
			atomic_inc(&master->set->epoch);
		}
		mutex_unlock(&master->lock);
	}
	mutex_unlock(&masters_lock);
}

/* May a user whose epoch is @epoch attach @trans to @master, which is set to @s? */
static int check_user(struct iommufd_sva_master *master, const struct setting *s,
		      int epoch, const struct iommufd_sva_translation *trans)
{
	if (atomic_read(&master->set->epoch) != epoch || s->quarantined ||
	    s->base.type == IOMMUFD_SVA_TRANS_IDENTITY)
		return -ENODEV;
	/* What VFIO maps is for its own devices, and for as long as they are. */
	if (trans->domain->host && trans->domain != s->base.domain)
		return READ_ONCE(trans->domain->gone) ? -ENODEV : -EINVAL;
	/* One that its user has not bound is not asked for: it cannot be named. */
	if (trans->fault && master->dev_id && !master->pri.supported) {
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: nothing with a fault queue can be attached: its page requests cannot be had\n");
		return -ENODEV;
	}
	return 0;
}

/* Show @s again, which was shown before; if that cannot be had, nothing. */
static void go_back(struct iommufd_sva_master *master, struct setting *s)
{
	if (!set_setting(master, s))
		return;
	dev_err(master->dev,
		"iommufd_sva: cannot go back to its owner's domain: DMA is blocked, close the device\n");
	memset(&s->base, 0, sizeof(s->base));
	s->has_overlay = false;
	s->has_route = false;
	s->has_pasids = false;
	WARN_ON(set_setting(master, s));
	atomic_inc(&master->set->epoch);
}

static int set_master_overlay(struct iommufd_sva_master *master, int epoch,
			      const struct iommufd_sva_translation *overlay)
{
	struct setting s, old;
	int rc;

	mutex_lock(&master->lock);
	old = get_setting(master);
	s = old;
	rc = check_user(master, &s, epoch, overlay);
	if (!rc) {
		s.has_overlay = true;
		s.has_route = true;
		s.overlay = *overlay;
		rc = set_setting(master, &s);
	}
	if (!rc) {
		rc = check_pri(master);
		if (rc)
			go_back(master, &old);
	}
	mutex_unlock(&master->lock);
	return rc;
}

static void clear_master_overlay(struct iommufd_sva_master *master)
{
	struct setting s;

	mutex_lock(&master->lock);
	s = get_setting(master);
	if (s.has_overlay) {
		s.has_overlay = false;
		s.has_route = false;
		go_back(master, &s);
	}
	mutex_unlock(&master->lock);
}

/**
 * iommufd_sva_set_overlay - show an overlay on every device of a set
 * @set: the set
 * @epoch: the set's when its user took it
 * @overlay: what to show, in place of what is shown now
 *
 * All or nothing: when one refuses, those before it go back to what they had.
 *
 * Return: 0; -ENODEV when the set has changed hands since, or VFIO has freed the
 * domain; what iommufd_sva_pri_set() says; what the backend says, -EINVAL for a domain
 * that does not fit
 */
int iommufd_sva_set_overlay(struct iommufd_sva_set *set, int epoch,
			    const struct iommufd_sva_translation *overlay)
{
	struct iommufd_sva_translation old = {};
	struct iommufd_sva_master *master, *failed;
	bool had_old = false;
	int rc = 0;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item) {
		/* One overlay for the set: a late joiner alone has none. */
		if (!had_old && master->has_overlay) {
			had_old = true;
			old = master->overlay;
		}
	}
	list_for_each_entry(master, &set->masters, set_item) {
		if (master->going)
			continue;
		rc = set_master_overlay(master, epoch, overlay);
		if (rc)
			break;
	}
	if (!rc)
		goto out_unlock;

	failed = master;
	list_for_each_entry(master, &set->masters, set_item) {
		if (master == failed)
			break;
		if (!had_old || set_master_overlay(master, epoch, &old))
			clear_master_overlay(master);
	}
out_unlock:
	mutex_unlock(&set->lock);
	return rc;
}

/* Every device of @set back to its base. */
void iommufd_sva_clear_overlay(struct iommufd_sva_set *set)
{
	struct iommufd_sva_master *master;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item)
		clear_master_overlay(master);
	mutex_unlock(&set->lock);
}

/* Make @pasid show @trans instead of @old, NULL: nothing; there is room for it. */
static int replace_pasid(struct iommufd_sva_master *master, u32 pasid, bool visible,
			 const struct iommufd_sva_translation *trans,
			 const struct iommufd_sva_translation *old)
{
	bool had_route = iommufd_sva_has_route(master, pasid);
	struct iommufd_sva_route route;
	int rc;

	rc = iommufd_sva_route_prepare(master, pasid, trans, &route);
	if (rc)
		goto out_trim;
	if (visible) {
		iommufd_sva_page_requests_hold(master);
		rc = show(master, pasid, trans, old ?: &blocked);
	}
	if (!rc)
		xa_store(&master->pasids, pasid, (void *)trans, GFP_KERNEL);
	if (rc || (old == trans && had_route == !!route.share))
		iommufd_sva_route_cancel(master, &route);
	else
		iommufd_sva_route_set(master, &route);
	if (visible)
		iommufd_sva_page_requests_go(master);
	update_ats(master);
	if (had_route && !iommufd_sva_has_route(master, pasid))
		drain_pri(master);
out_trim:
	iommufd_sva_page_requests_trim(master);
	return rc;
}

static void clear_pasid_locked(struct iommufd_sva_master *master, u32 pasid)
{
	bool had_route = iommufd_sva_has_route(master, pasid);
	struct setting s = get_setting(master);
	struct iommufd_sva_translation *old;

	lockdep_assert_held(&master->lock);
	end_route(master, pasid);
	old = xa_erase(&master->pasids, pasid);
	if (old && shows_pasids(&s))
		show(master, pasid, &blocked, old);
	update_ats(master);
	if (had_route)
		drain_pri(master);
	iommufd_sva_page_requests_trim(master);
}

static int set_pasid_locked(struct iommufd_sva_master *master, u32 pasid, bool visible,
			    const struct iommufd_sva_translation *trans)
{
	const struct iommufd_sva_translation *old = xa_load(&master->pasids, pasid);
	int rc = 0;

	lockdep_assert_held(&master->lock);
	/* Room first: nothing may fail once the hardware shows it. */
	if (!old)
		rc = xa_reserve(&master->pasids, pasid, IOMMUFD_SVA_GFP_USER);
	if (rc)
		return rc;
	rc = replace_pasid(master, pasid, visible, trans, old);
	if (!rc) {
		rc = check_pri(master);
		/* It was shown before: if it cannot be again it is off, as after a reset. */
		if (rc && (!old || replace_pasid(master, pasid, visible, old, trans)))
			clear_pasid_locked(master, pasid);
	}
	if (rc && !old)
		xa_release(&master->pasids, pasid);
	return rc;
}

/**
 * iommufd_sva_master_set_pasid - attach something to a PASID, or replace it
 * @master: the device
 * @epoch: its set's when its user took it
 * @pasid: one that the device has
 * @trans: what to show; stays until it is replaced or cleared
 *
 * Return: 0; -ENODEV when the set has changed hands since, VFIO has freed the domain, or
 * the device cannot have the page requests that @trans has a fault queue for; -ENOMEM;
 * what iommufd_sva_pri_set() says; what the backend says, -EINVAL for a domain that does
 * not fit
 */
int iommufd_sva_master_set_pasid(struct iommufd_sva_master *master, int epoch, u32 pasid,
				 const struct iommufd_sva_translation *trans)
{
	struct setting s;
	int rc;

	mutex_lock(&master->lock);
	s = get_setting(master);
	rc = check_user(master, &s, epoch, trans);
	if (!rc)
		rc = set_pasid_locked(master, pasid, !is_stopped(&s), trans);
	mutex_unlock(&master->lock);
	return rc;
}

/* Block @pasid, if its owner has not ended what was attached to it. */
void iommufd_sva_master_clear_pasid(struct iommufd_sva_master *master, u32 pasid)
{
	mutex_lock(&master->lock);
	clear_pasid_locked(master, pasid);
	mutex_unlock(&master->lock);
}

/* Page requests without a PASID of @master have nobody, whatever its group shows. */
static void end_rid_route(struct iommufd_sva_master *master)
{
	bool had_route = iommufd_sva_has_route(master, IOMMUFD_SVA_NO_PASID);

	end_route(master, IOMMUFD_SVA_NO_PASID);
	update_ats(master);
	if (had_route)
		drain_pri(master);
	iommufd_sva_page_requests_trim(master);
}

/* Its user calls @master @id from here on; 0: has it no more. Nothing is attached. */
void iommufd_sva_master_set_dev_id(struct iommufd_sva_master *master, u32 id)
{
	mutex_lock(&master->lock);
	master->dev_id = id;
	if (id)
		iommufd_sva_pri_find(master);
	iommufd_sva_page_requests_rename(master);
	end_rid_route(master);
	mutex_unlock(&master->lock);
}

/* Its user has detached @master; its group stays attached, for others of it. */
void iommufd_sva_master_end_page_requests(struct iommufd_sva_master *master)
{
	mutex_lock(&master->lock);
	end_rid_route(master);
	mutex_unlock(&master->lock);
}

/* @dev alone, which is leaving the set. */
void iommufd_sva_master_clear(struct iommufd_sva_set *set, struct device *dev)
{
	struct iommufd_sva_master *master;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item)
		if (master->dev == dev)
			clear_master_overlay(master);
	mutex_unlock(&set->lock);
}

/* Is a paging domain of the IOMMU core's attached to the whole of @set? */
bool iommufd_sva_set_in_stage2(struct iommufd_sva_set *set)
{
	struct iommufd_sva_master *master;
	bool all = true;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item) {
		mutex_lock(&master->lock);
		all &= master->base.type == IOMMUFD_SVA_TRANS_STAGE2;
		mutex_unlock(&master->lock);
	}
	mutex_unlock(&set->lock);
	return all;
}

/**
 * iommufd_sva_set_get_base_domain - the domain that VFIO has attached to a set
 * @set: the set
 * @epoch: the set's when its user took it
 *
 * Return: the domain with a reference; ERR_PTR(-ENODEV) when there is none any
 * more
 */
struct iommufd_sva_domain *
iommufd_sva_set_get_base_domain(struct iommufd_sva_set *set, int epoch)
{
	struct iommufd_sva_domain *domain = NULL;
	struct iommufd_sva_master *master;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item) {
		mutex_lock(&master->lock);
		/* Until it is taken off here it is not freed. */
		if (atomic_read(&set->epoch) == epoch && master->base.domain) {
			domain = master->base.domain;
			kref_get(&domain->ref);
		}
		mutex_unlock(&master->lock);
		if (domain)
			break;
	}
	mutex_unlock(&set->lock);
	return domain ?: ERR_PTR(-ENODEV);
}

struct iommufd_sva_master *
iommufd_sva_set_find_master(struct iommufd_sva_set *set, struct device *dev)
{
	struct iommufd_sva_master *master, *found = NULL;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item)
		if (master->dev == dev)
			found = master;
	mutex_unlock(&set->lock);
	return found;
}

/*
 * Can a request of some device of @set carry an ID that others may use too? Those
 * cannot be told apart, and a guest's tables are for one device's requests.
 */
bool iommufd_sva_set_has_aliases(struct iommufd_sva_set *set)
{
	struct iommufd_sva_master *master;
	bool has = false;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item)
		has |= master->num_rids > 1;
	mutex_unlock(&set->lock);
	return has;
}

/*
 * Block @dev (all of @set if NULL) for good: it may still hold what a user told
 * it to do.
 */
void iommufd_sva_set_quarantine(struct iommufd_sva_set *set, struct device *dev)
{
	struct iommufd_sva_master *master;
	struct setting s;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item) {
		if (dev && master->dev != dev)
			continue;
		mutex_lock(&master->lock);
		s = get_setting(master);
		s.has_overlay = false;
		s.has_route = false;
		s.has_pasids = false;
		s.quarantined = true;
		WARN_ON(set_setting(master, &s));
		mutex_unlock(&master->lock);
	}
	mutex_unlock(&set->lock);
}

/* --- their lives ------------------------------------------------------- */

void iommufd_sva_set_free(struct kref *ref)
{
	struct iommufd_sva_set *set =
		container_of(ref, struct iommufd_sva_set, ref);

	iommu_group_put(set->group);
	mutex_destroy(&set->lock);
	kfree(set);
}

/**
 * iommufd_sva_master_create - a device is about to be adopted
 * @set: the set it joins
 * @dev: the device; its device_lock is held and it has no driver
 *
 * The hardware passes its requests through, before and after.
 *
 * Return: the master, or an ERR_PTR: -E2BIG with too many requester IDs,
 * -ENOMEM, what the backend says
 */
struct iommufd_sva_master *
iommufd_sva_master_create(struct iommufd_sva_set *set, struct device *dev)
{
	struct iommufd_sva_master *master;
	int rc;

	master = kzalloc(sizeof(*master), GFP_KERNEL);
	if (!master)
		return ERR_PTR(-ENOMEM);
	master->dev = dev;
	master->unit = set->unit;
	master->base.type = IOMMUFD_SVA_TRANS_IDENTITY;
	mutex_init(&master->lock);
	xa_init(&master->pasids);
	INIT_LIST_HEAD(&master->vsids);
	spin_lock_init(&master->name_lock);
	master->set = set;
	master->pending = true;

	rc = iommufd_sva_rids(to_pci_dev(dev), master->rids);
	if (rc < 0)
		goto err_free;
	master->num_rids = rc;
	rc = iommufd_sva_pf_get(master);
	if (rc)
		goto err_free;
	iommufd_sva_pf_pasids(master);
	iommufd_sva_ats_init(master);
	iommufd_sva_pri_find(master);
	rc = set->unit->backend->ops->master_init(master);
	if (rc)
		goto err_pri;

	kref_get(&set->ref);
	mutex_lock(&masters_lock);
	list_add_tail(&master->node, &masters_list);
	mutex_lock(&set->lock);
	list_add_tail(&master->set_item, &set->masters);
	mutex_unlock(&set->lock);
	mutex_unlock(&masters_lock);
	return master;

err_pri:
	iommufd_sva_pri_release(master);
	iommufd_sva_pf_put(master);
err_free:
	mutex_destroy(&master->lock);
	kfree(master);
	return ERR_PTR(rc);
}

static void master_free(struct iommufd_sva_master *master)
{
	struct iommufd_sva_set *set = master->set;
	struct setting s;

	mutex_lock(&masters_lock);
	list_del(&master->node);
	mutex_lock(&set->lock);
	list_del(&master->set_item);
	mutex_unlock(&set->lock);
	mutex_unlock(&masters_lock);

	mutex_lock(&master->lock);
	s = get_setting(master);
	s.base = (struct iommufd_sva_translation){
		.type = IOMMUFD_SVA_TRANS_IDENTITY,
	};
	s.has_overlay = false;
	s.has_route = false;
	s.has_pasids = false;
	s.suspended = false;
	WARN_ON(set_setting(master, &s));
	mutex_unlock(&master->lock);

	master->unit->backend->ops->master_release(master, master->quarantined);
	WARN_ON(rcu_access_pointer(master->requests));
	iommufd_sva_pri_release(master);
	iommufd_sva_pf_put(master);
	if (master->has_driver)
		module_put(master->unit->backend->owner);
	unpin_backend(master);
	xa_destroy(&master->pasids);
	mutex_destroy(&master->lock);
	kfree(master);
	iommufd_sva_set_put(set);
}

/* Adopting has come to an end: keep @master if the IOMMU core has taken it. */
void iommufd_sva_master_discard(struct iommufd_sva_master *master)
{
	bool probed;

	mutex_lock(&masters_lock);
	master->pending = false;
	probed = master->probed;
	mutex_unlock(&masters_lock);
	if (!probed)
		master_free(master);
}

/* A driver binds to or leaves @dev; called with its device_lock held. */
void iommufd_sva_master_driver(struct device *dev, bool bound)
{
	struct iommufd_sva_master *master;
	struct module *owner;

	mutex_lock(&masters_lock);
	master = find_master(dev);
	if (master && master->has_driver != bound) {
		owner = master->unit->backend->owner;
		/*
		 * It fails while the backend goes: that takes the driver off the
		 * device again before it lets the device go (adopt.c).
		 */
		if (bound)
			master->has_driver = try_module_get(owner);
		else
			module_put(owner);
		if (!bound)
			master->has_driver = false;
	}
	mutex_unlock(&masters_lock);
}

struct iommufd_sva_set *iommufd_sva_set_get(struct device *dev)
{
	struct iommufd_sva_master *master;
	struct iommufd_sva_set *set = NULL;

	mutex_lock(&masters_lock);
	master = find_master(dev);
	if (master && !master->pending && !master->going) {
		set = master->set;
		kref_get(&set->ref);
	}
	mutex_unlock(&masters_lock);
	return set;
}

struct iommufd_sva_set *iommufd_sva_set_get_live(struct device *dev)
{
	struct iommufd_sva_master *master;
	struct iommufd_sva_set *set = NULL;

	/* While the master is listed its unit is there. */
	mutex_lock(&masters_lock);
	master = find_master(dev);
	if (master && !master->pending && !master->going &&
	    try_module_get(master->unit->backend->owner)) {
		set = master->set;
		kref_get(&set->ref);
	}
	mutex_unlock(&masters_lock);
	return set;
}

void iommufd_sva_set_put_live(struct iommufd_sva_set *set)
{
	struct module *owner = set->unit->backend->owner;

	iommufd_sva_set_put(set);
	module_put(owner);
}

bool iommufd_sva_master_going(struct device *dev, struct iommufd_sva_set **set)
{
	struct iommufd_sva_master *master, *other;
	bool last = true;

	mutex_lock(&masters_lock);
	master = find_master(dev);
	*set = NULL;
	if (master && !master->pending) {
		master->going = true;
		*set = master->set;
		kref_get(&master->set->ref);
		list_for_each_entry(other, &masters_list, node)
			if (other->set == *set && !other->going)
				last = false;
	}
	mutex_unlock(&masters_lock);
	return last;
}

/* --- the IOMMU core's callbacks ---------------------------------------- */

/* Only what adopt.c has prepared; everything else stays as it is. */
struct iommu_device *iommufd_sva_probe_device(struct device *dev)
{
	struct iommufd_sva_master *master;

	mutex_lock(&masters_lock);
	master = find_master(dev);
	if (master && master->pending && !master->probed)
		master->probed = true;
	else
		master = NULL;
	mutex_unlock(&masters_lock);
	return master ? &master->set->iommu : ERR_PTR(-ENODEV);
}

void iommufd_sva_release_device(struct device *dev)
{
	struct iommufd_sva_master *master;
	bool pending;

	mutex_lock(&masters_lock);
	master = find_master(dev);
	master->probed = false;
	pending = master->pending;
	mutex_unlock(&masters_lock);
	/* The core could not take it after all: adopt.c clears it up. */
	if (!pending)
		master_free(master);
}

struct iommu_group *iommufd_sva_device_group(struct device *dev)
{
	struct iommufd_sva_master *master = iommufd_sva_lock_master(dev);
	struct iommu_group *group;

	if (!master)
		return ERR_PTR(-ENODEV);
	group = iommu_group_ref_get(master->set->group);
	iommufd_sva_unlock_master();
	return group;
}
