/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as files need that also compile as user-space programs.
 * Every <linux/...> header in shim/linux/ is this one.
 */
#ifndef __UNIT_SHIM_H
#define __UNIT_SHIM_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* <linux/types.h> */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef unsigned long long __u64;
typedef uint16_t __le16;
typedef uint32_t __le32;
typedef unsigned long long __le64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;

/* <linux/compiler.h>; READ_ONCE acquires: it stands for address dependencies too */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define barrier()		__asm__ __volatile__("" : : : "memory")
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#ifndef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#endif
#define fallthrough		__attribute__((__fallthrough__))
#define __packed		__attribute__((__packed__))
#define __aligned(x)		__attribute__((__aligned__(x)))
#define __must_check		__attribute__((__warn_unused_result__))

/* Fences: ThreadSanitizer knows none; what is tested under it are the atomics. */
#ifdef __SANITIZE_THREAD__
#define unit_fence(order)	barrier()
#else
#define unit_fence(order)	__atomic_thread_fence(order)
#endif
#define smp_mb()		unit_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		unit_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		unit_fence(__ATOMIC_RELEASE)
#define mb()			smp_mb()
#define rmb()			smp_rmb()
#define wmb()			smp_wmb()
#define dma_rmb()		smp_rmb()
#define dma_wmb()		smp_wmb()
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define cpu_relax()		sched_yield()

#define cmpxchg(p, old, new) ({						\
	__typeof__(*(p)) __old = (old);					\
	__atomic_compare_exchange_n((p), &__old, (new), false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	__old;								\
})

/* <linux/atomic.h> */
typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { s64 counter; } atomic64_t;

#define UNIT_ATOMIC(name, type, word)					\
static inline word name##_read(const type *v)				\
{ return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); }		\
static inline void name##_set(type *v, word i)				\
{ __atomic_store_n(&v->counter, i, __ATOMIC_RELAXED); }		\
static inline void name##_add(word i, type *v)				\
{ __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST); }		\
static inline void name##_sub(word i, type *v)				\
{ __atomic_fetch_sub(&v->counter, i, __ATOMIC_SEQ_CST); }		\
static inline void name##_inc(type *v)					\
{ name##_add(1, v); }							\
static inline void name##_dec(type *v)					\
{ name##_sub(1, v); }							\
static inline word name##_inc_return(type *v)				\
{ return __atomic_add_fetch(&v->counter, 1, __ATOMIC_SEQ_CST); }	\
static inline bool name##_sub_and_test(word i, type *v)		\
{ return !__atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST); }	\
static inline word name##_cmpxchg(type *v, word old, word new)		\
{ return cmpxchg(&v->counter, old, new); }				\
static inline bool name##_add_unless(type *v, word a, word u)		\
{									\
	word c = name##_read(v);					\
									\
	while (c != u)							\
		if (__atomic_compare_exchange_n(&v->counter, &c, c + a, false, \
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) \
			return true;					\
	return false;							\
}
UNIT_ATOMIC(atomic, atomic_t, int)
UNIT_ATOMIC(atomic_long, atomic_long_t, long)
UNIT_ATOMIC(atomic64, atomic64_t, s64)

/* <linux/bits.h>, <linux/bitfield.h>, <linux/log2.h>, <linux/sizes.h> */
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define unit_shift(mask)	(__builtin_ffsll(mask) - 1)
#define FIELD_PREP(mask, v)	\
	((__typeof__(mask))(((__typeof__(mask))(v) << unit_shift(mask)) & (mask)))
#define FIELD_GET(mask, reg)	\
	((__typeof__(mask))(((reg) & (mask)) >> unit_shift(mask)))
#define FIELD_MAX(mask)		((__typeof__(mask))((mask) >> unit_shift(mask)))
#define FIELD_FIT(mask, v)	((u64)(v) <= FIELD_MAX(mask))
#define ilog2(x)		(63 - __builtin_clzll(x))
#define __ffs64(x)		((unsigned int)__builtin_ctzll(x))
#define fls64(x)		((x) ? 64 - __builtin_clzll(x) : 0)
#define is_power_of_2(x)	((x) && !((x) & ((x) - 1)))
#define U16_MAX			((u16)~0U)
#define U32_MAX			((u32)~0U)
#define U64_MAX			((u64)~0ULL)
#define SZ_4K			0x1000UL
#define SZ_2M			0x200000UL
#define SZ_1G			0x40000000UL
#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)	(!((x) & ((__typeof__(x))(a) - 1)))
#define container_of(p, type, member)	\
	((type *)((char *)(p) - offsetof(type, member)))
#define min(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b);	\
		     __a < __b ? __a : __b; })
