// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage-2 page tables against a plain array as the model, as read by walkers
 * of our own that know nothing of pt.c but what the specifications say.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <iommufd_sva/pt.h>
#include <pthread.h>

#include "pages.h"
#include "tap.h"

enum arch { VTD, ARM };

struct shape {
	const char *name;
	enum arch arch;
	u8 ias, oas, levels;		/* as asked for */
	u8 is_levels, root_pages;	/* as it must become */
	bool coherent, snoop, dirty;
};

static const struct shape shapes[] = {
	{ "vtd 39",		VTD, 39, 46, 0, 3, 1, true, false, false },
	{ "vtd 39 in 4",	VTD, 39, 39, 4, 4, 1, true, false, false },
	{ "vtd 48",		VTD, 48, 46, 0, 4, 1, true, false, false },
	{ "vtd 48 snp",		VTD, 48, 52, 4, 4, 1, true, true, true },
	{ "vtd 48 ncoh",	VTD, 48, 46, 0, 4, 1, false, false, false },
	{ "vtd 57",		VTD, 57, 52, 0, 5, 1, true, false, false },
	{ "vtd 57 ncoh",	VTD, 57, 52, 5, 5, 1, false, false, true },
	{ "arm 32",		ARM, 32, 44, 0, 2, 4, true, false, false },
	{ "arm 36",		ARM, 36, 44, 0, 3, 1, true, false, false },
	{ "arm 40",		ARM, 40, 40, 0, 3, 2, true, false, true },
	{ "arm 40 in 4",	ARM, 40, 48, 4, 4, 1, true, false, false },
	{ "arm 42",		ARM, 42, 42, 0, 3, 8, false, true, false },
	{ "arm 43",		ARM, 43, 44, 0, 3, 16, true, false, false },
	{ "arm 44",		ARM, 44, 44, 0, 4, 1, true, true, true },
	{ "arm 48",		ARM, 48, 48, 0, 4, 1, true, false, false },
	{ "arm 48 ncoh",	ARM, 48, 48, 4, 4, 1, false, false, false },
};

#define for_each_shape(s) for ((s) = shapes; (s) < shapes + ARRAY_SIZE(shapes); (s)++)

struct env {
	struct iommufd_sva_pt pt;
	const struct shape *shape;
	unsigned long sizes;
	/* what flush_iotlb() and sync_cache() were called for */
	long flushes;
	u64 flush_start, flush_last;
	void (*on_flush)(struct env *env, u64 start, u64 last);
	/* the model: pages of [base, base + pages * 4K) */
	u64 base;
	size_t pages;
	u64 *model;
};

static long syncs;
static size_t synced_bytes;

static void env_flush(struct iommufd_sva_pt *pt, u64 start, u64 last)
{
	struct env *env = container_of(pt, struct env, pt);

	__atomic_fetch_add(&env->flushes, 1, __ATOMIC_SEQ_CST);
	if (env->on_flush) {
		env->on_flush(env, start, last);
		return;
	}
	WRITE_ONCE(env->flush_start, start);
	WRITE_ONCE(env->flush_last, last);
}

/* Called once, for an entry that is linked and not written back yet. */
static void (*on_entry_sync)(void);

static void env_sync(void *addr, size_t len)
{
	void (*hook)(void) = on_entry_sync;

	if (hook && len == sizeof(u64)) {
		on_entry_sync = NULL;
		hook();
	}
	__atomic_fetch_add(&syncs, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&synced_bytes, len, __ATOMIC_RELAXED);
	pages_shadow_sync(addr, len);
}

static const struct iommufd_sva_pt_ops env_ops = {
	.flush_iotlb = env_flush,
	.sync_cache = env_sync,
};

static int env_init(struct env *env, const struct shape *shape, unsigned long sizes)
{
	struct iommufd_sva_pt_cfg cfg = {
		.fmt = shape->arch == VTD ? &iommufd_sva_pt_vtdss : &iommufd_sva_pt_armv8s2,
		.ops = &env_ops,
		.ias = shape->ias,
		.oas = shape->oas,
		.levels = shape->levels,
		.pgsize_bitmap = sizes,
		.coherent = shape->coherent,
		.snoop = shape->snoop,
		.dirty = shape->dirty,
		.nid = NUMA_NO_NODE,
	};

	*env = (struct env){ .shape = shape, .sizes = sizes };
	return iommufd_sva_pt_init(&env->pt, &cfg, GFP_KERNEL);
}

static void env_destroy(struct env *env)
{
	iommufd_sva_pt_destroy(&env->pt);
	rcu_barrier();
	CHECK_EQ(pages_in_use(), 0);
	free(env->model);
}

static int env_map(struct env *env, u64 iova, u64 paddr, size_t len, unsigned int prot)
{
	return iommufd_sva_pt_map(&env->pt, iova, paddr, len, prot, GFP_KERNEL, NULL);
}

#define ALL_SIZES	(SZ_4K | SZ_2M | SZ_1G)

/* ---- what the hardware reads ---- */

struct hit {
	u64 paddr;
	u64 entry;
	u64 size;
	unsigned int prot;
};

static u64 hw_read(struct env *env, u64 paddr)
{
	CHECK(page_in_use(paddr));
	if (env->shape->coherent)
		return READ_ONCE(*(u64 *)phys_to_virt(paddr));
	return pages_shadow_read(paddr);
}

/* VT-d 5.0, 3.7 and 9.8. Levels 5 to 1; a superpage has PS (7) at level 3 or 2. */
static bool vtd_walk(struct env *env, u64 iova, struct hit *hit)
{
	u64 table = iommufd_sva_pt_root(&env->pt);
	unsigned int prot = IOMMU_READ | IOMMU_WRITE;
	int level;

	for (level = iommufd_sva_pt_levels(&env->pt); ; level--) {
		int shift = 12 + 9 * (level - 1);
		u64 entry = hw_read(env, table + 8 * (iova >> shift & 0x1ff));

		if (!(entry & 0x7))
			return false;
		prot &= (entry & 1 ? IOMMU_READ : 0) | (entry & 2 ? IOMMU_WRITE : 0);
		if (level == 1 || entry & 0x80) {
			CHECK(level <= 3);
			/* reserved or not ours: X, EMT, IPAT, 10, 63:52; PS in a PTE */
			CHECK(!(entry & 0xfff000000000047cULL));
			CHECK(level > 1 || !(entry & 0x80));
			CHECK_EQ(!!(entry & 0x800), env->shape->snoop);
			/* address bits below the page size are reserved */
			CHECK(!(entry & 0xffffffffff000ULL & ((1ULL << shift) - 1)));
			hit->entry = entry;
			hit->size = 1ULL << shift;
			hit->prot = prot;
			hit->paddr = (entry & 0xffffffffff000ULL) + (iova & ((1ULL << shift) - 1));
			return true;
		}
		CHECK(!(entry & 0xffe0000000000ffcULL));
		table = entry & 0xffffffffff000ULL;
	}
}

