/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels 6.1 and 7.3, told once. Everything else reads as
 * if it were for the newest one.
 */
#ifndef __IOMMUFD_SVA_COMPAT_H
#define __IOMMUFD_SVA_COMPAT_H

#ifdef CONFIG_ARM_AMBA
#include <linux/amba/bus.h>
#endif
#include <linux/eventfd.h>
#include <linux/fs.h>
#ifdef CONFIG_FSL_MC_BUS
#include <linux/fsl/mc.h>
#endif
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/msi.h>
#include <linux/of.h>
#include <linux/pagemap.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/version.h>

/*
 * 6.5: without the array of vmas. Until then FOLL_LONGTERM excludes @locked:
 * the lock is not dropped.
 */
static inline long iommufd_sva_pin_user_pages_remote(struct mm_struct *mm,
						     unsigned long start,
						     unsigned long nr_pages,
						     unsigned int gup_flags,
						     struct page **pages,
						     int *locked)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return pin_user_pages_remote(mm, start, nr_pages, gup_flags, pages, NULL,
				     gup_flags & FOLL_LONGTERM ? NULL : locked);
#else
	return pin_user_pages_remote(mm, start, nr_pages, gup_flags, pages,
				     locked);
#endif
}

/*
 * iommufd_sva_pin_file_pages() - pin pages of a memory file, one pin per page
 *
 * @file is on tmpfs or hugetlbfs, @start is page-aligned. Returns how many of
 * @nr_pages were pinned and put into @pages, or a negative errno: -EINVAL beyond
 * the end of the file.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)

/*
 * There is no memfd_pin_folios(): map the file for a moment and pin through
 * that, which allocates, migrates out of movable memory, and honours seals. If
 * another thread of the process puts something else of its own there meanwhile,
 * it gets that pinned instead: nothing it could not have mapped itself.
 */
static inline long iommufd_sva_pin_file_pages(struct file *file, loff_t start,
					      unsigned long nr_pages, bool write,
					      struct page **pages)
{
	/* A page, or with hugetlbfs a huge page: what can be mapped. */
	unsigned long unit = file_inode(file)->i_sb->s_blocksize;
	unsigned long head = start & (unit - 1);
	unsigned long len = ALIGN(head + nr_pages * PAGE_SIZE, unit);
	unsigned long prot = PROT_READ | (write ? PROT_WRITE : 0);
	unsigned long addr;
	long n;

	if (start + nr_pages * PAGE_SIZE > i_size_read(file_inode(file)))
		return -EINVAL;
	addr = vm_mmap(file, 0, len, prot, MAP_SHARED, start - head);
	if (IS_ERR_VALUE(addr))
		return (long)addr;
	n = pin_user_pages_fast(addr + head, nr_pages,
				FOLL_LONGTERM | (write ? FOLL_WRITE : 0), pages);
	vm_munmap(addr, len);
	return n;
}

#else

/* 6.13 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline int folio_add_pins(struct folio *folio, unsigned int pins)
{
	/* One pin is held: neither the folio nor what it is can change. */
	if (folio_test_large(folio)) {
		folio_ref_add(folio, pins);
		atomic_add(pins, &folio->_pincount);
	} else {
		folio_ref_add(folio, pins * GUP_PIN_COUNTING_BIAS);
	}
	mod_node_page_state(folio_pgdat(folio), NR_FOLL_PIN_ACQUIRED, pins);
	return 0;
}
#endif

/*
 * memfd_pin_folios() gives a pin per folio, and a folio may belong to several
 * mappings of which each comes and goes as it likes: make it one per page.
 */
static inline long iommufd_sva_pin_file_pages(struct file *file, loff_t start,
					      unsigned long nr_pages, bool write,
					      struct page **pages)
{
	/* The folios come into the same array and are spread out from the end. */
	struct folio **folios = (struct folio **)pages;
	unsigned long total = 0, left, nr, skip, i;
	pgoff_t offset;
	long n;

	n = memfd_pin_folios(file, start, start + nr_pages * PAGE_SIZE - 1, folios,
			     nr_pages, &offset);
	if (n <= 0)
		return n;

	skip = offset >> PAGE_SHIFT;
	for (i = 0; i < n; i++) {
		nr = min(folio_nr_pages(folios[i]) - (i ? 0 : skip),
			 nr_pages - total);
		if (nr > 1 && folio_add_pins(folios[i], nr - 1)) {
			/* Too many pins on it: end with the page that has one. */
			unpin_folios(folios + i + 1, n - i - 1);
			n = i + 1;
			nr = 1;
		}
		total += nr;
	}

	left = total;
	for (i = n; i-- > 1; ) {
		struct folio *folio = folios[i];

		/* Only the last folio may be pinned in part. */
		nr = i == n - 1 ? nr : folio_nr_pages(folio);
		while (nr)
			pages[--left] = folio_page(folio, --nr);
	}
	for (struct folio *folio = folios[0]; left; left--)
		pages[left - 1] = folio_page(folio, skip + left - 1);
	return total;
}

#endif

/*
 * Has the PCI core done with adding @pdev: has it its resources, may drivers
 * bind? 7.0: there is no match_driver, and runtime PM is enabled at that point
 * rather than before.
 */
static inline bool iommufd_sva_pci_is_added(struct pci_dev *pdev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return READ_ONCE(pdev->match_driver);
#else
	return pm_runtime_enabled(&pdev->dev);
#endif
}

