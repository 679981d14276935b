/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints iommufd_sva:*, with what a person greps for: the device as the kernel
 * names it (dev) and as its user does (dev_id), PASID, group index and cookie.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd_sva

#if !defined(__IOMMUFD_SVA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __IOMMUFD_SVA_TRACE_H

#include <linux/tracepoint.h>

#include "fault.h"

#define IOMMUFD_SVA_TRACE_DEV_LEN 32

/* Tools that read the ring themselves do not know the compiler's names. */
TRACE_DEFINE_ENUM(IOMMUFD_SVA_TRANS_BLOCKED);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_TRANS_IDENTITY);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_TRANS_STAGE2);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_TRANS_NESTED);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_PGFAULT_PERM_READ);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_PGFAULT_PERM_WRITE);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_PGFAULT_PERM_EXEC);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_PGFAULT_PERM_PRIV);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_SUCCESS);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_INVALID);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_GUEST);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_TIMEOUT);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_DETACHED);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_BROKEN);
TRACE_DEFINE_ENUM(IOMMUFD_SVA_ANSWERED_REFUSED);

/* NO_PASID is -1 in a trace. */
#define show_translation(type)                                                 \
	__print_symbolic(type,                                                 \
			 { IOMMUFD_SVA_TRANS_BLOCKED, "blocked" },             \
			 { IOMMUFD_SVA_TRANS_IDENTITY, "identity" },           \
			 { IOMMUFD_SVA_TRANS_STAGE2, "stage2" },               \
			 { IOMMUFD_SVA_TRANS_NESTED, "nested" })

#define show_perm(perm)                                                        \
	__print_flags(perm, "",                                                \
		      { IOMMUFD_SVA_PGFAULT_PERM_READ, "r" },                  \
		      { IOMMUFD_SVA_PGFAULT_PERM_WRITE, "w" },                 \
		      { IOMMUFD_SVA_PGFAULT_PERM_EXEC, "x" },                  \
		      { IOMMUFD_SVA_PGFAULT_PERM_PRIV, "p" })

#define show_answered(how)                                                     \
	__print_symbolic(how,                                                  \
			 { IOMMUFD_SVA_ANSWERED_SUCCESS, "vmm" },              \
			 { IOMMUFD_SVA_ANSWERED_INVALID, "vmm" },              \
			 { IOMMUFD_SVA_ANSWERED_GUEST, "guest" },              \
			 { IOMMUFD_SVA_ANSWERED_TIMEOUT, "timeout" },          \
			 { IOMMUFD_SVA_ANSWERED_DETACHED, "detached" },        \
			 { IOMMUFD_SVA_ANSWERED_BROKEN, "device broke rules" },\
			 { IOMMUFD_SVA_ANSWERED_REFUSED, "nobody" })

/* What requests of a device go through, in hardware. */
TRACE_EVENT(attach,
	TP_PROTO(const struct iommufd_sva_master *master, u32 pasid, u32 old, u32 new,
		 int rc),
	TP_ARGS(master, pasid, old, new, rc),
	TP_STRUCT__entry(
		__array(char, dev, IOMMUFD_SVA_TRACE_DEV_LEN)
		__field(u32, dev_id)
		__field(u32, pasid)
		__field(u32, old)
		__field(u32, new)
		__field(int, rc)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev_name(master->dev), IOMMUFD_SVA_TRACE_DEV_LEN);
		__entry->dev_id = master->dev_id;
		__entry->pasid = pasid;
		__entry->old = old;
		__entry->new = new;
		__entry->rc = rc;
	),
	TP_printk("dev=%s dev_id=%u pasid=%d %s -> %s rc=%d", __entry->dev,
		  __entry->dev_id, (int)__entry->pasid, show_translation(__entry->old),
		  show_translation(__entry->new), __entry->rc)
);

/* HWPT_INVALIDATE */
TRACE_EVENT(invalidate,
	TP_PROTO(u32 id, const struct iommufd_sva_user_array *array, int rc),
	TP_ARGS(id, array, rc),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, type)
		__field(u32, num)
		__field(u32, consumed)
		__field(u32, error)
		__field(int, rc)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->type = array->type;
		__entry->num = array->entry_num;
		__entry->consumed = array->consumed;
		__entry->error = array->error;
		__entry->rc = rc;
	),
	TP_printk("hwpt_id=%u type=%#x entries=%u consumed=%u error=%#x rc=%d",
		  __entry->id, __entry->type, __entry->num, __entry->consumed,
		  __entry->error, __entry->rc)
);