/* DDI 0487 D8.2, D8.3. Arm's levels 0 to 3; the first index may be up to 13 bits. */
static bool arm_walk(struct env *env, u64 iova, struct hit *hit)
{
	u64 table = iommufd_sva_pt_root(&env->pt);
	int level = 4 - iommufd_sva_pt_levels(&env->pt);
	u64 mask = (1ULL << (env->shape->ias - (39 - 9 * level))) - 1;

	CHECK(!(table & ((mask + 1) * 8 - 1) & ~0xfffULL));
	for (; ; level++, mask = 0x1ff) {
		int shift = 39 - 9 * level;
		u64 entry = hw_read(env, table + 8 * (iova >> shift & mask));

		if (!(entry & 1))
			return false;
		if (level < 3 && (entry & 3) == 3) {
			CHECK(!(entry & 0xf800000000000ffcULL));
			table = entry & 0xfffffffff000ULL;
			continue;
		}
		CHECK_EQ(entry & 3, level == 3 ? 3 : 1);
		CHECK(level > 0);
		CHECK(entry & 0x400);	/* AF */
		CHECK(!(entry & 0xff97000000000800ULL));
		CHECK(!(entry & 0xfffffffff000ULL & ((1ULL << shift) - 1)));
		hit->entry = entry;
		hit->size = 1ULL << shift;
		hit->prot = (entry & 0x40 ? IOMMU_READ : 0) | (entry & 0x80 ? IOMMU_WRITE : 0);
		hit->paddr = (entry & 0xfffffffff000ULL) + (iova & ((1ULL << shift) - 1));
		return true;
	}
}

static bool hw_walk(struct env *env, u64 iova, struct hit *hit)
{
	return env->shape->arch == VTD ? vtd_walk(env, iova, hit) : arm_walk(env, iova, hit);
}

/* ---- the model ---- */

#define M_PRESENT	BIT_ULL(11)
#define M_LEVEL(m)	((int)((m) >> 8 & 3))
#define M_PROT(m)	((unsigned int)(m) & 0xff)
#define M_PADDR(m)	((m) & ~0xfffULL)

static u64 size_of(int level)
{
	return SZ_4K << (9 * level);
}

static void model_init(struct env *env, u64 base, size_t pages)
{
	env->base = base;
	env->pages = pages;
	env->model = calloc(pages, sizeof(*env->model));
}

static u64 *model_at(struct env *env, u64 iova)
{
	return &env->model[(iova - env->base) >> 12];
}

static bool model_free(struct env *env, u64 iova, size_t len)
{
	u64 *m = model_at(env, iova);
	size_t i;

	for (i = 0; i < len >> 12; i++)
		if (m[i])
			return false;
	return true;
}

/* The largest page that fits both addresses and what is left, page by page. */
static void model_map(struct env *env, u64 iova, u64 paddr, size_t len, unsigned int prot)
{
	while (len) {
		int level = min(2, env->shape->is_levels - 1);
		u64 size, i;

		while (level && (!(env->sizes & size_of(level)) || len < size_of(level) ||
				 iova % size_of(level) || paddr % size_of(level)))
			level--;
		size = size_of(level);
		for (i = 0; i < size; i += SZ_4K)
			*model_at(env, iova + i) = (paddr + i) | M_PRESENT | level << 8 | prot;
		iova += size;
		paddr += size;
		len -= size;
	}
}

static size_t model_unmap(struct env *env, u64 iova, size_t len)
{
	size_t done = 0;

	while (done < len) {
		u64 m = *model_at(env, iova + done);
		u64 size = size_of(M_LEVEL(m));

		if (!m || (iova + done) % size || len - done < size)
			break;
		memset(model_at(env, iova + done), 0, (size >> 12) * sizeof(u64));
		done += size;
	}
	return done;
}

static void check_page(struct env *env, u64 iova)
{
	u64 m = *model_at(env, iova);
	u64 offset = iova & 0xfff;
	phys_addr_t paddr;
	struct hit hit;
	size_t size;
	unsigned int prot;

	if (!CHECK_EQ(hw_walk(env, iova, &hit), !!m) ||
	    !CHECK_EQ(iommufd_sva_pt_lookup(&env->pt, iova, &paddr, &prot, &size), !!m) || !m) {
		if (!m)
			CHECK_EQ(iommufd_sva_pt_iova_to_phys(&env->pt, iova), 0);
		return;
	}
	CHECK_EQ(hit.paddr, M_PADDR(m) + offset);
	CHECK_EQ(hit.size, size_of(M_LEVEL(m)));
	CHECK_EQ(hit.prot, M_PROT(m) & (IOMMU_READ | IOMMU_WRITE));
	CHECK_EQ(paddr, hit.paddr);
	CHECK_EQ(iommufd_sva_pt_iova_to_phys(&env->pt, iova), hit.paddr);
	CHECK_EQ(size, hit.size);
	CHECK_EQ(prot, hit.prot);
}

/* Tables that the format needs for what the model holds. */
static size_t model_tables(struct env *env)
{
	u64 last[IOMMUFD_SVA_PT_MAX_LEVELS];
	size_t i, count = env->shape->root_pages;
	int level;

	memset(last, 0xff, sizeof(last));
	for (i = 0; i < env->pages; i++) {
		u64 m = env->model[i];

		if (!m)
			continue;
		for (level = M_LEVEL(m); level < env->shape->is_levels - 1; level++) {
			u64 region = (env->base + i * SZ_4K) >> (21 + 9 * level);

			if (last[level] != region) {
				last[level] = region;
				count++;
			}
		}
	}
	return count;
}

static void check_all(struct env *env)
{
	size_t i;

	for (i = 0; i < env->pages; i++)
		check_page(env, env->base + i * SZ_4K);
	CHECK_EQ(iommufd_sva_pt_table_bytes(&env->pt), model_tables(env) * SZ_4K);
	rcu_barrier();
	CHECK_EQ(pages_in_use(), model_tables(env));
}

static void env_unmap(struct env *env, u64 iova, size_t len)
{
	struct iommufd_sva_gather gather;
	size_t done, expect = model_unmap(env, iova, len);

	iommufd_sva_gather_init(&gather);
	done = iommufd_sva_pt_unmap(&env->pt, iova, len, &gather);
	CHECK_EQ(done, expect);
	if (done) {
		CHECK_EQ(gather.start, iova);
		CHECK_EQ(gather.last, iova + done - 1);
	} else {
		CHECK(iommufd_sva_gather_empty(&gather));
		CHECK(list_empty(&gather.tables));
	}
	iommufd_sva_pt_free_gathered(&env->pt, &gather);
	CHECK(iommufd_sva_gather_empty(&gather) && list_empty(&gather.tables));
}

/* ---- random numbers, the same every time ---- */

static __thread u64 rnd_state = 88172645463325252ULL;

static u64 rnd(u64 below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state % below;
}

/* ---- tests ---- */

TEST(shapes)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		CHECK_EQ(iommufd_sva_pt_levels(&env.pt), s->is_levels);
		CHECK_EQ(iommufd_sva_pt_table_bytes(&env.pt), s->root_pages * SZ_4K);
		CHECK_EQ(pages_in_use(), s->root_pages);
		CHECK_EQ(iommufd_sva_pt_root(&env.pt) % (s->root_pages * SZ_4K), 0);
		env_destroy(&env);
	}
}

