// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/iommufd_sva: the device, its contexts, and the way from an ioctl number
 * to the function that handles it.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "iommufd_sva_private.h"

/**
 * iommufd_sva_ucmd_respond - copy the command back to the user
 * @ucmd: the command
 * @cmd_len: length of the kernel's structure
 *
 * Return: 0, or -EFAULT
 */
int iommufd_sva_ucmd_respond(struct iommufd_sva_ucmd *ucmd, size_t cmd_len)
{
	if (copy_to_user(ucmd->ubuffer, ucmd->cmd,
			 min_t(size_t, ucmd->user_size, cmd_len)))
		return -EFAULT;
	return 0;
}

/**
 * iommufd_sva_ucmd_respond_done - copy the command back once all is done
 * @ucmd: the command, of which iommufd_sva_ucmd_respond() could write the answer
 *	before anything was done
 * @cmd_len: length of the kernel's structure
 *
 * For what cannot be undone: an errno would say that nothing has changed. Who
 * takes the memory away meanwhile gets no answer.
 */
void iommufd_sva_ucmd_respond_done(struct iommufd_sva_ucmd *ucmd, size_t cmd_len)
{
	iommufd_sva_ucmd_respond(ucmd, cmd_len);
}

static int iommufd_sva_destroy(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_destroy *cmd = ucmd->cmd;

	return iommufd_sva_object_remove(ucmd->ictx, cmd->id);
}

/* Room for the largest structure that an ioctl takes. */
union iommufd_sva_ucmd_buffer {
	struct iommufd_sva_destroy destroy;
	struct iommufd_sva_device_attach attach;
	struct iommufd_sva_device_bind bind;
	struct iommufd_sva_device_detach detach;
	struct iommufd_sva_fault_alloc fault;
	struct iommufd_sva_fault_ring fault_ring;
	struct iommufd_sva_hw_info info;
	struct iommufd_sva_hwpt_alloc hwpt;
	struct iommufd_sva_hwpt_import import;
	struct iommufd_sva_hwpt_invalidate invalidate;
	struct iommufd_sva_ioas_alloc alloc;
	struct iommufd_sva_ioas_allow_iovas allow_iovas;
	struct iommufd_sva_ioas_change_process change_process;
	struct iommufd_sva_ioas_copy copy;
	struct iommufd_sva_ioas_iova_ranges iova_ranges;
	struct iommufd_sva_ioas_map map;
	struct iommufd_sva_ioas_map_file map_file;
	struct iommufd_sva_ioas_unmap unmap;
	struct iommufd_sva_option option;
	struct iommufd_sva_pasid_table_alloc pasid_table;
	struct iommufd_sva_vdevice_alloc vdevice;
	struct iommufd_sva_veventq_alloc veventq;
	struct iommufd_sva_viommu_alloc viommu;
	struct iommufd_sva_vsid_map vsid_map;
};

/**
 * struct iommufd_sva_ioctl_op - one ioctl
 * @size: of the structure as we know it
 * @min_size: what the first version of it had
 * @ioctl_num: the whole number
 * @execute: does it
 */
struct iommufd_sva_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	unsigned int ioctl_num;
	int (*execute)(struct iommufd_sva_ucmd *ucmd);
};

#define IOCTL_OP(_ioctl, _fn, _struct, _last)                                  \
	[_IOC_NR(_ioctl) - IOMMUFD_SVA_CMD_BASE] = {                           \
		.size = sizeof(_struct) +                                      \
			BUILD_BUG_ON_ZERO(                                     \
				sizeof(union iommufd_sva_ucmd_buffer) <        \
				sizeof(_struct)),                              \
		.min_size = offsetofend(_struct, _last),                       \
		.ioctl_num = _ioctl,                                           \
		.execute = _fn,                                                \
	}

