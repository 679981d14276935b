// SPDX-License-Identifier: GPL-2.0-only
#include "ssim.h"

#define ENTRIES		4096

struct bench b;
struct sim_reply reply;
static u8 ram[RAM_SIZE] __aligned(8);
static struct ssim_entry entries[ENTRIES];
static u64 next_page;
static u32 event_cons;

static int check(u64 phys, size_t len)
{
	if (phys < RAM || phys + len > RAM + RAM_SIZE)
		return -EFAULT;
	return b.abort && phys >> 12 == b.abort >> 12 ? -EFAULT : 0;
}

static int mem_read(struct ssim *u, u64 phys, void *buf, size_t len)
{
	(void)u;
	if (check(phys, len))
		return -EFAULT;
	memcpy(buf, ram + (phys - RAM), len);
	return 0;
}

static int mem_read_clean(struct ssim *u, u64 phys, void *buf, size_t len)
{
	int rc = mem_read(u, phys, buf, len);

	return rc ? rc : b.dirty && phys >> 12 == b.dirty >> 12;
}

static int mem_write(struct ssim *u, u64 phys, const void *buf, size_t len)
{
	(void)u;
	if (check(phys, len))
		return -EFAULT;
	memcpy(ram + (phys - RAM), buf, len);
	return 0;
}

static int exchange(struct ssim *u, u64 phys, u64 old, u64 new)
{
	(void)u;
	if (check(phys, 8))
		return -EFAULT;
	if (get64(phys) != old)
		return 0;
	put64(phys, new);
	return 1;
}

static void irq(struct ssim *u, enum ssim_irq which)
{
	(void)u;
	b.irqs[which]++;
}

static void kick(struct ssim *u, unsigned int ms)
{
	(void)u;
	(void)ms;
	b.kicks++;
}

static bool atc_invalidate(struct ssim *u, u32 sid, u32 ssid, u64 addr, u64 length, bool global)
{
	(void)u;
	b.atc_invs++;
	b.atc_sid = sid;
	b.atc_ssid = ssid;
	b.atc_addr = addr;
	b.atc_length = length;
	b.atc_global = global;
	return !b.atc_silent;
}

static void page_response(struct ssim *u, u32 sid, u32 ssid, u16 group, enum sim_status code)
{
	(void)u;
	b.responses++;
	b.resp_sid = sid;
	b.resp_ssid = ssid;
	b.resp_group = group;
	b.resp_code = code;
}

static void wake(struct ssim *u)
{
	(void)u;
	b.wakes++;
}

static u64 now(struct ssim *u)
{
	(void)u;
	return b.now;
}

static const struct ssim_ops ops = {
	.read = mem_read,
	.read_clean = mem_read_clean,
	.write = mem_write,
	.exchange = exchange,
	.irq = irq,
	.kick = kick,
	.atc_invalidate = atc_invalidate,
	.page_response = page_response,
	.wake = wake,
	.now = now,
};

u64 get64(u64 phys)
{
	u64 value;

	memcpy(&value, ram + (phys - RAM), 8);
	return value;
}

void put64(u64 phys, u64 value)
{
	memcpy(ram + (phys - RAM), &value, 8);
}

u64 new_pages(unsigned int num)
{
	u64 page = ALIGN(next_page, (u64)num << 12);

	next_page = page + ((u64)num << 12);
	if (next_page > DATA)
		abort();
	memset(ram + (page - RAM), 0, num << 12);
	return page;
}

u32 reg(u32 offset)
{
	return ssim_read(&b.u, offset);
}

void set_reg(u32 offset, u32 value)
{
	ssim_write(&b.u, offset, value);
}

void set_reg64(u32 offset, u64 value)
{
	set_reg(offset, value);
	set_reg(offset + 4, value >> 32);
}

void bench_init(const char *words)
{
	struct ssim_features f;
	char copy[256], *word;

	memset(&b, 0, sizeof(b));
	memset(ram, 0, DATA - RAM);
	next_page = RAM + 0x100000;
	event_cons = 0;
	ssim_features_default(&f);
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		if (ssim_features_parse(&f, word)) {
			fprintf(stderr, "%s?\n", word);
			abort();
		}
	}
	ssim_init(&b.u, &ops, &f, entries, ENTRIES);
}

void bench_start(const char *words)
{
	u32 enables = CR0_CMDQEN | CR0_EVENTQEN;

	bench_init(words);
	set_reg64(R_STRTAB_BASE, STRTAB);
	set_reg(R_STRTAB_BASE_CFG, 6);
	set_reg(R_CR2, CR2_RECINVSID);
	set_reg64(R_CMDQ_BASE, CMDQ | 4);
	set_reg64(R_EVENTQ_BASE, EVENTQ | 3);
	if (b.u.f.idr[0] & IDR0_PRI) {
		set_reg64(R_PRIQ_BASE, PRIQ | 2);
		set_reg(R_PRIQ_IRQ_CFG2, 0);
		enables |= CR0_PRIQEN;
	}
	set_reg(R_IRQ_CTRL, IRQ_GERROR | IRQ_EVENTQ | IRQ_PRIQ);
	reg(R_IRQ_CTRLACK);
	set_reg(R_CR0, enables);
	reg(R_CR0ACK);
	set_reg(R_CR0, enables | CR0_SMMUEN);
	reg(R_CR0ACK);
}