TEST(shapes_refused)
{
	static const struct shape bad[] = {
		{ .arch = VTD, .ias = 58, .oas = 46, .coherent = true },
		{ .arch = VTD, .ias = 48, .oas = 53, .coherent = true },
		{ .arch = VTD, .ias = 48, .oas = 46, .levels = 3, .coherent = true },
		{ .arch = VTD, .ias = 30, .oas = 46, .levels = 2, .coherent = true },
		{ .arch = VTD, .ias = 57, .oas = 46, .levels = 6, .coherent = true },
		{ .arch = VTD, .ias = 12, .oas = 46, .coherent = true },
		{ .arch = VTD, .ias = 48, .oas = 12, .coherent = true },
		{ .arch = ARM, .ias = 49, .oas = 48, .coherent = true },
		{ .arch = ARM, .ias = 48, .oas = 49, .coherent = true },
		{ .arch = ARM, .ias = 44, .oas = 44, .levels = 3, .coherent = true },
		{ .arch = ARM, .ias = 35, .oas = 44, .levels = 2, .coherent = true },
		{ .arch = ARM, .ias = 44, .oas = 44, .levels = 5, .coherent = true },
	};
	struct iommufd_sva_pt_ops no_sync = { .flush_iotlb = env_flush };
	struct iommufd_sva_pt_ops no_flush = { .sync_cache = env_sync };
	struct iommufd_sva_pt_cfg cfg = {
		.fmt = &iommufd_sva_pt_vtdss, .ops = &no_sync, .ias = 48, .oas = 46,
		.pgsize_bitmap = SZ_4K, .coherent = true, .nid = NUMA_NO_NODE,
	};
	struct iommufd_sva_pt pt;
	struct env env;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(env_init(&env, &bad[i], ALL_SIZES), -EINVAL);
	CHECK_EQ(env_init(&env, &shapes[0], SZ_2M | SZ_1G), -EINVAL);

	CHECK_EQ(iommufd_sva_pt_init(&pt, &cfg, GFP_KERNEL), 0);
	iommufd_sva_pt_destroy(&pt);
	cfg.coherent = false;
	CHECK_EQ(iommufd_sva_pt_init(&pt, &cfg, GFP_KERNEL), -EINVAL);
	cfg.coherent = true;
	cfg.ops = &no_flush;
	CHECK_EQ(iommufd_sva_pt_init(&pt, &cfg, GFP_KERNEL), -EINVAL);
	cfg.ops = &no_sync;
	pages_fail(1);
	memset(&pt, 0, sizeof(pt));
	CHECK_EQ(iommufd_sva_pt_init(&pt, &cfg, GFP_KERNEL), -ENOMEM);
	iommufd_sva_pt_destroy(&pt);
	CHECK_EQ(pages_in_use(), 0);
}

struct golden {
	enum arch arch;
	bool snoop, dirty;
	u64 iova, paddr;
	size_t len;
	unsigned int prot;
	u64 leaf;
};

/* Written out by hand from the fields of the specifications. */
static const struct golden goldens[] = {
	/* VT-d 9.8: R 0, W 1, PS 7, SNP 11, ADDR 51:12 */
	{ VTD, false, false, 0x1000, 0x12345000, SZ_4K, IOMMU_READ | IOMMU_WRITE,
	  0x0000000012345003 },
	{ VTD, false, true, 0x1000, 0x12345000, SZ_4K, IOMMU_READ, 0x0000000012345001 },
	{ VTD, false, false, 0x1000, 0x12345000, SZ_4K, IOMMU_WRITE | IOMMU_CACHE,
	  0x0000000012345002 },
	{ VTD, true, false, 0x1000, 0x3ffffffff000, SZ_4K,
	  IOMMU_READ | IOMMU_MMIO | IOMMU_NOEXEC, 0x00003ffffffff801 },
	{ VTD, false, false, SZ_2M, 0x12200000, SZ_2M, IOMMU_READ | IOMMU_WRITE,
	  0x0000000012200083 },
	{ VTD, true, false, SZ_1G, 0x80000000, SZ_1G, IOMMU_READ, 0x0000000080000881 },
	/*
	 * DDI 0487: type 1:0, MemAttr 5:2, S2AP 7:6, SH 9:8, AF 10, DBM 51, XN 54:53.
	 * NC 0101, WB 1111 (0110 with S2FWB), nGnRE 0001; outer 10, inner 11.
	 */
	{ ARM, false, false, 0x1000, 0x12345000, SZ_4K, IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
	  0x0000000012345000 | 3 | 0xf << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ ARM, false, false, 0x1000, 0x12345000, SZ_4K, IOMMU_READ,
	  0x0000000012345000 | 3 | 0x5 << 2 | 1 << 6 | 2 << 8 | 1 << 10 },
	{ ARM, false, false, 0x1000, 0x12345000, SZ_4K, IOMMU_WRITE | IOMMU_MMIO,
	  0x0000000012345000 | 3 | 0x1 << 2 | 2 << 6 | 2 << 8 | 1 << 10 },
	{ ARM, true, false, 0x1000, 0x12345000, SZ_4K, IOMMU_READ,
	  0x0000000012345000 | 3 | 0x6 << 2 | 1 << 6 | 3 << 8 | 1 << 10 },
	{ ARM, false, true, 0x1000, 0x12345000, SZ_4K,
	  IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE | IOMMU_NOEXEC,
	  0x0048000012345000 | 3 | 0xf << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ ARM, false, true, 0x1000, 0x12345000, SZ_4K, IOMMU_READ | IOMMU_CACHE,
	  0x0000000012345000 | 3 | 0xf << 2 | 1 << 6 | 3 << 8 | 1 << 10 },
	{ ARM, false, false, SZ_2M, 0x12200000, SZ_2M, IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
	  0x0000000012200000 | 1 | 0xf << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ ARM, false, false, SZ_1G, 0x80000000, SZ_1G, IOMMU_READ | IOMMU_CACHE,
	  0x0000000080000000 | 1 | 0xf << 2 | 1 << 6 | 3 << 8 | 1 << 10 },
};

struct seen {
	int count;
	int level[8];
	u64 table[8], entry[8];
	unsigned int index[8];
};

static void see(int level, phys_addr_t table, unsigned int index, u64 entry, void *arg)
{
	struct seen *seen = arg;

	seen->level[seen->count] = level;
	seen->table[seen->count] = table;
	seen->index[seen->count] = index;
	seen->entry[seen->count++] = entry;
}

