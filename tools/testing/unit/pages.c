// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages for the unit tests. Physical addresses differ from virtual ones, freed
 * pages are poisoned, and failure can be asked for.
 */
#include <linux/mm.h>
#include <pthread.h>
#include <sys/mman.h>

#include "pages.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define poison(p, n)	ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n)	ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define poison(p, n)	((void)(p), (void)(n))
#define unpoison(p, n)	((void)(p), (void)(n))
#endif

#define NR_PAGES	65536UL
#define PHYS_BASE	0x1a0000000ULL
#define CACHE_LINE	64UL

static struct page pages[NR_PAGES];
static char *memory;	/* aligned to its size */
static char *shadow;
static bool used[NR_PAGES];
static unsigned long next_page;
static long in_use;
static long fail_in;
static unsigned int fail_every;
static __thread unsigned int allocs_of_thread;

/* Protects all of the above but what is in the pages. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Protects the writing of the shadow: one cache line at a time is on its way. */
static pthread_mutex_t write_back = PTHREAD_MUTEX_INITIALIZER;

static void *map_memory(size_t size)
{
	char *p = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p + (size - (uintptr_t)p % size) % size;
}

static void __attribute__((constructor)) pages_init(void)
{
	memory = map_memory(NR_PAGES * PAGE_SIZE);
	shadow = map_memory(NR_PAGES * PAGE_SIZE);
	poison(memory, NR_PAGES * PAGE_SIZE);
}

long pages_in_use(void)
{
	return __atomic_load_n(&in_use, __ATOMIC_SEQ_CST);
}

void pages_fail(long nth)
{
	fail_in = nth;
}

void pages_fail_every(unsigned int n)
{
	fail_every = n;
}

static unsigned long index_of(phys_addr_t paddr)
{
	unsigned long index = (paddr - PHYS_BASE) / PAGE_SIZE;

	if (paddr < PHYS_BASE || index >= NR_PAGES) {
		fprintf(stderr, "no such page: %#llx\n", paddr);
		abort();
	}
	return index;
}

bool page_in_use(phys_addr_t paddr)
{
	return __atomic_load_n(&used[index_of(paddr)], __ATOMIC_SEQ_CST);
}

/* The next free run, round and round, so that a freed page stays poisoned long. */
static long find_free(unsigned long count)
{
	unsigned long tried, i, at;

	for (tried = 0; tried < 2 * NR_PAGES; tried++) {
		at = ALIGN(next_page, count);
		if (at + count > NR_PAGES) {
			next_page = 0;
			continue;
		}
		for (i = 0; i < count && !used[at + i]; i++)
			;
		next_page = at + i + (i < count);
		if (i == count)
			return at;
	}
	return -1;
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	unsigned long count = 1UL << order;
	unsigned long i;
	void *p;
	long at;

	(void)nid;
	pthread_mutex_lock(&lock);
	if ((fail_in && !--fail_in) ||
	    (fail_every && !(++allocs_of_thread % fail_every))) {
		pthread_mutex_unlock(&lock);
		return NULL;
	}
	at = find_free(count);
	if (at < 0)
		abort();
	for (i = 0; i < count; i++)
		__atomic_store_n(&used[at + i], true, __ATOMIC_SEQ_CST);
	in_use += count;
	p = memory + at * PAGE_SIZE;
	unpoison(p, count * PAGE_SIZE);
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, count * PAGE_SIZE);
	memset(shadow + at * PAGE_SIZE, 0xff, count * PAGE_SIZE);
	pages[at].private = 0;
	pthread_mutex_unlock(&lock);
	return &pages[at];
}

void __free_pages(struct page *page, unsigned int order)
{
	unsigned long at = page - pages;
	unsigned long count = 1UL << order;
	unsigned long i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < count; i++) {
		if (!used[at + i]) {
			fprintf(stderr, "page freed twice\n");
			abort();
		}
		__atomic_store_n(&used[at + i], false, __ATOMIC_SEQ_CST);
	}
	in_use -= count;
	memset(memory + at * PAGE_SIZE, 0xdb, count * PAGE_SIZE);
	poison(memory + at * PAGE_SIZE, count * PAGE_SIZE);
	pthread_mutex_unlock(&lock);
}

void *page_address(const struct page *page)
{
	return memory + (page - pages) * PAGE_SIZE;
}

struct page *virt_to_page(const void *addr)
{
	return &pages[((const char *)addr - memory) / PAGE_SIZE];
}

phys_addr_t virt_to_phys(const void *addr)
{
	return PHYS_BASE + ((const char *)addr - memory);
}

void *phys_to_virt(phys_addr_t paddr)
{
	return memory + (paddr - PHYS_BASE);
}

u64 pages_shadow_read(phys_addr_t paddr)
{
	index_of(paddr);
	return __atomic_load_n((u64 *)(shadow + (paddr - PHYS_BASE)), __ATOMIC_ACQUIRE);
}

/*
 * A cache line is written back as a whole: without the lock one thread could put
 * what it had read of a line over what another wrote and synced since.
 */
void pages_shadow_sync(void *addr, size_t len)
{
	size_t start = ((char *)addr - memory) & ~(CACHE_LINE - 1);
	size_t end = ALIGN((char *)addr - memory + len, CACHE_LINE);

	pthread_mutex_lock(&write_back);
	for (; start < end; start += sizeof(u64))
		__atomic_store_n((u64 *)(shadow + start),
				 __atomic_load_n((u64 *)(memory + start), __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	pthread_mutex_unlock(&write_back);
}
