// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O address spaces: the ioctls. Arguments are checked here; io_pagetable.c
 * does the work.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "io_pagetable.h"

#define IOAS_MAP_FLAGS (IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA |                      \
			IOMMUFD_SVA_IOAS_MAP_WRITEABLE |                       \
			IOMMUFD_SVA_IOAS_MAP_READABLE)

static struct iommufd_sva_ioas *iommufd_sva_get_ioas(struct iommufd_sva_ctx *ictx,
						     u32 id)
{
	return container_of(iommufd_sva_get_object(ictx, id, IOMMUFD_SVA_OBJ_IOAS),
			    struct iommufd_sva_ioas, obj);
}

void iommufd_sva_ioas_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_ioas *ioas =
		container_of(obj, struct iommufd_sva_ioas, obj);
	unsigned long unmapped;

	WARN_ON(iopt_unmap_all(&ioas->iopt, &unmapped));
	iopt_destroy_table(&ioas->iopt);
	mutex_destroy(&ioas->mutex);
}

int iommufd_sva_ioas_alloc_ioctl(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_ioas *ioas;

	if (cmd->flags)
		return -EOPNOTSUPP;

	ioas = iommufd_sva_object_alloc(ucmd->ictx, ioas, IOMMUFD_SVA_OBJ_IOAS);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	iopt_init_table(&ioas->iopt);
	INIT_LIST_HEAD(&ioas->hwpt_list);
	mutex_init(&ioas->mutex);
	ucmd->new_obj = &ioas->obj;

	cmd->out_ioas_id = ioas->obj.id;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
}

/* Fill the user's array as far as it goes; count them all. */
static int ioas_copy_holes(struct iommufd_sva_io_pagetable *iopt,
			   struct iommufd_sva_iova_range __user *ranges, u32 room,
			   u32 *num)
{
	unsigned long start = 0, last;

	lockdep_assert_held(&iopt->iova_rwsem);

	*num = 0;
	while (iopt_next_hole(&iopt->reserved_itree, &start, ULONG_MAX, &last)) {
		struct iommufd_sva_iova_range range = {
			.start = start,
			.last = last,
		};

		if (*num < room &&
		    copy_to_user(&ranges[*num], &range, sizeof(range)))
			return -EFAULT;
		(*num)++;
		if (last == ULONG_MAX)
			break;
		start = last + 1;
	}
	return 0;
}