TEST(golden_entries)
{
	const struct golden *g;

	for (g = goldens; g < goldens + ARRAY_SIZE(goldens); g++) {
		struct shape s = { "golden", g->arch, 48, 48, 4, 4, 1, true, g->snoop, g->dirty };
		struct seen seen = {};
		size_t mapped;
		struct env env;
		int i;

		CHECK_EQ(env_init(&env, &s, ALL_SIZES), 0);
		CHECK_EQ(iommufd_sva_pt_map(&env.pt, g->iova, g->paddr, g->len, g->prot,
					    GFP_KERNEL, &mapped), 0);
		CHECK_EQ(mapped, g->len);
		iommufd_sva_pt_walk(&env.pt, g->iova, see, &seen);
		if (!CHECK(seen.count))
			continue;
		CHECK_EQ(seen.entry[seen.count - 1], g->leaf);
		/* table entries: R and W; resp. type 3; and the address */
		CHECK_EQ(seen.table[0], iommufd_sva_pt_root(&env.pt));
		for (i = 0; i < seen.count; i++) {
			CHECK_EQ(seen.level[i], 3 - i);
			CHECK_EQ(seen.index[i], g->iova >> (12 + 9 * (3 - i)) & 511);
			if (i + 1 < seen.count)
				CHECK_EQ(seen.entry[i], seen.table[i + 1] | 3);
		}
		env_destroy(&env);
	}
}

/* Map, look at every page (at some of a long range), take it out again. */
static void map_check_unmap(struct env *env, u64 iova, u64 paddr, size_t len)
{
	u64 step = len > 8 * SZ_2M ? SZ_2M - SZ_4K : SZ_4K;
	u64 at;

	CHECK_EQ(env_map(env, iova, paddr, len, IOMMU_READ), 0);
	model_map(env, iova, paddr, len, IOMMU_READ);
	for (at = 0; at < len; at += step)
		check_page(env, iova + at);
	check_page(env, iova - SZ_4K);
	check_page(env, iova + len);
	CHECK_EQ(iommufd_sva_pt_table_bytes(&env->pt), model_tables(env) * SZ_4K);
	env_unmap(env, iova, len);
	CHECK_EQ(iommufd_sva_pt_table_bytes(&env->pt), env->shape->root_pages * SZ_4K);
}

static const u64 skews[] = { 0, SZ_4K, SZ_2M - SZ_4K, SZ_2M, SZ_2M + SZ_4K, SZ_1G };
static const u64 lens[] = { SZ_4K, SZ_2M - SZ_4K, SZ_2M, SZ_2M + SZ_4K, 3 * SZ_2M,
			    SZ_1G - SZ_4K, SZ_1G, SZ_1G + SZ_2M + SZ_4K };

static void all_alignments(const struct shape *s, unsigned long sizes)
{
	size_t i, p, l;
	struct env env;

	CHECK_EQ(env_init(&env, s, sizes), 0);
	/* a window across the middle of the root, 2G to either side */
	model_init(&env, (1ULL << (s->ias - 1)) - 2 * SZ_1G, 4 * SZ_1G >> 12);
	for (i = 0; i < ARRAY_SIZE(skews); i++) {
		for (p = 0; p < ARRAY_SIZE(skews); p++) {
			for (l = 0; l < ARRAY_SIZE(lens); l++) {
				/* a gigabyte in 4K pages takes long and teaches nothing */
				if (lens[l] > 8 * SZ_2M && (!(sizes & SZ_2M) ||
				    ((skews[i] ^ skews[p]) & (SZ_2M - 1))))
					continue;
				map_check_unmap(&env, env.base + SZ_1G + skews[i],
						4 * SZ_1G + skews[p], lens[l]);
			}
		}
	}
	env_destroy(&env);
}

TEST(page_sizes_and_alignments)
{
	static const unsigned long sizes[] = { SZ_4K, SZ_4K | SZ_2M, SZ_4K | SZ_1G, ALL_SIZES };
	static const size_t picks[] = { 2, 5, 9, 14 };
	size_t k, i;

	for (k = 0; k < ARRAY_SIZE(picks); k++)
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			all_alignments(&shapes[picks[k]], sizes[i]);
}

static void random_ops(struct env *env, int ops)
{
	u64 paddr, iova, len, span = env->pages * SZ_4K;
	unsigned int prot;
	int i, ret, level;

	for (i = 0; i < ops; i++) {
		level = rnd(3);
		/* addresses and lengths that are often, not always, well aligned */
		iova = env->base + rnd(span >> 12) * SZ_4K;
		if (rnd(4))
			iova &= ~(size_of(level) - 1);
		if (iova < env->base)
			iova = env->base;
		len = (1 + rnd(level == 2 ? 2 : 6)) * size_of(level);
		if (!rnd(4))
			len += rnd(600) * SZ_4K;
		len = min(len, env->base + span - iova);
		paddr = rnd(1ULL << (env->shape->oas - 12 - 3)) * SZ_4K;
		if (rnd(4))
			paddr = (paddr & ~(SZ_1G - 1)) | (iova & (SZ_1G - 1));
		prot = 1 + rnd(3);
		if (rnd(2))
			prot |= IOMMU_CACHE;

		/* without large pages a gigabyte is too slow for nothing */
		if (len > 16 * SZ_2M &&
		    ((iova ^ paddr) & (SZ_2M - 1) || !(env->sizes & SZ_2M)))
			len = 16 * SZ_2M;
		len = min(len, env->base + span - iova);

		if (rnd(5) < 3) {
			bool is_free = model_free(env, iova, len);

			ret = env_map(env, iova, paddr, len, prot);
			CHECK_EQ(ret, is_free ? 0 : -EADDRINUSE);
			if (is_free)
				model_map(env, iova, paddr, len, prot);
		} else {
			/* half of the time something that is there */
			if (rnd(2))
				while (iova < env->base + span - SZ_4K && !*model_at(env, iova))
					iova += SZ_4K;
			len = min(len, env->base + span - iova);
			env_unmap(env, iova, len);
		}
		check_page(env, iova);
		check_page(env, iova + len - SZ_4K);
		if (iova > env->base)
			check_page(env, iova - 1);
		if (iova + len < env->base + span)
			check_page(env, iova + len);
	}
}

TEST(random_against_the_model)
{
	static const unsigned long sizes[] = { ALL_SIZES, SZ_4K | SZ_2M, SZ_4K };
	const struct shape *s;
	struct env env;
	u64 end, run;
	int i, round;

	for_each_shape(s) {
		i = (s - shapes) % 3;
		CHECK_EQ(env_init(&env, s, s->ias < 40 ? ALL_SIZES : sizes[i]), 0);
		/* at the very end of the space, or across the middle of the root */
		end = 1ULL << ((s - shapes) & 1 ? s->ias : s->ias - 1);
		if (end < 1ULL << s->ias)
			end += SZ_1G;
		model_init(&env, end - 3 * SZ_1G, 3 * SZ_1G >> 12);
		for (round = 0; round < 2; round++) {
			random_ops(&env, 300);
			check_all(&env);
		}
		/* take all of it out */
		for (run = 0; run < 3 * SZ_1G; run += SZ_4K) {
			u64 m = *model_at(&env, env.base + run);

			if (m)
				env_unmap(&env, env.base + run, 3 * SZ_1G - run);
		}
		check_all(&env);
		CHECK_EQ(iommufd_sva_pt_table_bytes(&env.pt), s->root_pages * SZ_4K);
		env_destroy(&env);
	}
}

TEST(destroy_with_mappings)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		model_init(&env, 0, 3 * SZ_1G >> 12);
		random_ops(&env, 100);
		env_destroy(&env);
	}
}