/*
 * struct iommu_ops and struct iommu_domain_ops. host.c writes each callback as
 * the newest kernel has it, but for what the kernel does not tell; the wrappers
 * below bring it into the shape that this kernel calls.
 */
int iommufd_sva_host_attach(struct iommu_domain *domain, struct device *dev);
struct iommu_domain *iommufd_sva_host_domain_alloc_paging(struct device *dev);

/* 6.19: attach_dev() is told what was attached before. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define IOMMUFD_SVA_ATTACH_DEV(fn)	(fn)
#else
static inline int iommufd_sva_attach_dev_old(struct iommu_domain *domain,
					     struct device *dev,
					     struct iommu_domain *old)
{
	return iommufd_sva_host_attach(domain, dev);
}

#define IOMMUFD_SVA_ATTACH_DEV(fn)	iommufd_sva_attach_dev_old
#endif

/* 6.9: of_xlate() leaves its arguments alone. */
int iommufd_sva_host_of_xlate(struct device *dev,
			      const struct of_phandle_args *args);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static inline int iommufd_sva_of_xlate_mutable(struct device *dev,
					       struct of_phandle_args *args)
{
	return iommufd_sva_host_of_xlate(dev, args);
}

#define IOMMUFD_SVA_OF_XLATE(fn)	iommufd_sva_of_xlate_mutable
#else
#define IOMMUFD_SVA_OF_XLATE(fn)	(fn)
#endif

/* 6.7: identity and blocked are static members, paging domains know a device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define IOMMUFD_SVA_DOMAIN_BY_TYPE
struct iommu_domain *iommufd_sva_host_domain_by_type(unsigned int type);
#define IOMMUFD_SVA_DOMAIN_OPS(identity, blocked)                              \
	.domain_alloc = iommufd_sva_host_domain_by_type,
#else
#define IOMMUFD_SVA_DOMAIN_OPS(identity, blocked)                              \
	.identity_domain = (identity),                                         \
	.blocked_domain = (blocked),                                           \
	.domain_alloc_paging = iommufd_sva_host_domain_alloc_paging,
#endif

/* 6.7: iotlb_sync_map() can fail. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define IOMMUFD_SVA_SYNC_MAP(fn)	fn##_void
#define IOMMUFD_SVA_SYNC_MAP_VOID(fn)                                          \
	static void fn##_void(struct iommu_domain *domain, unsigned long iova, \
			      size_t size)                                     \
	{                                                                      \
		fn(domain, iova, size);                                        \
	}
#else
#define IOMMUFD_SVA_SYNC_MAP(fn)	(fn)
#define IOMMUFD_SVA_SYNC_MAP_VOID(fn)
#endif

/* 6.16: a list of its own type, with the list head in it. */
static inline struct list_head *
iommufd_sva_gather_freelist(struct iommu_iotlb_gather *gather)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	return &gather->freelist;
#else
	return &gather->freelist.pages;
#endif
}

/*
 * 6.11: remove() of a platform driver returns nothing. IOMMUFD_SVA_PLATFORM_REMOVE_INT
 * stands at file scope, below the function.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define IOMMUFD_SVA_PLATFORM_REMOVE(fn)	fn##_int
#define IOMMUFD_SVA_PLATFORM_REMOVE_INT(fn)                                    \
	static int fn##_int(struct platform_device *pdev)                      \
	{                                                                      \
		fn(pdev);                                                      \
		return 0;                                                      \
	}
#else
#define IOMMUFD_SVA_PLATFORM_REMOVE(fn)	(fn)
#define IOMMUFD_SVA_PLATFORM_REMOVE_INT(fn)
#endif

#ifdef CONFIG_ARM64

/* 6.9: interrupts that a platform device sends as messages are a domain of its own. */
static inline int
iommufd_sva_platform_msi_alloc(struct device *dev, unsigned int num,
			       void (*write_msg)(struct msi_desc *desc,
						 struct msi_msg *msg))
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
	return platform_msi_domain_alloc_irqs(dev, num, write_msg);
#else
	return platform_device_msi_init_and_alloc_irqs(dev, num, write_msg);
#endif
}

static inline void iommufd_sva_platform_msi_free(struct device *dev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
	platform_msi_domain_free_irqs(dev);
#else
	platform_device_msi_free_irqs_all(dev);
#endif
}

#endif

/*
 * Until 6.4 each bus points to the ops of whoever registered an IOMMU last, and
 * still does so when that has gone: the next device would be probed by them.
 */
static inline void iommufd_sva_forget_bus_ops(const struct iommu_ops *ops)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	struct bus_type *buses[] = {
		&platform_bus_type,
		&pci_bus_type,
#ifdef CONFIG_ARM_AMBA
		&amba_bustype,
#endif
#ifdef CONFIG_FSL_MC_BUS
		&fsl_mc_bus_type,
#endif
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buses); i++)
		if (buses[i]->iommu_ops == ops)
			buses[i]->iommu_ops = NULL;
#endif
}

/* 6.3: vm_flags cannot be written any more. */
static inline void iommufd_sva_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags |= flags;
#else
	vm_flags_set(vma, flags);
#endif
}

/* 6.8: by one */
static inline void iommufd_sva_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd, 1);
#else
	eventfd_signal(eventfd);
#endif
}

#endif