u32 command(u64 word0, u64 word1)
{
	u32 prod = reg(R_CMDQ_PROD), mask = (2U << (reg(R_CMDQ_BASE) & 31)) - 1, cons;
	u64 slot = CMDQ + 16 * (prod & (mask >> 1));

	put64(slot, word0);
	put64(slot + 8, word1);
	set_reg(R_CMDQ_PROD, (prod + 1) & mask);
	cons = reg(R_CMDQ_CONS);
	if (!((reg(R_GERROR) ^ reg(R_GERRORN)) & GERROR_CMDQ))
		return CERROR_NONE;
	/* In its place one that does nothing. */
	put64(slot, CMD_PREFETCH_CONFIG);
	put64(slot + 8, 0);
	set_reg(R_GERRORN, reg(R_GERRORN) ^ GERROR_CMDQ);
	reg(R_CMDQ_CONS);
	return FIELD_GET(CMDQ_CONS_ERR, cons);
}

u32 do_sync(void)
{
	return command(CMD_SYNC, 0);
}

struct wanted {
	const char *name;
	u64 value;
};

static void is_wanted(void *arg, const char *name, u64 value)
{
	struct wanted *w = arg;

	if (!strcmp(w->name, name))
		w->value = value;
}

u64 counter(const char *name)
{
	struct wanted w = { .name = name };

	ssim_count_each(&b.u, false, is_wanted, &w);
	return w.value;
}

bool next_event(u64 *event)
{
	u32 mask = (2U << (reg(R_EVENTQ_BASE) & 31)) - 1, prod = reg(R_EVENTQ_PROD);
	unsigned int i;

	if ((prod & mask) == (event_cons & mask))
		return false;
	for (i = 0; i < 4; i++)
		event[i] = get64(EVENTQ + 32 * (event_cons & (mask >> 1)) + 8 * i);
	event_cons = (event_cons + 1) & mask;
	set_reg(R_EVENTQ_CONS, event_cons | (prod & Q_OVF));
	return true;
}

u8 event_id(const u64 *event)
{
	return FIELD_GET(EVENT_0_ID, event[0]);
}

void put_ste(u32 sid, u64 w0, u64 w1, u64 w2, u64 w3)
{
	u64 at = STRTAB + 64 * sid;

	put64(at, w0);
	put64(at + 8, w1);
	put64(at + 16, w2);
	put64(at + 24, w3);
}

void put_cd(u64 at, u64 w0, u64 w1, u64 w2)
{
	put64(at, w0);
	put64(at + 8, w1);
	put64(at + 16, w2);
}

struct table new_table(unsigned int tg, int start, unsigned int in, u64 offset)
{
	unsigned int shift = tg + (3 - start) * (tg - 3), bytes = in - shift + 3;
	unsigned int pages = bytes > 12 ? 1U << (bytes - 12) : 1;
	struct table t = { .tg = tg, .start = start, .in = in, .offset = offset };

	if (tg > 12 && pages < 1U << (tg - 12))
		pages = 1U << (tg - 12);
	t.root = new_pages(pages) - offset;
	return t;
}

u64 descriptor(const struct table *t, u64 addr, int level)
{
	u64 table = t->root + t->offset;
	int at;

	for (at = t->start; ; at++) {
		unsigned int shift = t->tg + (3 - at) * (t->tg - 3);
		u64 bits = at == t->start ? t->in - shift : t->tg - 3;
		u64 slot = table + 8 * ((addr >> shift) & ((1ULL << bits) - 1));

		if (at == level)
			return slot;
		if (!(get64(slot) & 1))
			put64(slot, (new_pages(1U << (t->tg - 12)) - t->offset) | 3);
		table = (get64(slot) & GENMASK_ULL(47, 12)) + t->offset;
	}
}

void map(const struct table *t, u64 addr, int level, u64 out, u64 attrs)
{
	put64(descriptor(t, addr, level), out | attrs | (level == 3 ? 3 : 1));
}

struct table new_s2(void)
{
	struct table t = new_table(12, 0, 48, 0);
	u64 phys;

	for (phys = RAM; phys < RAM + RAM_SIZE; phys += SZ_2M)
		map(&t, phys - IPA_OFFSET, 2, phys, S2_RW);
	return t;
}

static enum sim_status request(u32 sid, u32 ssid, u64 addr, u32 flags, enum sim_at at, void *buf,
			       size_t len)
{
	struct sim_request req = {
		.rid = sid, .pasid = ssid, .flags = flags, .at = at, .addr = addr,
	};

	ssim_access(&b.u, sid, &req, buf, len, &reply);
	return reply.status;
}

enum sim_status dma(u32 sid, u32 ssid, u64 addr, u32 flags)
{
	u64 value = 0;

	return request(sid, ssid, addr, flags, SIM_AT_UNTRANSLATED, &value, sizeof(value));
}

enum sim_status dma_read(u32 sid, u64 addr, u64 *value)
{
	return request(sid, NO_SSID, addr, 0, SIM_AT_UNTRANSLATED, value, 8);
}

enum sim_status dma_write(u32 sid, u64 addr, u64 value)
{
	return request(sid, NO_SSID, addr, SIM_DMA_WRITE, SIM_AT_UNTRANSLATED, &value, 8);
}

enum sim_status ats(u32 sid, u32 ssid, u64 addr, u32 flags)
{
	return request(sid, ssid, addr, flags, SIM_AT_TRANSLATION, NULL, 0);
}

enum sim_status dma_translated(u32 sid, u64 addr, u32 flags)
{
	u64 value = 0;

	return request(sid, NO_SSID, addr, flags, SIM_AT_TRANSLATED, &value, sizeof(value));
}