TEST(ends_of_the_space)
{
	const struct shape *s;
	struct env env;
	struct hit hit;

	for_each_shape(s) {
		struct iommufd_sva_gather gather;
		u64 top = 1ULL << s->ias;
		u64 ptop = 1ULL << s->oas;
		size_t mapped = 1;

		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
#define MAP(iova, paddr, len, prot) \
	iommufd_sva_pt_map(&env.pt, iova, paddr, len, prot, GFP_KERNEL, &mapped)
		CHECK_EQ(MAP(top, 0, SZ_4K, IOMMU_READ), -ERANGE);
		CHECK_EQ(MAP(top - SZ_4K, 0, 2 * SZ_4K, IOMMU_READ), -ERANGE);
		CHECK_EQ(MAP(-(u64)SZ_4K, 0, SZ_4K, IOMMU_READ), -ERANGE);
		CHECK_EQ(MAP(-(u64)SZ_4K, 0, 2 * SZ_4K, IOMMU_READ), -ERANGE);
		CHECK_EQ(MAP(0, ptop, SZ_4K, IOMMU_READ), -ERANGE);
		CHECK_EQ(MAP(0, ptop - SZ_4K, 2 * SZ_4K, IOMMU_READ), -ERANGE);
		CHECK_EQ(MAP(0, 0, 0, IOMMU_READ), -EINVAL);
		CHECK_EQ(MAP(0x800, 0, SZ_4K, IOMMU_READ), -EINVAL);
		CHECK_EQ(MAP(0, 0x800, SZ_4K, IOMMU_READ), -EINVAL);
		CHECK_EQ(MAP(0, 0, 0x800, IOMMU_READ), -EINVAL);
		CHECK_EQ(MAP(0, 0, SZ_4K, IOMMU_CACHE), -EINVAL);
		CHECK_EQ(mapped, 0);
		CHECK_EQ(pages_in_use(), s->root_pages);

		CHECK_EQ(MAP(top - SZ_4K, ptop - SZ_4K, SZ_4K, IOMMU_WRITE), 0);
		CHECK_EQ(mapped, SZ_4K);
		CHECK_EQ(MAP(0, 0, SZ_4K, IOMMU_READ), 0);
		CHECK(hw_walk(&env, top - 1, &hit));
		CHECK_EQ(hit.paddr, ptop - 1);
		CHECK(hw_walk(&env, 0, &hit));
		CHECK_EQ(hit.paddr, 0);
		CHECK(!iommufd_sva_pt_lookup(&env.pt, top, NULL, NULL, NULL));
		CHECK(!iommufd_sva_pt_lookup(&env.pt, ~0ULL, NULL, NULL, NULL));
		CHECK_EQ(iommufd_sva_pt_iova_to_phys(&env.pt, top), 0);

		iommufd_sva_gather_init(&gather);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, top, SZ_4K, &gather), 0);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, 0, 0, &gather), 0);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, 0x800, SZ_4K, &gather), 0);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, 0, 0x800, &gather), 0);
		CHECK(iommufd_sva_gather_empty(&gather));
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, top - SZ_4K, SZ_4K, &gather), SZ_4K);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, 0, SZ_4K, &gather), SZ_4K);
		iommufd_sva_pt_free_gathered(&env.pt, &gather);
#undef MAP
		env_destroy(&env);
	}
}

TEST(unmap_never_cuts_a_leaf)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		const u64 len = SZ_2M + 2 * SZ_4K;

		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		model_init(&env, 0, 2 * SZ_1G >> 12);
		CHECK_EQ(env_map(&env, SZ_2M - SZ_4K, SZ_1G - SZ_4K, len, IOMMU_READ), 0);
		model_map(&env, SZ_2M - SZ_4K, SZ_1G - SZ_4K, len, IOMMU_READ);
		/* the model stops where the leaf would be cut; env_unmap compares */
		env_unmap(&env, SZ_2M, SZ_4K);
		env_unmap(&env, SZ_2M + SZ_4K, SZ_2M);
		env_unmap(&env, SZ_2M - SZ_4K, SZ_4K + SZ_2M - SZ_4K);
		CHECK(!*model_at(&env, SZ_2M - SZ_4K));
		CHECK(*model_at(&env, SZ_2M));
		check_all(&env);
		env_unmap(&env, SZ_2M, SZ_1G);
		rcu_barrier();
		CHECK_EQ(pages_in_use(), s->root_pages);
		env_destroy(&env);
	}
}

/* Fail each allocation in turn: nothing may change, everything is given back. */
TEST(allocation_failures)
{
	const struct shape *s;
	struct env env;
	long nth;
	int ret;

	for_each_shape(s) {
		const u64 iova = SZ_1G - SZ_2M - SZ_4K;
		const u64 len = SZ_4K + SZ_2M + SZ_1G + 2 * SZ_2M + SZ_4K;
		const u64 paddr = 5 * SZ_1G - SZ_2M - SZ_4K;

		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		model_init(&env, 0, 3 * SZ_1G >> 12);
		/* a neighbour in a table that will be used too */
		CHECK_EQ(env_map(&env, iova - SZ_4K, 0, SZ_4K, IOMMU_READ), 0);
		model_map(&env, iova - SZ_4K, 0, SZ_4K, IOMMU_READ);
		for (nth = 1; ; nth++) {
			size_t mapped = 1;
			long flushes = env.flushes;

			pages_fail(nth);
			ret = iommufd_sva_pt_map(&env.pt, iova, paddr, len, IOMMU_WRITE,
						 GFP_KERNEL, &mapped);
			if (!ret)
				break;
			CHECK_EQ(ret, -ENOMEM);
			CHECK_EQ(mapped, 0);
			/* the first page at least was visible to the hardware */
			CHECK(env.flushes > flushes);
			CHECK_EQ(env.flush_start, iova);
			check_page(&env, iova - SZ_4K);
			check_page(&env, iova);
			check_page(&env, iova + len - SZ_4K);
			CHECK_EQ(iommufd_sva_pt_table_bytes(&env.pt), model_tables(&env) * SZ_4K);
			rcu_barrier();
			CHECK_EQ(pages_in_use(), model_tables(&env));
		}
		pages_fail(0);
		/* one table at least has to be made, in any format */
		CHECK(nth > 1);
		model_map(&env, iova, paddr, len, IOMMU_WRITE);
		check_all(&env);
		env_destroy(&env);
	}
}