int iommufd_sva_ioas_iova_ranges(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_iova_ranges *cmd = ucmd->cmd;
	u32 room = cmd->num_iovas;
	struct iommufd_sva_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	ioas = iommufd_sva_get_ioas(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	down_read(&ioas->iopt.iova_rwsem);
	cmd->out_iova_alignment = ioas->iopt.iova_alignment;
	rc = ioas_copy_holes(&ioas->iopt, u64_to_user_ptr(cmd->allowed_iovas),
			     room, &cmd->num_iovas);
	up_read(&ioas->iopt.iova_rwsem);
	if (rc)
		goto out_put;

	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (!rc && cmd->num_iovas > room)
		rc = -EMSGSIZE;
out_put:
	iommufd_sva_put_object(&ioas->obj);
	return rc;
}

static int ioas_load_iovas(struct rb_root_cached *allowed_itree,
			   struct iommufd_sva_iova_range __user *ranges, u32 num)
{
	u32 i;

	for (i = 0; i != num; i++) {
		struct iommufd_sva_iova_range range;
		struct iopt_allowed *allowed;

		if (copy_from_user(&range, ranges + i, sizeof(range)))
			return -EFAULT;
		if (range.start >= range.last || range.last > ULONG_MAX)
			return -EINVAL;
		if (interval_tree_iter_first(allowed_itree, range.start,
					     range.last))
			return -EINVAL;

		allowed = kzalloc(sizeof(*allowed), IOMMUFD_SVA_GFP_USER);
		if (!allowed)
			return -ENOMEM;
		allowed->node.start = range.start;
		allowed->node.last = range.last;
		interval_tree_insert(&allowed->node, allowed_itree);
		cond_resched();
	}
	return 0;
}

int iommufd_sva_ioas_allow_iovas(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_allow_iovas *cmd = ucmd->cmd;
	struct rb_root_cached allowed = RB_ROOT_CACHED;
	struct iommufd_sva_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	ioas = iommufd_sva_get_ioas(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = ioas_load_iovas(&allowed, u64_to_user_ptr(cmd->allowed_iovas),
			     cmd->num_iovas);
	if (!rc)
		rc = iopt_set_allow_iova(&ioas->iopt, &allowed);
	iopt_free_allowed(&allowed);
	iommufd_sva_put_object(&ioas->obj);
	return rc;
}

/*
 * User space cannot flush CPU caches on most machines, so DMA always has to
 * snoop them.
 */
static unsigned int ioas_map_prot(u32 flags)
{
	unsigned int prot = IOMMU_CACHE;

	if (flags & IOMMUFD_SVA_IOAS_MAP_WRITEABLE)
		prot |= IOMMU_WRITE;
	if (flags & IOMMUFD_SVA_IOAS_MAP_READABLE)
		prot |= IOMMU_READ;
	return prot;
}

/* What is checked alike wherever something is mapped. */
static int ioas_check_map(u32 flags, u64 iova, u64 length)
{
	if (iova >= ULONG_MAX || length >= ULONG_MAX)
		return -EOVERFLOW;
	if (!(flags & (IOMMUFD_SVA_IOAS_MAP_WRITEABLE |
		       IOMMUFD_SVA_IOAS_MAP_READABLE)))
		return -EINVAL;
	return 0;
}

/* Map @areas and tell the user where, or do nothing and free them. */
static int ioas_map_areas(struct iommufd_sva_ucmd *ucmd, size_t cmd_len,
			  struct iommufd_sva_ioas *ioas, struct list_head *areas,
			  u64 length, u64 *cmd_iova, u32 flags)
{
	unsigned long iova = *cmd_iova, unmapped;
	int rc;

	rc = iopt_map_areas(&ioas->iopt, areas, length, &iova,
			    ioas_map_prot(flags),
			    flags & IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA ?
				    0 : IOPT_ALLOC_IOVA);
	if (rc) {
		iopt_free_areas(areas);
		return rc;
	}

	*cmd_iova = iova;
	rc = iommufd_sva_ucmd_respond(ucmd, cmd_len);
	if (rc)
		iopt_unmap_iova(&ioas->iopt, iova, length, &unmapped);
	return rc;
}

/* Map all of fresh @pages, of which the reference is taken over. */
static int ioas_map_pages(struct iommufd_sva_ucmd *ucmd, size_t cmd_len,
			  u32 ioas_id, struct iopt_pages *pages,
			  unsigned long offset, u64 length, u64 *cmd_iova,
			  u32 flags)
{
	struct iommufd_sva_ioas *ioas;
	struct iopt_area *area;
	LIST_HEAD(areas);
	int rc;

	if (ucmd->ictx->account_mode && pages->account_mode == IOPT_ACCOUNT_USER)
		pages->account_mode = IOPT_ACCOUNT_MM;
	area = iopt_area_alloc(pages, offset, length);
	if (!area) {
		iopt_put_pages(pages);
		return -ENOMEM;
	}
	list_add(&area->item, &areas);

	ioas = iommufd_sva_get_ioas(ucmd->ictx, ioas_id);
	if (IS_ERR(ioas)) {
		iopt_free_areas(&areas);
		return PTR_ERR(ioas);
	}
	rc = ioas_map_areas(ucmd, cmd_len, ioas, &areas, length, cmd_iova, flags);
	iommufd_sva_put_object(&ioas->obj);
	return rc;
}

int iommufd_sva_ioas_map(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_map *cmd = ucmd->cmd;
	struct iopt_pages *pages;
	int rc;

	if ((cmd->flags & ~IOAS_MAP_FLAGS) || cmd->__reserved)
		return -EOPNOTSUPP;
	rc = ioas_check_map(cmd->flags, cmd->iova, cmd->length);
	if (rc)
		return rc;
	if (cmd->user_va > ULONG_MAX)
		return -EOVERFLOW;

	pages = iopt_alloc_user_pages(cmd->user_va, cmd->length,
				      cmd->flags & IOMMUFD_SVA_IOAS_MAP_WRITEABLE);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	return ioas_map_pages(ucmd, sizeof(*cmd), cmd->ioas_id, pages,
			      offset_in_page(cmd->user_va), cmd->length,
			      &cmd->iova, cmd->flags);
}

int iommufd_sva_ioas_map_file(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_map_file *cmd = ucmd->cmd;
	struct iopt_pages *pages;
	struct file *file;
	u64 last;
	int rc;

	if (cmd->flags & ~IOAS_MAP_FLAGS)
		return -EOPNOTSUPP;
	rc = ioas_check_map(cmd->flags, cmd->iova, cmd->length);
	if (rc)
		return rc;
	if (!cmd->length)
		return -EINVAL;
	if (check_add_overflow(cmd->start, cmd->length - 1, &last) ||
	    last > ULONG_MAX)
		return -EOVERFLOW;

	file = fget(cmd->fd);
	if (!file)
		return -EBADF;
	pages = iopt_alloc_file_pages(file, cmd->start, cmd->length,
				      cmd->flags & IOMMUFD_SVA_IOAS_MAP_WRITEABLE);
	fput(file);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	return ioas_map_pages(ucmd, sizeof(*cmd), cmd->ioas_id, pages,
			      offset_in_page(cmd->start), cmd->length, &cmd->iova,
			      cmd->flags);
}

int iommufd_sva_ioas_copy(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_copy *cmd = ucmd->cmd;
	struct iommufd_sva_ioas *src, *dst;
	LIST_HEAD(areas);
	int rc;

	if (cmd->flags & ~IOAS_MAP_FLAGS)
		return -EOPNOTSUPP;
	rc = ioas_check_map(cmd->flags, cmd->dst_iova, cmd->length);
	if (rc)
		return rc;
	if (cmd->src_iova >= ULONG_MAX)
		return -EOVERFLOW;

	src = iommufd_sva_get_ioas(ucmd->ictx, cmd->src_ioas_id);
	if (IS_ERR(src))
		return PTR_ERR(src);
	rc = iopt_copy_areas(&src->iopt, cmd->src_iova, cmd->length, &areas);
	iommufd_sva_put_object(&src->obj);
	if (rc)
		return rc;

	dst = iommufd_sva_get_ioas(ucmd->ictx, cmd->dst_ioas_id);
	if (IS_ERR(dst)) {
		iopt_free_areas(&areas);
		return PTR_ERR(dst);
	}
	rc = ioas_map_areas(ucmd, sizeof(*cmd), dst, &areas, cmd->length,
			    &cmd->dst_iova, cmd->flags);
	iommufd_sva_put_object(&dst->obj);
	return rc;
}

int iommufd_sva_ioas_unmap(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_unmap *cmd = ucmd->cmd;
	struct iommufd_sva_ioas *ioas;
	unsigned long unmapped = 0;
	int rc;

	ioas = iommufd_sva_get_ioas(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	/* Nothing may fail once it is unmapped: can the answer be written? */
	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		goto out_put;

	if (cmd->iova == 0 && cmd->length == U64_MAX) {
		rc = iopt_unmap_all(&ioas->iopt, &unmapped);
	} else if (cmd->iova >= ULONG_MAX || cmd->length >= ULONG_MAX) {
		rc = -EOVERFLOW;
	} else {
		rc = iopt_unmap_iova(&ioas->iopt, cmd->iova, cmd->length,
				     &unmapped);
		if (!rc && !unmapped)
			rc = -ENOENT;
	}
	if (rc)
		goto out_put;

	cmd->length = unmapped;
	iommufd_sva_ucmd_respond_done(ucmd, sizeof(*cmd));
out_put:
	iommufd_sva_put_object(&ioas->obj);
	return rc;
}

/*
 * IOAS_CHANGE_PROCESS. process_rwsem is held for writing: no other ioctl of the
 * context runs, so every area is live and nothing is pinned or unpinned.
 */
struct ioas_change {
	void (*step)(struct iopt_pages *pages, struct ioas_change *change);
	struct iopt_source to;
	unsigned long npinned[IOPT_ACCOUNT_MODES];
	bool not_file;
};

static void ioas_change_step(struct iommufd_sva_ctx *ictx,
			     struct ioas_change *change)
{
	struct iommufd_sva_object *obj;
	unsigned long index;

	xa_for_each(&ictx->objects, index, obj) {
		struct iommufd_sva_io_pagetable *iopt;
		struct iopt_area *area;

		if (obj->type != IOMMUFD_SVA_OBJ_IOAS)
			continue;
		iopt = &container_of(obj, struct iommufd_sva_ioas, obj)->iopt;
		down_read(&iopt->iova_rwsem);
		iopt_for_each_area(area, iopt, 0, ULONG_MAX) {
			change->step(area->pages, change);
			cond_resched();
		}
		up_read(&iopt->iova_rwsem);
	}
}

/* Pages come once for each of their areas. */
static void ioas_change_count(struct iopt_pages *pages,
			      struct ioas_change *change)
{
	if (!pages->file)
		change->not_file = true;
	if (pages->changing)
		return;
	pages->changing = true;
	change->npinned[pages->account_mode] += atomic_long_read(&pages->npinned);
}

static void ioas_change_cancel(struct iopt_pages *pages,
			       struct ioas_change *change)
{
	pages->changing = false;
}

static void ioas_change_commit(struct iopt_pages *pages,
			       struct ioas_change *change)
{
	if (!pages->changing)
		return;
	pages->changing = false;
	iopt_uncharge(&pages->source, pages->account_mode,
		      atomic_long_read(&pages->npinned));
	iopt_source_release(&pages->source);
	iopt_source_get(&pages->source, &change->to);
}

/* Charge the new process with everything, before the old one is let off. */
static int ioas_change_charge(struct ioas_change *change)
{
	int mode, rc;

	for (mode = 0; mode < IOPT_ACCOUNT_MODES; mode++) {
		rc = iopt_charge(&change->to, mode, change->npinned[mode]);
		if (rc)
			goto err_uncharge;
	}
	return 0;

err_uncharge:
	while (mode--)
		iopt_uncharge(&change->to, mode, change->npinned[mode]);
	return rc;
}

int iommufd_sva_ioas_change_process(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_ioas_change_process *cmd = ucmd->cmd;
	struct iommufd_sva_ctx *ictx = ucmd->ictx;
	struct ioas_change change = { .step = ioas_change_count };
	int rc;

	lockdep_assert_held_write(&ictx->process_rwsem);

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	rc = iopt_source_init(&change.to);
	if (rc)
		return rc;
	ioas_change_step(ictx, &change);
	rc = change.not_file ? -EINVAL : ioas_change_charge(&change);
	change.step = rc ? ioas_change_cancel : ioas_change_commit;
	ioas_change_step(ictx, &change);
	iopt_source_release(&change.to);
	return rc;
}

static int ioas_option_rlimit_mode(struct iommufd_sva_ctx *ictx,
				   struct iommufd_sva_option *cmd)
{
	int rc = 0;

	if (cmd->object_id)
		return -EOPNOTSUPP;
	if (cmd->op == IOMMUFD_SVA_OPTION_OP_GET) {
		cmd->val64 = ictx->account_mode;
		return 0;
	}
	if (cmd->op != IOMMUFD_SVA_OPTION_OP_SET)
		return -EOPNOTSUPP;
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;

	/* Nothing may be charged yet, nor be about to. */
	xa_lock(&ictx->objects);
	if (!xa_empty(&ictx->objects))
		rc = -EBUSY;
	else if (cmd->val64 > 1)
		rc = -EINVAL;
	else
		ictx->account_mode = cmd->val64;
	xa_unlock(&ictx->objects);
	return rc;
}

static int ioas_option_huge_pages(struct iommufd_sva_ctx *ictx,
				  struct iommufd_sva_option *cmd)
{
	struct iommufd_sva_ioas *ioas;
	int rc = 0;

	ioas = iommufd_sva_get_ioas(ictx, cmd->object_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	if (cmd->op == IOMMUFD_SVA_OPTION_OP_GET)
		cmd->val64 = !ioas->iopt.disable_large_pages;
	else if (cmd->op != IOMMUFD_SVA_OPTION_OP_SET)
		rc = -EOPNOTSUPP;
	else if (cmd->val64 > 1)
		rc = -EINVAL;
	else
		rc = iopt_set_large_pages(&ioas->iopt, cmd->val64);

	iommufd_sva_put_object(&ioas->obj);
	return rc;
}

int iommufd_sva_option(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_option *cmd = ucmd->cmd;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	switch (cmd->option_id) {
	case IOMMUFD_SVA_OPTION_RLIMIT_MODE:
		rc = ioas_option_rlimit_mode(ucmd->ictx, cmd);
		break;
	case IOMMUFD_SVA_OPTION_HUGE_PAGES:
		rc = ioas_option_huge_pages(ucmd->ictx, cmd);
		break;
	case IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT:
		rc = iommufd_sva_option_page_response_timeout(ucmd->ictx, cmd);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (rc)
		return rc;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
}
