// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects of a context: ids, references, destruction.
 *
 * An object is born with its id reserved but not visible, so that a maker can
 * still fail (abort). Once it is visible (finalize) any thread of the user may
 * find it, work on it, and destroy it.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "iommufd_sva_private.h"

/**
 * struct iommufd_sva_object_ops - what a type of object needs
 * @destroy: nobody knows the object any more: undo what made it
 * @abort: the same for an object that was never finalized, where the maker
 *	holds locks that @destroy would take; NULL: @destroy does
 */
struct iommufd_sva_object_ops {
	void (*destroy)(struct iommufd_sva_object *obj);
	void (*abort)(struct iommufd_sva_object *obj);
};

static const struct iommufd_sva_object_ops
iommufd_sva_object_ops[IOMMUFD_SVA_OBJ_MAX] = {
	[IOMMUFD_SVA_OBJ_DEVICE] = {
		.destroy = iommufd_sva_device_destroy,
	},
	[IOMMUFD_SVA_OBJ_FAULT] = {
		.destroy = iommufd_sva_fault_destroy,
	},
	[IOMMUFD_SVA_OBJ_HWPT_NESTED] = {
		.destroy = iommufd_sva_hwpt_nested_destroy,
	},
	[IOMMUFD_SVA_OBJ_HWPT_PAGING] = {
		.destroy = iommufd_sva_hwpt_paging_destroy,
		.abort = iommufd_sva_hwpt_paging_abort,
	},
	[IOMMUFD_SVA_OBJ_IOAS] = {
		.destroy = iommufd_sva_ioas_destroy,
	},
	[IOMMUFD_SVA_OBJ_PASID_TABLE] = {
		.destroy = iommufd_sva_hwpt_nested_destroy,
	},
	[IOMMUFD_SVA_OBJ_VDEVICE] = {
		.destroy = iommufd_sva_vdevice_destroy,
	},
	[IOMMUFD_SVA_OBJ_VEVENTQ] = {
		.destroy = iommufd_sva_veventq_destroy,
	},
	[IOMMUFD_SVA_OBJ_VIOMMU] = {
		.destroy = iommufd_sva_viommu_destroy,
	},
};

struct iommufd_sva_object *
_iommufd_sva_object_alloc(struct iommufd_sva_ctx *ictx, size_t size,
			  enum iommufd_sva_object_type type)
{
	struct iommufd_sva_object *obj;
	int rc;

	obj = kzalloc(size, IOMMUFD_SVA_GFP_USER);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	obj->type = type;
	refcount_set(&obj->users, 1);

	/* The zero entry takes the id, and reads as NULL until finalize. */
	rc = xa_alloc(&ictx->objects, &obj->id, XA_ZERO_ENTRY, xa_limit_31b,
		      IOMMUFD_SVA_GFP_USER);
	if (rc) {
		kfree(obj);
		return ERR_PTR(rc);
	}
	return obj;
}

/* Replace the entry of an id that stands: needs no memory, cannot fail. */
static void iommufd_sva_object_store(struct iommufd_sva_ctx *ictx, u32 id,
				     struct iommufd_sva_object *obj)
{
	XA_STATE(xas, &ictx->objects, id);
	void *old;

	xa_lock(&ictx->objects);
	old = xas_store(&xas, obj);
	xa_unlock(&ictx->objects);
	WARN_ON(old != XA_ZERO_ENTRY);
}

/* From here on any thread can see @obj; its maker must be done with it. */
void iommufd_sva_object_finalize(struct iommufd_sva_ctx *ictx,
				 struct iommufd_sva_object *obj)
{
	iommufd_sva_object_store(ictx, obj->id, obj);
}

/* Undo _iommufd_sva_object_alloc(). */
void iommufd_sva_object_abort(struct iommufd_sva_ctx *ictx,
			      struct iommufd_sva_object *obj)
{
	iommufd_sva_object_store(ictx, obj->id, NULL);
	if (WARN_ON(!refcount_dec_and_test(&obj->users)))
		return;
	kfree(obj);
}