TEST(map_over_something)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		size_t mapped = 1;

		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		model_init(&env, 0, 3 * SZ_1G >> 12);
		CHECK_EQ(env_map(&env, SZ_1G + 5 * SZ_4K, SZ_4K, SZ_4K, IOMMU_READ), 0);
		model_map(&env, SZ_1G + 5 * SZ_4K, SZ_4K, SZ_4K, IOMMU_READ);
		/* 2M leaves, then a table where a leaf should go */
		CHECK_EQ(iommufd_sva_pt_map(&env.pt, SZ_1G - 2 * SZ_2M, SZ_1G - 2 * SZ_2M,
					    4 * SZ_2M, IOMMU_READ, GFP_KERNEL, &mapped),
			 -EADDRINUSE);
		CHECK_EQ(mapped, 0);
		CHECK_EQ(env.flushes, 1);
		CHECK_EQ(env.flush_start, SZ_1G - 2 * SZ_2M);
		CHECK_EQ(env.flush_last, SZ_1G - 1);
		check_all(&env);
		/* 4K leaves on both sides of one */
		CHECK_EQ(iommufd_sva_pt_map(&env.pt, SZ_1G, 0x7000, 9 * SZ_4K, IOMMU_READ,
					    GFP_KERNEL, &mapped), -EADDRINUSE);
		CHECK_EQ(env.flushes, 2);
		CHECK_EQ(env.flush_last, SZ_1G + 5 * SZ_4K - 1);
		check_all(&env);
		/* a 4K page where a 2M leaf is; nothing was touched: no flush */
		CHECK_EQ(env_map(&env, 2 * SZ_1G, 0, SZ_2M, IOMMU_READ), 0);
		model_map(&env, 2 * SZ_1G, 0, SZ_2M, IOMMU_READ);
		CHECK_EQ(iommufd_sva_pt_map(&env.pt, 2 * SZ_1G + SZ_4K, 0, SZ_4K, IOMMU_READ,
					    GFP_KERNEL, &mapped), -EADDRINUSE);
		CHECK_EQ(env.flushes, 2);
		check_all(&env);
		env_destroy(&env);
	}
}

TEST(lookup_run)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		phys_addr_t paddr = 1;
		size_t len;

		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		CHECK_EQ(env_map(&env, SZ_1G - SZ_4K, 3 * SZ_1G - SZ_4K, SZ_4K + SZ_2M + SZ_4K, IOMMU_READ), 0);
		/* next to it, but elsewhere in memory */
		CHECK_EQ(env_map(&env, SZ_1G + SZ_2M + SZ_4K, SZ_4K, SZ_4K, IOMMU_READ), 0);
		len = SZ_1G;
		CHECK(iommufd_sva_pt_lookup_run(&env.pt, SZ_1G - SZ_4K + 8, &paddr, &len));
		CHECK_EQ(paddr, 3 * SZ_1G - SZ_4K + 8);
		CHECK_EQ(len, SZ_4K + SZ_2M + SZ_4K - 8);
		len = SZ_2M;
		CHECK(iommufd_sva_pt_lookup_run(&env.pt, SZ_1G + 0x123, &paddr, &len));
		CHECK_EQ(paddr, 3 * SZ_1G + 0x123);
		CHECK_EQ(len, SZ_2M);
		len = 3;
		CHECK(iommufd_sva_pt_lookup_run(&env.pt, SZ_1G + 0x123, &paddr, &len));
		CHECK_EQ(len, 3);
		len = SZ_2M;
		CHECK(iommufd_sva_pt_lookup_run(&env.pt, SZ_1G + SZ_2M + SZ_4K, &paddr, &len));
		CHECK_EQ(paddr, SZ_4K);
		CHECK_EQ(len, SZ_4K);
		CHECK(!iommufd_sva_pt_lookup_run(&env.pt, 0, &paddr, &len));
		CHECK(!iommufd_sva_pt_lookup_run(&env.pt, 1ULL << s->ias, &paddr, &len));
		env_destroy(&env);
	}
}

/* What a device that writes does to a leaf. */
static void hw_dirty(struct env *env, u64 iova)
{
	struct seen seen = {};
	u64 *slot;

	iommufd_sva_pt_walk(&env->pt, iova, see, &seen);
	slot = (u64 *)phys_to_virt(seen.table[seen.count - 1]) + seen.index[seen.count - 1];
	/* VT-d: A (8) and D (9). Arm: S2AP[1] (7) where DBM (51) is set. */
	if (env->shape->arch == VTD)
		*slot |= 0x300;
	else if (*slot & BIT_ULL(51))
		*slot |= 0x80;
	if (!env->shape->coherent)
		pages_shadow_sync(slot, 8);
}

struct dirty {
	int count;
	u64 iova[8];
	size_t len[8];
};

static void note_dirty(u64 iova, size_t len, void *arg)
{
	struct dirty *d = arg;

	if (d->count < 8) {
		d->iova[d->count] = iova;
		d->len[d->count] = len;
	}
	d->count++;
}

TEST(dirty)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		const u64 iova = SZ_1G - 4 * SZ_4K;
		const u64 len = 4 * SZ_4K + 2 * SZ_2M;
		struct iommufd_sva_gather gather;
		struct dirty d = {};
		unsigned int prot;
		struct hit hit;

		if (!s->dirty)
			continue;
		iommufd_sva_gather_init(&gather);
		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		CHECK_EQ(env_map(&env, iova, 2 * SZ_1G - 4 * SZ_4K, len, IOMMU_READ | IOMMU_WRITE), 0);
		CHECK_EQ(env_map(&env, 3 * SZ_1G, 0, SZ_4K, IOMMU_READ), 0);
#define DIRTY(iova, len, flags) ({						\
		memset(&d, 0, sizeof(d));					\
		iommufd_sva_gather_init(&gather);				\
		iommufd_sva_pt_read_and_clear_dirty(&env.pt, iova, len, flags,	\
						    note_dirty, &d, &gather);	\
})
		CHECK_EQ(DIRTY(0, 0, 0), -EINVAL);
		CHECK_EQ(DIRTY(0, (1ULL << s->ias) + 1, 0), -EINVAL);
		/* clear what is there from the start (Arm: all that is writable) */
		CHECK_EQ(DIRTY(0, 1ULL << s->ias, 0), 0);
		CHECK_EQ(d.count, s->arch == VTD ? 0 : 6);
		CHECK_EQ(DIRTY(0, 1ULL << s->ias, 0), 0);
		CHECK_EQ(d.count, 0);
		CHECK(iommufd_sva_gather_empty(&gather));
		/* clean, still writable to whoever asks us */
		CHECK(iommufd_sva_pt_lookup(&env.pt, iova, NULL, &prot, NULL));
		CHECK_EQ(prot, IOMMU_READ | IOMMU_WRITE);

		hw_dirty(&env, iova + SZ_4K);
		hw_dirty(&env, SZ_1G + SZ_2M + 0x5000);
		/* Arm: read-only stays so, a device cannot make it dirty */
		if (s->arch == ARM)
			hw_dirty(&env, 3 * SZ_1G);
		CHECK_EQ(DIRTY(0, 1ULL << s->ias, IOMMUFD_SVA_PT_DIRTY_NO_CLEAR), 0);
		CHECK_EQ(d.count, 2);
		CHECK(iommufd_sva_gather_empty(&gather));
		CHECK_EQ(DIRTY(iova + 2 * SZ_4K, SZ_2M, 0), 0);
		CHECK_EQ(d.count, 0);
		/* a part of a large leaf */
		CHECK_EQ(DIRTY(iova, 4 * SZ_4K + SZ_2M + SZ_4K, 0), 0);
		CHECK_EQ(d.count, 2);
		CHECK_EQ(d.iova[0], iova + SZ_4K);
		CHECK_EQ(d.len[0], SZ_4K);
		CHECK_EQ(d.iova[1], SZ_1G + SZ_2M);
		CHECK_EQ(d.len[1], SZ_4K);
		CHECK_EQ(gather.start, iova + SZ_4K);
		CHECK_EQ(gather.last, SZ_1G + 2 * SZ_2M - 1);
		CHECK_EQ(DIRTY(0, 1ULL << s->ias, 0), 0);
		CHECK_EQ(d.count, 0);
		/* the hardware sees it clean */
		CHECK(hw_walk(&env, iova + SZ_4K, &hit));
		CHECK_EQ(hit.entry & (s->arch == VTD ? 0x200 : 0x80), 0);
		env_destroy(&env);
	}
}

