// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: /sys/kernel/debug/iommufd_sva, in which each unit has a directory of its
 * backend's.
 *
 * page_requests: a line for each device that can make some: whether they are on, its
 * credits, and what became of what it asked for (struct iommufd_sva_page_request_counts).
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "host.h"

static struct dentry *root;

static void show_master(struct iommufd_sva_master *master, void *data)
{
	/* Numbers that somebody may be adding to. */
	struct iommufd_sva_page_request_counts counts = master->pri.counts;
	struct seq_file *m = data;

	if (!master->pri.supported)
		return;
	seq_printf(m, "%s %s %s credits=%u requests=%llu groups=%llu refused=%llu broken=%llu no_room=%llu overflows=%llu lost=%llu\n",
		   dev_name(master->dev), master->pri.stall ? "stalls" : "pri",
		   master->pri.on ? "on" : "off", master->pri.credits, counts.requests,
		   counts.groups, counts.refused, counts.broken, counts.no_room,
		   counts.overflows, counts.lost);
}

static int page_requests_show(struct seq_file *m, void *v)
{
	iommufd_sva_visit_masters(show_master, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(page_requests);

void iommufd_sva_debugfs_init(void)
{
	root = debugfs_create_dir("iommufd_sva", NULL);
	debugfs_create_file("page_requests", 0400, root, NULL, &page_requests_fops);
}

void iommufd_sva_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