/* The same for an object that was made whole already. */
void iommufd_sva_object_abort_and_destroy(struct iommufd_sva_ctx *ictx,
					  struct iommufd_sva_object *obj)
{
	const struct iommufd_sva_object_ops *ops =
		&iommufd_sva_object_ops[obj->type];

	if (ops->abort)
		ops->abort(obj);
	else
		ops->destroy(obj);
	iommufd_sva_object_abort(ictx, obj);
}

/**
 * iommufd_sva_get_object - find an object and use it
 * @ictx: the context
 * @id: the id, from the user
 * @type: what it must be, or IOMMUFD_SVA_OBJ_ANY
 *
 * Return: the object with a user more, iommufd_sva_put_object() gives it back;
 * ERR_PTR(-ENOENT) if there is none of that type
 */
struct iommufd_sva_object *
iommufd_sva_get_object(struct iommufd_sva_ctx *ictx, u32 id,
		       enum iommufd_sva_object_type type)
{
	struct iommufd_sva_object *obj;

	xa_lock(&ictx->objects);
	obj = xa_load(&ictx->objects, id);
	if (!obj || (type != IOMMUFD_SVA_OBJ_ANY && obj->type != type) ||
	    !refcount_inc_not_zero(&obj->users))
		obj = ERR_PTR(-ENOENT);
	xa_unlock(&ictx->objects);
	return obj;
}

static void iommufd_sva_object_free(struct iommufd_sva_object *obj)
{
	iommufd_sva_object_ops[obj->type].destroy(obj);
	kfree(obj);
}

/**
 * iommufd_sva_object_remove - destroy the object with an id
 * @ictx: the context
 * @id: the id
 *
 * Users only ever come from the id, under the array's lock: when the id holds
 * the last one under that lock, nobody else has the object or can get it.
 *
 * Return: 0; -ENOENT if there is none; -EBUSY while another object or another
 * ioctl uses it
 */
int iommufd_sva_object_remove(struct iommufd_sva_ctx *ictx, u32 id)
{
	struct iommufd_sva_object *obj;
	int rc = 0;

	xa_lock(&ictx->objects);
	obj = xa_load(&ictx->objects, id);
	if (!obj)
		rc = -ENOENT;
	else if (!refcount_dec_if_one(&obj->users))
		rc = -EBUSY;
	else
		__xa_erase(&ictx->objects, id);
	xa_unlock(&ictx->objects);
	if (rc)
		return rc;

	iommufd_sva_object_free(obj);
	return 0;
}

/*
 * Give a user of @obj back, and destroy it if that was the last but the id's.
 * When an ioctl of the user happens to hold it, it stays, to be destroyed by
 * its id or with the file.
 */
void iommufd_sva_object_put_and_try_destroy(struct iommufd_sva_ctx *ictx,
					    struct iommufd_sva_object *obj)
{
	bool destroy;

	/*
	 * One critical section: between a put and a look-up by id the object
	 * could go, and its id name another one.
	 */
	xa_lock(&ictx->objects);
	refcount_dec(&obj->users);
	destroy = refcount_dec_if_one(&obj->users);
	if (destroy)
		__xa_erase(&ictx->objects, obj->id);
	xa_unlock(&ictx->objects);

	if (destroy)
		iommufd_sva_object_free(obj);
}

/**
 * iommufd_sva_objects_destroy_all - the file was closed: destroy everything
 * @ictx: the context; no ioctl runs any more
 *
 * The users form a graph without cycles. Destroying an object nobody uses
 * releases those it uses, so passes over the array come to an end; one without
 * progress is a lost reference, and leaking beats freeing what is in use.
 */
void iommufd_sva_objects_destroy_all(struct iommufd_sva_ctx *ictx)
{
	struct iommufd_sva_object *obj;
	unsigned long index;
	bool progress, left;

	do {
		progress = false;
		left = false;
		xa_for_each(&ictx->objects, index, obj) {
			cond_resched();
			if (!refcount_dec_if_one(&obj->users)) {
				left = true;
				continue;
			}
			xa_erase(&ictx->objects, index);
			iommufd_sva_object_free(obj);
			progress = true;
		}
	} while (left && !WARN_ON(!progress));

	xa_destroy(&ictx->objects);
}