/* One write-back per run of entries, never one per entry. */
TEST(write_backs_in_batches)
{
	const struct shape *s;
	struct env env;

	for_each_shape(s) {
		struct iommufd_sva_gather gather;

		if (s->coherent)
			continue;
		iommufd_sva_gather_init(&gather);
		CHECK_EQ(env_init(&env, s, SZ_4K), 0);
		/* a page that keeps the table */
		CHECK_EQ(env_map(&env, 0, 0, SZ_4K, IOMMU_READ), 0);
		syncs = 0;
		synced_bytes = 0;
		CHECK_EQ(env_map(&env, SZ_4K, SZ_1G, 511 * SZ_4K, IOMMU_READ), 0);
		CHECK_EQ(syncs, 1);
		CHECK_EQ(synced_bytes, 511 * 8);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, SZ_4K, 511 * SZ_4K, &gather), 511 * SZ_4K);
		CHECK_EQ(syncs, 2);
		CHECK_EQ(synced_bytes, 2 * 511 * 8);
		iommufd_sva_pt_free_gathered(&env.pt, &gather);
		env_destroy(&env);
	}
	syncs = 0;
	CHECK_EQ(env_init(&env, &shapes[2], SZ_4K), 0);
	CHECK_EQ(env_map(&env, 0, 0, SZ_4K, IOMMU_READ), 0);
	CHECK_EQ(syncs, 0);
	env_destroy(&env);
}

static struct env *overtaken;

static void map_neighbour(void)
{
	struct hit hit;

	CHECK_EQ(env_map(overtaken, SZ_4K, SZ_4K, SZ_4K, IOMMU_READ), 0);
	CHECK(hw_walk(overtaken, SZ_4K, &hit));
}

/* Somebody uses a table before who linked it has written the link back. */
TEST(write_back_of_anothers_link)
{
	const struct shape *s;
	struct env env;
	struct hit hit;

	for_each_shape(s) {
		if (s->coherent)
			continue;
		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		overtaken = &env;
		on_entry_sync = map_neighbour;
		CHECK_EQ(env_map(&env, 0, 0, SZ_4K, IOMMU_READ), 0);
		CHECK(!on_entry_sync);
		CHECK(hw_walk(&env, 0, &hit));
		CHECK(hw_walk(&env, SZ_4K, &hit));
		env_destroy(&env);
	}
}

/* ---- unlinked tables that the hardware still knows ---- */

static int vacant_flushes;

static void check_vacant(struct env *env, u64 start, u64 last)
{
	struct hit hit;

	/* the flush comes before the new table, and covers what the old one did */
	CHECK_EQ(start, 0);
	CHECK_EQ(last, SZ_2M - 1);
	CHECK(!hw_walk(env, SZ_2M - SZ_4K, &hit));
	vacant_flushes++;
}

TEST(flush_before_a_table_takes_anothers_place)
{
	const struct shape *s;
	struct env env;
	struct hit hit;

	for_each_shape(s) {
		struct iommufd_sva_gather gather;

		vacant_flushes = 0;
		iommufd_sva_gather_init(&gather);
		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		env.on_flush = check_vacant;
		/* something that keeps the upper tables */
		CHECK_EQ(env_map(&env, SZ_2M, 0, SZ_4K, IOMMU_READ), 0);
		CHECK_EQ(env_map(&env, 0, 0, SZ_4K, IOMMU_READ), 0);
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, 0, SZ_4K, &gather), SZ_4K);
		CHECK(!list_empty(&gather.tables));
		/* elsewhere: no table went there before */
		CHECK_EQ(env_map(&env, 2 * SZ_2M, 0, SZ_4K, IOMMU_READ), 0);
		CHECK_EQ(vacant_flushes, 0);
		CHECK_EQ(env_map(&env, SZ_2M - SZ_4K, SZ_4K, SZ_4K, IOMMU_READ), 0);
		CHECK_EQ(vacant_flushes, 1);
		CHECK(hw_walk(&env, SZ_2M - SZ_4K, &hit));
		iommufd_sva_pt_free_gathered(&env.pt, &gather);

		/* flushed by who unlinked it: nothing to do */
		CHECK_EQ(iommufd_sva_pt_unmap(&env.pt, SZ_2M - SZ_4K, SZ_4K, &gather), SZ_4K);
		iommufd_sva_pt_free_gathered(&env.pt, &gather);
		CHECK_EQ(env_map(&env, 0, 0, SZ_4K, IOMMU_READ), 0);
		CHECK_EQ(vacant_flushes, 1);
		env_destroy(&env);
	}
}

TEST(cleared)
{
	const struct shape *s;
	struct env env;
	struct hit hit;

	for_each_shape(s) {
		u64 top = (1ULL << s->ias) - SZ_4K;

		CHECK_EQ(env_init(&env, s, ALL_SIZES), 0);
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(env_map(&env, 0, 0, SZ_1G, IOMMU_READ), 0);
			CHECK_EQ(env_map(&env, 3 * SZ_1G + SZ_4K, 0, SZ_2M, IOMMU_READ), 0);
			CHECK_EQ(env_map(&env, top, 0, SZ_4K, IOMMU_READ), 0);
			iommufd_sva_pt_clear(&env.pt);
			CHECK(!hw_walk(&env, 0, &hit));
			CHECK(!hw_walk(&env, 3 * SZ_1G + SZ_4K, &hit));
			CHECK(!hw_walk(&env, top, &hit));
			CHECK_EQ(pages_in_use(), s->root_pages);
			CHECK_EQ(iommufd_sva_pt_table_bytes(&env.pt), s->root_pages * SZ_4K);
		}
		env_destroy(&env);
	}
}

/* ---- threads ---- */

#define THREADS		4
#define ROUNDS		1500
#define SLICES		64

struct worker {
	struct env *env;
	int id;
	int rounds;
	bool may_fail;
	u64 window;		/* bytes of one slice */
	void (*flush)(struct env *env, u64 start, u64 last);
	bool (*reach)(struct env *env, u64 iova, struct hit *hit);
};