/* A page request arrives. */
TRACE_EVENT(fault,
	TP_PROTO(const struct iommufd_sva_master *master,
		 const struct iommufd_sva_page_request *request, bool taken),
	TP_ARGS(master, request, taken),
	TP_STRUCT__entry(
		__array(char, dev, IOMMUFD_SVA_TRACE_DEV_LEN)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u64, addr)
		__field(u32, perm)
		__field(bool, last)
		__field(bool, stall)
		__field(bool, taken)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev_name(master->dev), IOMMUFD_SVA_TRACE_DEV_LEN);
		__entry->pasid = request->pasid;
		__entry->grpid = request->grpid;
		__entry->addr = request->addr;
		__entry->perm = request->perm;
		__entry->last = request->last;
		__entry->stall = request->stall;
		__entry->taken = taken;
	),
	TP_printk("dev=%s pasid=%d grpid=%u addr=%#llx perm=%s%s%s%s", __entry->dev,
		  (int)__entry->pasid, __entry->grpid, __entry->addr,
		  show_perm(__entry->perm), __entry->last ? " last" : "",
		  __entry->stall ? " stall" : "", __entry->taken ? "" : " refused")
);

DECLARE_EVENT_CLASS(iommufd_sva_page_group,
	TP_PROTO(const struct iommufd_sva_master *master,
		 const struct iommufd_sva_page_group *group, u32 fault_id),
	TP_ARGS(master, group, fault_id),
	TP_STRUCT__entry(
		__array(char, dev, IOMMUFD_SVA_TRACE_DEV_LEN)
		__field(u32, dev_id)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, fault_id)
		__field(u32, cookie)
		__field(u32, num)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev_name(master->dev), IOMMUFD_SVA_TRACE_DEV_LEN);
		__entry->dev_id = group->dev_id;
		__entry->pasid = group->pasid;
		__entry->grpid = group->grpid;
		__entry->fault_id = fault_id;
		__entry->cookie = group->cookie;
		__entry->num = group->num;
	),
	TP_printk("dev=%s dev_id=%u pasid=%d grpid=%u fault_id=%u cookie=%#x requests=%u",
		  __entry->dev, __entry->dev_id, (int)__entry->pasid, __entry->grpid,
		  __entry->fault_id, __entry->cookie, __entry->num)
);

/* A group is whole, and in a fault queue. */
DEFINE_EVENT(iommufd_sva_page_group, fault_group,
	TP_PROTO(const struct iommufd_sva_master *master,
		 const struct iommufd_sva_page_group *group, u32 fault_id),
	TP_ARGS(master, group, fault_id)
);

/* Nobody has answered it in time. */
DEFINE_EVENT(iommufd_sva_page_group, timeout,
	TP_PROTO(const struct iommufd_sva_master *master,
		 const struct iommufd_sva_page_group *group, u32 fault_id),
	TP_ARGS(master, group, fault_id)
);

/* A group leaves its fault queue, to be answered; or it was held, and got into none. */
TRACE_EVENT(response,
	TP_PROTO(const struct iommufd_sva_master *master,
		 const struct iommufd_sva_page_group *group, u32 how),
	TP_ARGS(master, group, how),
	TP_STRUCT__entry(
		__array(char, dev, IOMMUFD_SVA_TRACE_DEV_LEN)
		__field(u32, dev_id)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, cookie)
		__field(u32, how)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev_name(master->dev), IOMMUFD_SVA_TRACE_DEV_LEN);
		__entry->dev_id = group->dev_id;
		__entry->pasid = group->pasid;
		__entry->grpid = group->grpid;
		__entry->cookie = group->cookie;
		__entry->how = how;
	),
	TP_printk("dev=%s dev_id=%u pasid=%d grpid=%u cookie=%#x code=%s by=%s",
		  __entry->dev, __entry->dev_id, (int)__entry->pasid, __entry->grpid,
		  __entry->cookie,
		  __entry->how == IOMMUFD_SVA_ANSWERED_SUCCESS ? "success" :
		  __entry->how == IOMMUFD_SVA_ANSWERED_GUEST ? "guest's" :
		  __entry->how == IOMMUFD_SVA_ANSWERED_BROKEN ? "none" : "invalid",
		  show_answered(__entry->how))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