#define max(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b);	\
		     __a > __b ? __a : __b; })
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define swap(a, b) do { __typeof__(a) __t = (a); (a) = (b); (b) = __t; } while (0)
#define cpu_to_le16(x)		((__le16)(x))
#define cpu_to_le32(x)		((__le32)(x))
#define cpu_to_le64(x)		((__le64)(x))
#define le16_to_cpu(x)		((u16)(x))
#define le32_to_cpu(x)		((u32)(x))
#define le64_to_cpu(x)		((u64)(x))

/* <linux/bug.h>: a warning ends the program */
#define WARN_ON(c) ({							\
	bool __c = !!(c);						\
	if (__c) {							\
		fprintf(stderr, "%s:%d: WARN_ON(%s)\n", __FILE__, __LINE__, #c); \
		abort();						\
	}								\
	__c;								\
})
#define WARN_ON_ONCE(c)		WARN_ON(c)
#define BUILD_BUG_ON(c)		_Static_assert(!(c), #c)
#ifndef static_assert
#define static_assert		_Static_assert
#endif

#define EXPORT_SYMBOL_GPL(sym)	_Static_assert(sizeof(&sym), "")

/* <linux/printk.h>, <linux/kstrtox.h> */
#ifndef pr_fmt
#define pr_fmt(fmt)		fmt
#endif
#define pr_err(fmt, ...)	printf("# " pr_fmt(fmt), ##__VA_ARGS__)

static inline int kstrtoull(const char *s, unsigned int base, u64 *res)
{
	char *end;

	errno = 0;
	*res = strtoull(s, &end, base);
	return errno || end == s || *end ? -EINVAL : 0;
}

/* <linux/list.h> */
struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	new->next = head;
	new->prev = head->prev;
	head->prev->next = new;
	head->prev = new;
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	entry->next = (void *)0x100;
	entry->prev = (void *)0x122;
}

#define list_entry(p, type, member)	container_of(p, type, member)
#define list_for_each_entry(pos, head, member)				\
	for (pos = list_entry((head)->next, __typeof__(*pos), member);	\
	     &pos->member != (head);					\
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, head, member)			\
	for (pos = list_entry((head)->next, __typeof__(*pos), member),	\
	     n = list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (head);					\
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))

/* <linux/rcupdate.h>, in rcu.c */
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);
static inline void preempt_disable(void) { barrier(); }
static inline void preempt_enable(void) { barrier(); }

/* <linux/mm.h>, <linux/gfp.h>, in pages.c */
struct page {
	union {
		struct {
			struct list_head lru;
			void *mapping;
			unsigned long index;
			unsigned long private;
		};
		struct rcu_head rcu_head;
	};
};

#define GFP_KERNEL		0x01u
#define GFP_KERNEL_ACCOUNT	0x03u
#define __GFP_ZERO		0x04u
#define NUMA_NO_NODE		(-1)

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);
void *page_address(const struct page *page);
struct page *virt_to_page(const void *addr);
phys_addr_t virt_to_phys(const void *addr);
void *phys_to_virt(phys_addr_t paddr);
#define page_private(page)		((page)->private)
#define set_page_private(page, v)	((page)->private = (v))

/* <linux/slab.h>, <linux/overflow.h> */
static inline void *kzalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(1, size);
}

static inline void kfree(const void *p)
{
	free((void *)p);
}

#define struct_size(p, member, n)	\
	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))

/* <linux/iommu.h> */
#define IOMMU_READ	(1 << 0)
#define IOMMU_WRITE	(1 << 1)
#define IOMMU_CACHE	(1 << 2)
#define IOMMU_NOEXEC	(1 << 3)
#define IOMMU_MMIO	(1 << 4)
#define IOMMU_PRIV	(1 << 5)

#endif