/* Threads own every THREADS-th slice: neighbours in all tables. */
static void *map_and_unmap(void *arg)
{
	struct worker *w = arg;
	struct env *env = w->env;
	int i;

	rnd_state += 7919 * (w->id + 1);
	rnd(2);
	for (i = 0; i < w->rounds; i++) {
		u64 slice = rnd(SLICES) * THREADS + w->id;
		u64 pages = w->window / SZ_4K;
		u64 first = rnd(pages), count = 1 + rnd(pages - first);
		u64 iova = slice * w->window + first * SZ_4K;
		u64 len = count * SZ_4K, done = 0, at;
		struct iommufd_sva_gather gather;
		struct hit hit;
		int ret;

		ret = env_map(env, iova, SZ_1G + iova, len, IOMMU_READ);
		if (ret) {
			CHECK(w->may_fail && ret == -ENOMEM);
			continue;
		}
		for (at = iova; at < iova + len; at += min(len, (1 + rnd(16)) * SZ_4K))
			if (CHECK(w->reach(env, at, &hit)))
				CHECK_EQ(hit.paddr, SZ_1G + at);
		/* in pieces, flushed together or one by one */
		iommufd_sva_gather_init(&gather);
		while (done < len) {
			u64 piece = min(len - done, (1 + rnd(count)) * SZ_4K);

			if (env->sizes & SZ_2M)	/* a piece would cut a leaf */
				piece = len;

			CHECK_EQ(iommufd_sva_pt_unmap(&env->pt, iova + done, piece, &gather), piece);
			done += piece;
			if (done == len || rnd(2)) {
				sched_yield();	/* let others find it unflushed */
				if (w->flush)
					w->flush(env, gather.start, gather.last);
				iommufd_sva_pt_free_gathered(&env->pt, &gather);
			}
		}
		CHECK(!iommufd_sva_pt_lookup(&env->pt, iova, NULL, NULL, NULL));
	}
	return NULL;
}

static bool stop_reader;

/* Looks everywhere, while tables come and go. */
static void *look(void *arg)
{
	struct worker *w = arg;
	phys_addr_t paddr;
	size_t len;

	while (!READ_ONCE(stop_reader)) {
		u64 iova = rnd(SLICES * THREADS * w->window);

		if (iommufd_sva_pt_lookup(&w->env->pt, iova, &paddr, NULL, NULL))
			CHECK_EQ(paddr, SZ_1G + iova);
		len = SZ_1G;
		iommufd_sva_pt_lookup_run(&w->env->pt, iova, &paddr, &len);
	}
	return NULL;
}

static void run_threads(struct env *env, struct worker template, void *(*reader)(void *))
{
	struct worker workers[THREADS + 1];
	pthread_t threads[THREADS + 1];
	int i;

	stop_reader = false;
	for (i = 0; i <= THREADS; i++) {
		workers[i] = template;
		workers[i].env = env;
		workers[i].id = i;
		if (pthread_create(&threads[i], NULL, i < THREADS ? map_and_unmap : reader,
				   &workers[i]))
			abort();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	WRITE_ONCE(stop_reader, true);
	pthread_join(threads[THREADS], NULL);

	rcu_barrier();
	CHECK_EQ(iommufd_sva_pt_table_bytes(&env->pt), env->shape->root_pages * SZ_4K);
	CHECK_EQ(pages_in_use(), env->shape->root_pages);
}

TEST(threads_on_disjoint_ranges)
{
	static const size_t picks[] = { 2, 4, 5, 9, 11 };
	/* slices smaller than a table, a table, and several, so that all levels move */
	static const u64 windows[] = { 16 * SZ_4K, SZ_2M, 6 * SZ_2M };
	size_t k, i;

	for (k = 0; k < ARRAY_SIZE(picks); k++) {
		for (i = 0; i < ARRAY_SIZE(windows); i++) {
			struct worker w = { .window = windows[i], .reach = hw_walk,
					    .rounds = i == 2 ? ROUNDS / 10 : ROUNDS };
			struct env env;

			CHECK_EQ(env_init(&env, &shapes[picks[k]], k & 1 ? ALL_SIZES : SZ_4K), 0);
			run_threads(&env, w, look);
			env_destroy(&env);
		}
	}
}

TEST(threads_and_failing_allocations)
{
	struct worker w = { .window = 3 * SZ_2M, .reach = hw_walk, .rounds = ROUNDS / 5,
			    .may_fail = true };
	struct env env;

	CHECK_EQ(env_init(&env, &shapes[4], SZ_4K), 0);
	pages_fail_every(7);
	run_threads(&env, w, look);
	pages_fail_every(0);
	env_destroy(&env);
}

/*
 * A VT-d unit (4 levels) whose paging-structure caches forget nothing that they
 * are not told to. A walk starts from the lowest table cached for the address;
 * a missing flush shows as a fault, or as a walk through a freed page.
 */
#define CACHED		((SLICES * THREADS * (u64)SZ_2M >> 21) + 1)

static u64 cached_table[3][CACHED];	/* by level of the table, 4K tables first */
/* Protects the caches; a flush waits for the walks in progress, as in hardware. */
static pthread_mutex_t hw_lock = PTHREAD_MUTEX_INITIALIZER;

static bool caching_walk(struct env *env, u64 iova, struct hit *hit)
{
	u64 table = iommufd_sva_pt_root(&env->pt);
	bool found = false;
	int level;

	pthread_mutex_lock(&hw_lock);
	for (level = 0; level < 3; level++) {
		if (cached_table[level][iova >> (21 + 9 * level)]) {
			table = cached_table[level][iova >> (21 + 9 * level)];
			break;
		}
	}
	for (; ; level--) {
		u64 entry = hw_read(env, table + 8 * (iova >> (12 + 9 * level) & 0x1ff));

		if (!(entry & 3))
			break;
		if (!level || entry & 0x80) {
			u64 offset = (1ULL << (12 + 9 * level)) - 1;

			hit->paddr = (entry & 0xffffffffff000ULL) | (iova & offset);
			found = true;
			break;
		}
		table = entry & 0xffffffffff000ULL;
		cached_table[level - 1][iova >> (21 + 9 * (level - 1))] = table;
	}
	pthread_mutex_unlock(&hw_lock);
	return found;
}

/* Only what is on the way to an address in the range, as PSI with IH clear. */
static void caching_flush(struct env *env, u64 start, u64 last)
{
	u64 i;
	int level;

	(void)env;
	CHECK(start <= last);
	pthread_mutex_lock(&hw_lock);
	for (level = 0; level < 3; level++)
		for (i = start >> (21 + 9 * level);
		     i <= last >> (21 + 9 * level) && i < CACHED; i++)
			cached_table[level][i] = 0;
	pthread_mutex_unlock(&hw_lock);
}

/* A device that reaches for anything, so that the caches fill. */
static void *wander(void *arg)
{
	struct worker *w = arg;
	struct hit hit;

	while (!READ_ONCE(stop_reader))
		caching_walk(w->env, rnd(SLICES * THREADS * w->window), &hit);
	return NULL;
}

TEST(threads_before_caches_that_never_evict)
{
	static const u64 windows[] = { 16 * SZ_4K, SZ_2M };
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(windows); i++) {
		struct worker w = { .window = windows[i / 2], .reach = caching_walk,
				    .flush = caching_flush, .rounds = 2 * ROUNDS };
		struct env env;

		memset(cached_table, 0, sizeof(cached_table));
		CHECK_EQ(env_init(&env, &shapes[2], i & 1 ? ALL_SIZES : SZ_4K), 0);
		env.on_flush = caching_flush;
		run_threads(&env, w, wander);
		env_destroy(&env);
	}
}

TAP_MAIN