/* A number without an entry has .ioctl_num 0, which is nobody's: -ENOTTY. */
static const struct iommufd_sva_ioctl_op iommufd_sva_ioctl_ops[] = {
	IOCTL_OP(IOMMUFD_SVA_DESTROY, iommufd_sva_destroy,
		 struct iommufd_sva_destroy, id),
	IOCTL_OP(IOMMUFD_SVA_FAULT_QUEUE_ALLOC, iommufd_sva_fault_queue_alloc,
		 struct iommufd_sva_fault_alloc, out_fault_fd),
	IOCTL_OP(IOMMUFD_SVA_GET_HW_INFO, iommufd_sva_get_hw_info,
		 struct iommufd_sva_hw_info, __reserved),
	IOCTL_OP(IOMMUFD_SVA_HWPT_ALLOC, iommufd_sva_hwpt_alloc,
		 struct iommufd_sva_hwpt_alloc, __reserved),
	IOCTL_OP(IOMMUFD_SVA_HWPT_INVALIDATE, iommufd_sva_hwpt_invalidate,
		 struct iommufd_sva_hwpt_invalidate, __reserved),
	IOCTL_OP(IOMMUFD_SVA_IOAS_ALLOC, iommufd_sva_ioas_alloc_ioctl,
		 struct iommufd_sva_ioas_alloc, out_ioas_id),
	IOCTL_OP(IOMMUFD_SVA_IOAS_ALLOW_IOVAS, iommufd_sva_ioas_allow_iovas,
		 struct iommufd_sva_ioas_allow_iovas, allowed_iovas),
	IOCTL_OP(IOMMUFD_SVA_IOAS_CHANGE_PROCESS, iommufd_sva_ioas_change_process,
		 struct iommufd_sva_ioas_change_process, __reserved),
	IOCTL_OP(IOMMUFD_SVA_IOAS_COPY, iommufd_sva_ioas_copy,
		 struct iommufd_sva_ioas_copy, src_iova),
	IOCTL_OP(IOMMUFD_SVA_IOAS_IOVA_RANGES, iommufd_sva_ioas_iova_ranges,
		 struct iommufd_sva_ioas_iova_ranges, out_iova_alignment),
	IOCTL_OP(IOMMUFD_SVA_IOAS_MAP, iommufd_sva_ioas_map,
		 struct iommufd_sva_ioas_map, iova),
	IOCTL_OP(IOMMUFD_SVA_IOAS_MAP_FILE, iommufd_sva_ioas_map_file,
		 struct iommufd_sva_ioas_map_file, iova),
	IOCTL_OP(IOMMUFD_SVA_IOAS_UNMAP, iommufd_sva_ioas_unmap,
		 struct iommufd_sva_ioas_unmap, length),
	IOCTL_OP(IOMMUFD_SVA_OPTION, iommufd_sva_option,
		 struct iommufd_sva_option, val64),
	IOCTL_OP(IOMMUFD_SVA_VDEVICE_ALLOC, iommufd_sva_vdevice_alloc,
		 struct iommufd_sva_vdevice_alloc, virt_id),
	IOCTL_OP(IOMMUFD_SVA_VEVENTQ_ALLOC, iommufd_sva_veventq_alloc,
		 struct iommufd_sva_veventq_alloc, out_veventq_fd),
	IOCTL_OP(IOMMUFD_SVA_VIOMMU_ALLOC, iommufd_sva_viommu_alloc,
		 struct iommufd_sva_viommu_alloc, out_viommu_id),
	IOCTL_OP(IOMMUFD_SVA_DEVICE_BIND, iommufd_sva_device_bind,
		 struct iommufd_sva_device_bind, __reserved),
	IOCTL_OP(IOMMUFD_SVA_DEVICE_ATTACH, iommufd_sva_device_attach,
		 struct iommufd_sva_device_attach, __reserved),
	IOCTL_OP(IOMMUFD_SVA_DEVICE_DETACH, iommufd_sva_device_detach,
		 struct iommufd_sva_device_detach, pasid),
	IOCTL_OP(IOMMUFD_SVA_VSID_MAP, iommufd_sva_vsid_map,
		 struct iommufd_sva_vsid_map, entries),
	IOCTL_OP(IOMMUFD_SVA_PASID_TABLE_ALLOC, iommufd_sva_pasid_table_alloc,
		 struct iommufd_sva_pasid_table_alloc, __reserved),
	IOCTL_OP(IOMMUFD_SVA_FAULT_RING, iommufd_sva_fault_ring,
		 struct iommufd_sva_fault_ring, out_mmap_length),
	IOCTL_OP(IOMMUFD_SVA_HWPT_IMPORT, iommufd_sva_hwpt_import,
		 struct iommufd_sva_hwpt_import, out_hwpt_id),
};

/* Do it, and let the object it made be seen, or go. */
static int iommufd_sva_execute(const struct iommufd_sva_ioctl_op *op,
			       struct iommufd_sva_ucmd *ucmd)
{
	int rc = op->execute(ucmd);

	if (!ucmd->new_obj)
		return rc;
	if (rc)
		iommufd_sva_object_abort_and_destroy(ucmd->ictx, ucmd->new_obj);
	else
		iommufd_sva_object_finalize(ucmd->ictx, ucmd->new_obj);
	return rc;
}

static long iommufd_sva_fops_ioctl(struct file *filp, unsigned int cmd,
				   unsigned long arg)
{
	struct iommufd_sva_ctx *ictx = filp->private_data;
	const struct iommufd_sva_ioctl_op *op;
	union iommufd_sva_ucmd_buffer buf;
	struct iommufd_sva_ucmd ucmd = {
		.ictx = ictx,
		.ubuffer = (void __user *)arg,
		.cmd = &buf,
	};
	unsigned int nr = _IOC_NR(cmd);
	int rc;

	if (nr < IOMMUFD_SVA_CMD_BASE ||
	    nr - IOMMUFD_SVA_CMD_BASE >= ARRAY_SIZE(iommufd_sva_ioctl_ops))
		return -ENOIOCTLCMD;
	op = &iommufd_sva_ioctl_ops[nr - IOMMUFD_SVA_CMD_BASE];
	if (op->ioctl_num != cmd)
		return -ENOIOCTLCMD;

	rc = get_user(ucmd.user_size, (u32 __user *)ucmd.ubuffer);
	if (rc)
		return rc;
	if (ucmd.user_size < op->min_size)
		return -EINVAL;
	rc = copy_struct_from_user(ucmd.cmd, op->size, ucmd.ubuffer,
				   ucmd.user_size);
	if (rc)
		return rc;

	if (cmd == IOMMUFD_SVA_IOAS_CHANGE_PROCESS) {
		down_write(&ictx->process_rwsem);
		rc = iommufd_sva_execute(op, &ucmd);
		up_write(&ictx->process_rwsem);
	} else {
		down_read(&ictx->process_rwsem);
		rc = iommufd_sva_execute(op, &ucmd);
		up_read(&ictx->process_rwsem);
	}
	return rc;
}

static int iommufd_sva_fops_open(struct inode *inode, struct file *filp)
{
	struct iommufd_sva_ctx *ictx;

	ictx = kzalloc(sizeof(*ictx), IOMMUFD_SVA_GFP_USER);
	if (!ictx)
		return -ENOMEM;

	xa_init_flags(&ictx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&ictx->groups, XA_FLAGS_ACCOUNT);
	mutex_init(&ictx->groups_lock);
	init_rwsem(&ictx->process_rwsem);
	ictx->file = filp;
	filp->private_data = ictx;
	return 0;
}

static int iommufd_sva_fops_release(struct inode *inode, struct file *filp)
{
	struct iommufd_sva_ctx *ictx = filp->private_data;

	iommufd_sva_devices_detach_all(ictx);
	iommufd_sva_objects_destroy_all(ictx);
	WARN_ON(!xa_empty(&ictx->groups));
	mutex_destroy(&ictx->groups_lock);
	kfree(ictx);
	return 0;
}

static const struct file_operations iommufd_sva_fops = {
	.owner = THIS_MODULE,
	.open = iommufd_sva_fops_open,
	.release = iommufd_sva_fops_release,
	.unlocked_ioctl = iommufd_sva_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice iommufd_sva_misc_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommufd_sva",
	.nodename = "iommufd_sva",
	.mode = 0660,
	.fops = &iommufd_sva_fops,
};

static int __init iommufd_sva_init(void)
{
	int rc;

	rc = iommufd_sva_ring_init();
	if (rc)
		return rc;
	rc = iommufd_sva_host_init();
	if (rc)
		goto err_ring;
	rc = misc_register(&iommufd_sva_misc_dev);
	if (rc)
		goto err_host;
	return 0;

err_host:
	iommufd_sva_host_exit();
err_ring:
	iommufd_sva_ring_exit();
	return rc;
}

static void __exit iommufd_sva_exit(void)
{
	misc_deregister(&iommufd_sva_misc_dev);
	iommufd_sva_host_exit();
	iommufd_sva_ring_exit();
	/* Page tables are freed a grace period after they were unlinked. */
	rcu_barrier();
}

module_init(iommufd_sva_init);
module_exit(iommufd_sva_exit);

MODULE_DESCRIPTION("Nested translation and I/O address spaces for user space");
MODULE_LICENSE("GPL");
