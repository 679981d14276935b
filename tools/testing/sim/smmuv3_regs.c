// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers (6.3), global errors (7.5), interrupts (3.18), and what can be set of a unit.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

#define TICK_MS		1

/* --- counters and faults on demand ----------------------------------------------- */

/* @name is a string literal, or lives as long. */
void ssim_count(struct ssim *u, const char *name)
{
	unsigned int i, num;

	for (i = 0; i < SSIM_COUNTERS && u->counters[i].name; i++) {
		if (u->counters[i].name == name) {
			u->counters[i].value++;
			return;
		}
	}
	/* New, or the same text from elsewhere. */
	num = i;
	for (i = 0; i < num && strcmp(u->counters[i].name, name); i++)
		;
	if (i < SSIM_COUNTERS) {
		u->counters[i].name = name;
		u->counters[i].value++;
	}
}

void ssim_count_each(struct ssim *u, bool reset,
		     void (*emit)(void *arg, const char *name, u64 value), void *arg)
{
	unsigned int i;

	for (i = 0; i < SSIM_COUNTERS && u->counters[i].name; i++) {
		emit(arg, u->counters[i].name, u->counters[i].value);
		if (reset)
			u->counters[i].value = 0;
	}
}

int ssim_inject(struct ssim *u, enum sim_fault fault, u32 count, u64 arg)
{
	if (fault >= SIM_FAULTS || (fault == SIM_FAULT_LATE && arg > 60000))
		return -EINVAL;
	u->faults[fault] = count;
	if (fault == SIM_FAULT_LATE)
		u->late_ms = arg;
	if (fault == SIM_FAULT_STUCK && !count)
		u->stuck = false;
	if (fault == SIM_FAULT_LOST && !count)
		u->sync_lost = false;
	if (fault == SIM_FAULT_PRQ_LATE && !count)
		ssim_page_requests_arrive(u, 0, true);
	u->ops->kick(u, TICK_MS);
	return 0;
}

/* Is it to happen now? */
bool ssim_take_fault(struct ssim *u, enum sim_fault fault)
{
	if (!u->faults[fault])
		return false;
	u->faults[fault]--;
	return true;
}

/*
 * Read what the unit's own driver has written: its queue, stream table, and tables of
 * stage 2 (and of stage 1, where there is no stage 2). Not what a guest has: that
 * cleans by itself what it writes, if it must.
 */
int ssim_fetch(struct ssim *u, u64 phys, void *buf, size_t len)
{
	int rc;

	if (u->f.idr[0] & IDR0_COHACC)
		return u->ops->read(u, phys, buf, len);
	rc = u->ops->read_clean(u, phys, buf, len);
	if (rc > 0)
		ssim_count(u, "bad.unflushed");
	return rc < 0 ? rc : 0;
}

/* --- what a unit is ------------------------------------------------------------------ */

unsigned int ssim_size_bits(unsigned int code)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };

	return bits[code & 7];
}

unsigned int ssim_oas(struct ssim *u)
{
	return ssim_size_bits(FIELD_GET(IDR5_OAS, u->f.idr[5]));
}

void ssim_features_default(struct ssim_features *f)
{
	memset(f, 0, sizeof(*f));
	f->idr[0] = IDR0_S2P | IDR0_S1P | IDR0_TTF_AARCH64 | IDR0_COHACC |
		    FIELD_PREP(IDR0_HTTU, 2) | IDR0_ATS | IDR0_ASID16 | IDR0_PRI |
		    IDR0_VMID16 | IDR0_CD2L | IDR0_TTENDIAN_LITTLE | IDR0_ST_LEVEL_2LVL;
	f->idr[1] = FIELD_PREP(IDR1_SIDSIZE, 17) | FIELD_PREP(IDR1_SSIDSIZE, 20) |
		    FIELD_PREP(IDR1_PRIQS, 19) | FIELD_PREP(IDR1_EVENTQS, 19) |
		    FIELD_PREP(IDR1_CMDQS, 19) | IDR1_ATTR_PERMS_OVR | IDR1_ATTR_TYPES_OVR;
	f->idr[3] = IDR3_HAD | IDR3_XNX | IDR3_PPS | IDR3_FWB | IDR3_RIL |
		    FIELD_PREP(IDR3_BBML, 2);
	f->idr[5] = FIELD_PREP(IDR5_OAS, 5) | IDR5_GRAN4K | IDR5_GRAN16K | IDR5_GRAN64K |
		    FIELD_PREP(IDR5_STALL_MAX, SSIM_STALLS);
	f->aidr = 2;	/* SMMUv3.2 */
	f->segment = 0x100;
}

/* "WORD": set; "-WORD": clear. */
static const struct {
	const char *word;
	unsigned int idr;
	u32 bits;
} flags[] = {
	{ "S1P", 0, IDR0_S1P },
	{ "S2P", 0, IDR0_S2P },
	{ "COHACC", 0, IDR0_COHACC },
	{ "HYP", 0, IDR0_HYP },
	{ "ATS", 0, IDR0_ATS },
	{ "NS1ATS", 0, IDR0_NS1ATS },
	{ "ASID16", 0, IDR0_ASID16 },
	{ "MSI", 0, IDR0_MSI },
	{ "SEV", 0, IDR0_SEV },
	{ "PRI", 0, IDR0_PRI },
	{ "VMID16", 0, IDR0_VMID16 },
	{ "CD2L", 0, IDR0_CD2L },
	{ "TERM_MODEL", 0, IDR0_TERM_MODEL },
	{ "2LVL", 0, IDR0_ST_LEVEL_2LVL },
	{ "ATTR_PERMS_OVR", 1, IDR1_ATTR_PERMS_OVR },
	{ "ATTR_TYPES_OVR", 1, IDR1_ATTR_TYPES_OVR },
	{ "HAD", 3, IDR3_HAD },
	{ "XNX", 3, IDR3_XNX },
	{ "PPS", 3, IDR3_PPS },
	{ "S2FWB", 3, IDR3_FWB },
	{ "RIL", 3, IDR3_RIL },
	{ "4K", 5, IDR5_GRAN4K },
	{ "16K", 5, IDR5_GRAN16K },
	{ "64K", 5, IDR5_GRAN64K },
};

/* "WORD=NUMBER" */
static const struct {
	const char *word;
	unsigned int idr;
	u32 field;
	u32 max;
} fields[] = {
	{ "httu", 0, IDR0_HTTU, 2 },
	{ "stall_model", 0, IDR0_STALL_MODEL, 2 },
	{ "sidsize", 1, IDR1_SIDSIZE, 32 },
	{ "ssidsize", 1, IDR1_SSIDSIZE, 20 },
	{ "priqs", 1, IDR1_PRIQS, 19 },
	{ "eventqs", 1, IDR1_EVENTQS, 19 },
	{ "cmdqs", 1, IDR1_CMDQS, 19 },
	{ "bbml", 3, IDR3_BBML, 2 },
};

static u32 shifted(u32 mask, u32 value)
{
	while (!(mask & 1)) {
		mask >>= 1;
		value <<= 1;
	}
	return value;
}

static bool number(const char *s, u32 *value)
{
	unsigned int base = 10, digit;
	u64 v = 0;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		digit = *s >= 'a' ? *s - 'a' + 10 : (unsigned int)(*s - '0');
		if (digit >= base || v > 0xffffffffULL)
			return false;
		v = v * base + digit;
	}
	*value = v;
	return v <= 0xffffffffULL;
}

static int parse_number(struct ssim_features *f, const char *word, size_t len, u32 value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].word) != len || strncmp(word, fields[i].word, len))
			continue;
		if (value > fields[i].max)
			return -EINVAL;
		f->idr[fields[i].idr] &= ~fields[i].field;
		f->idr[fields[i].idr] |= shifted(fields[i].field, value);
		return 0;
	}
	if (len == 3 && !strncmp(word, "oas", 3)) {
		for (i = 0; i < 7; i++) {
			if (ssim_size_bits(i) != value)
				continue;
			f->idr[5] = (f->idr[5] & ~IDR5_OAS) | FIELD_PREP(IDR5_OAS, i);
			return 0;
		}
		return -EINVAL;
	}
	if (len == 7 && !strncmp(word, "segment", 7))
		f->segment = value;
	else if (len == 8 && !strncmp(word, "sid_base", 8))
		f->sid_base = value;
	else
		return -EINVAL;
	return 0;
}

/**
 * ssim_features_parse - one word about a unit
 * @f: in, out
 * @word: "NAME" (has it), "-NAME" (has not), "NAME=NUMBER"; see smmuv3.md
 *
 * Return: 0, -EINVAL
 */
int ssim_features_parse(struct ssim_features *f, const char *word)
{
	const char *equals = strchr(word, '=');
	bool on = word[0] != '-';
	unsigned int i;
	u32 value;

	if (equals)
		return number(equals + 1, &value) ?
			parse_number(f, word, equals - word, value) : -EINVAL;
	word += !on;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(word, flags[i].word))
			continue;
		if (on)
			f->idr[flags[i].idr] |= flags[i].bits;
		else
			f->idr[flags[i].idr] &= ~flags[i].bits;
		return 0;
	}
	if (!strcmp(word, "linear"))
		f->idr[0] = on ? f->idr[0] & ~IDR0_ST_LEVEL_2LVL : f->idr[0] | IDR0_ST_LEVEL_2LVL;
	else if (!strcmp(word, "vmid8"))
		f->idr[0] = on ? f->idr[0] & ~IDR0_VMID16 : f->idr[0] | IDR0_VMID16;
	else if (!strcmp(word, "asid8"))
		f->idr[0] = on ? f->idr[0] & ~IDR0_ASID16 : f->idr[0] | IDR0_ASID16;
	else if (!strcmp(word, "canwbs"))
		f->canwbs = on;
	else if (!strcmp(word, "combined"))
		f->combined = on;
	else if (!strcmp(word, "gbpa_abort"))
		f->gbpa_abort = on;
	else if (!strcmp(word, "rc_ats"))
		f->noats = !on;
	else
		return -EINVAL;
	return 0;
}

void ssim_init(struct ssim *u, const struct ssim_ops *ops, const struct ssim_features *f,
	       struct ssim_entry *entries, unsigned int num_entries)
{
	memset(u, 0, sizeof(*u));
	u->ops = ops;
	u->f = *f;
	u->gbpa = f->gbpa_abort ? GBPA_ABORT : 0;
	/* 6.3.36: unknown after reset. */
	u->msi[SSIM_IRQ_PRIQ].attr = f->idr[0] & IDR0_PRI ? PRIQ_CFG2_LO : 0;
	ssim_cache_init(u, entries, num_entries);
}

/* --- errors and interrupts -------------------------------------------------------------- */

/* 7.5: active while GERROR and GERRORN differ. */
void ssim_gerror(struct ssim *u, u32 error)
{
	if ((u->gerror ^ u->gerrorn) & error)
		return;
	u->gerror ^= error;
	ssim_irq(u, SSIM_IRQ_GERROR);
}

static u32 irq_enable(enum ssim_irq irq)
{
	switch (irq) {
	case SSIM_IRQ_EVENTQ:
		return IRQ_EVENTQ;
	case SSIM_IRQ_PRIQ:
		return IRQ_PRIQ;
	case SSIM_IRQ_GERROR:
		return IRQ_GERROR;
	default:
		return 0;
	}
}

static u32 msi_error(enum ssim_irq irq)
{
	switch (irq) {
	case SSIM_IRQ_EVENTQ:
		return GERROR_MSI_EVENTQ_ABT;
	case SSIM_IRQ_PRIQ:
		return GERROR_MSI_PRIQ_ABT;
	default:
		return GERROR_MSI_GERROR_ABT;
	}
}

/* 3.18: an edge. One that comes while it is not enabled is lost. */
void ssim_irq(struct ssim *u, enum ssim_irq irq)
{
	const struct ssim_msi *msi = &u->msi[irq];
	__le32 data = cpu_to_le32(msi->data);

	if (irq != SSIM_IRQ_SYNC && !(u->irq_ctrlack & irq_enable(irq)))
		return;
	if (ssim_take_fault(u, SIM_FAULT_IRQ_LOST)) {
		ssim_count(u, "irqs_lost");
		return;
	}
	ssim_count(u, "irqs");
	if (!(u->f.idr[0] & IDR0_MSI) || !msi->addr || irq == SSIM_IRQ_SYNC) {
		u->ops->irq(u, irq);
		return;
	}
	ssim_count(u, "msi");
	if (u->ops->write(u, msi->addr, &data, sizeof(data)))
		ssim_gerror(u, msi_error(irq));
}

/* --- handshakes --------------------------------------------------------------------------- */

static void settle_cr0(struct ssim *u)
{
	u32 off = u->cr0ack & ~u->cr0;

	if (u->cr0 == u->cr0ack || u->stuck)
		return;
	if (off & CR0_CMDQEN)
		ssim_cmdq_disable(u);
	/* 6.3.9.6: nothing waits in a unit that is off. */
	if (off & CR0_SMMUEN)
		ssim_stall_terminate(u, 0, true);
	u->cr0ack = u->cr0;
	ssim_events_flush(u);
}

static void settle(struct ssim *u)
{
	if (u->stuck)
		return;
	settle_cr0(u);
	u->irq_ctrlack = u->irq_ctrl;
	if (u->gbpa & GBPA_UPDATE)
		u->gbpa = u->gbpa_next;
}

/* What hardware does in its own time. */
void ssim_tick(struct ssim *u)
{
	settle(u);
	ssim_cmdq_run(u, U32_MAX);
}

static void begin_handshake(struct ssim *u)
{
	u->stuck = ssim_take_fault(u, SIM_FAULT_STUCK);
	u->ops->kick(u, TICK_MS);
}

static void write_cr0(struct ssim *u, u32 value)
{
	u32 writable = CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN;

	if (u->f.idr[0] & IDR0_ATS)
		writable |= CR0_ATSCHK;
	if (u->f.idr[0] & IDR0_PRI)
		writable |= CR0_PRIQEN;
	value &= writable;
	/* 6.3.9: a bit is not changed again before CR0ACK has followed. */
	if ((value ^ u->cr0) & (u->cr0 ^ u->cr0ack))
		ssim_count(u, "bad.CR0");
	u->cr0 = value;
	if (u->cr0 != u->cr0ack)
		begin_handshake(u);
}

static void write_gbpa(struct ssim *u, u32 value)
{
	/* 6.3.15: not while an update is under way, and only with Update. */
	if ((u->gbpa & GBPA_UPDATE) || !(value & GBPA_UPDATE)) {
		ssim_count(u, "bad.GBPA");
		return;
	}
	u->gbpa_next = value & ~GBPA_UPDATE;
	u->gbpa |= GBPA_UPDATE;
	begin_handshake(u);
}

static void write_irq_ctrl(struct ssim *u, u32 value)
{
	value &= IRQ_GERROR | IRQ_EVENTQ | (u->f.idr[0] & IDR0_PRI ? IRQ_PRIQ : 0);
	if ((value ^ u->irq_ctrl) & (u->irq_ctrl ^ u->irq_ctrlack))
		ssim_count(u, "bad.IRQ_CTRL");
	u->irq_ctrl = value;
	if (u->irq_ctrl != u->irq_ctrlack)
		begin_handshake(u);
}

static void write_gerrorn(struct ssim *u, u32 value)
{
	u32 changed = value ^ u->gerrorn;

	/* 6.3.19: only what is active may be acknowledged. */
	if (changed & ~(u->gerror ^ u->gerrorn))
		ssim_count(u, "bad.GERRORN");
	u->gerrorn = value;
	/* 7.1: the error is gone, and the queue goes on. */
	if (changed & GERROR_CMDQ)
		u->ops->kick(u, TICK_MS);
	if (changed & GERROR_EVENTQ_ABT)
		ssim_events_flush(u);
}

/* --- registers ------------------------------------------------------------------------------ */

static bool enabled(struct ssim *u, u32 bits)
{
	return (u->cr0 | u->cr0ack) & bits;
}

/* A register that must not be written now. */
static bool guarded(struct ssim *u, bool guard, const char *bad)
{
	if (guard)
		ssim_count(u, bad);
	return guard;
}

static void set_half(u64 *reg, bool high, u32 value)
{
	*reg = high ? (*reg & 0xffffffffULL) | (u64)value << 32 :
		      (*reg & ~0xffffffffULL) | value;
}

/* 3.5.1: indices are within what LOG2SIZE leaves. */
static u32 index_bits(const struct ssim_queue *q)
{
	return (2U << FIELD_GET(Q_BASE_LOG2SIZE, q->base)) - 1;
}

static void set_queue_base(struct ssim_queue *q, u32 max_log2, bool high, u32 value)
{
	set_half(&q->base, high, value);
	if (FIELD_GET(Q_BASE_LOG2SIZE, q->base) > max_log2)
		q->base = (q->base & ~Q_BASE_LOG2SIZE) | max_log2;
}

static void write_cmdq_prod(struct ssim *u, u32 value)
{
	struct ssim_queue *q = &u->cmdq;
	u32 size = (index_bits(q) + 1) / 2;
	u32 had = (q->prod - q->cons) & index_bits(q);
	u32 has = (value - q->cons) & index_bits(q);

	q->prod = value & 0xfffff;
	if (!enabled(u, CR0_CMDQEN))
		return;
	ssim_count(u, "batches");
	/* 7.1: back only while an error is active. */
	if (has > size || (has < had && !((u->gerror ^ u->gerrorn) & GERROR_CMDQ)))
		ssim_count(u, "bad.CMDQ_PROD");
	/* 3.5.2: what PROD says is there is read, maybe at once. */
	ssim_cmdq_run(u, 1);
	u->ops->kick(u, TICK_MS);
}

/* Software has read records up to here. */
static void write_cons(struct ssim *u, struct ssim_queue *q, u32 value, const char *bad)
{
	u32 had = (q->prod - q->cons) & index_bits(q);
	u32 has = (q->prod - value) & index_bits(q);

	if (has > had)
		ssim_count(u, bad);
	q->cons = value & (Q_OVF | 0xfffff);
}

static void write_msi(struct ssim *u, enum ssim_irq irq, unsigned int word, u32 value,
		      const char *bad)
{
	struct ssim_msi *msi = &u->msi[irq];

	if (!(u->f.idr[0] & IDR0_MSI) && !(irq == SSIM_IRQ_PRIQ && word == 3))
		return;
	if (guarded(u, (u->irq_ctrl | u->irq_ctrlack) & irq_enable(irq), bad))
		return;
	if (word < 2)
		set_half(&msi->addr, word, value);
	else if (word == 2)
		msi->data = value;
	else
		msi->attr = value;
	msi->addr &= GENMASK_ULL(51, 2);
}

static u32 read_msi(struct ssim *u, enum ssim_irq irq, unsigned int word)
{
	const struct ssim_msi *msi = &u->msi[irq];

	if (word < 2)
		return msi->addr >> (32 * word);
	return word == 2 ? msi->data : msi->attr;
}

/**
 * ssim_write - a 32-bit register is written
 * @u: the unit
 * @reg: its offset
 * @value: what
 */
void ssim_write(struct ssim *u, u32 reg, u32 value)
{
	u32 queues = CR0_CMDQEN | CR0_EVENTQEN | CR0_PRIQEN;
	bool pri = u->f.idr[0] & IDR0_PRI;

	switch (reg) {
	case R_CR0:
		write_cr0(u, value);
		break;
	case R_CR1:
		if (!guarded(u, ((value ^ u->cr1) & CR1_TABLE && enabled(u, CR0_SMMUEN)) ||
			     ((value ^ u->cr1) & CR1_QUEUE && enabled(u, queues)), "bad.CR1"))
			u->cr1 = value & (CR1_TABLE | CR1_QUEUE);
		break;
	case R_CR2:
		if (!guarded(u, enabled(u, CR0_SMMUEN), "bad.CR2"))
			u->cr2 = value & (CR2_E2H | CR2_RECINVSID | CR2_PTM | CR2_REC_CFG_ATS);
		break;
	case R_GBPA:
		write_gbpa(u, value);
		break;
	case R_IRQ_CTRL:
		write_irq_ctrl(u, value);
		break;
	case R_GERRORN:
		write_gerrorn(u, value);
		break;
	case R_GERROR_IRQ_CFG0 ... R_GERROR_IRQ_CFG2:
		write_msi(u, SSIM_IRQ_GERROR, (reg - R_GERROR_IRQ_CFG0) / 4, value,
			  "bad.GERROR_IRQ_CFG");
		break;
	case R_STRTAB_BASE:
	case R_STRTAB_BASE + 4:
		if (!guarded(u, enabled(u, CR0_SMMUEN), "bad.STRTAB_BASE"))
			set_half(&u->strtab_base, reg != R_STRTAB_BASE, value);
		break;
	case R_STRTAB_BASE_CFG:
		if (!guarded(u, enabled(u, CR0_SMMUEN), "bad.STRTAB_BASE_CFG"))
			u->strtab_cfg = value;
		break;
	case R_CMDQ_BASE:
	case R_CMDQ_BASE + 4:
		if (!guarded(u, enabled(u, CR0_CMDQEN), "bad.CMDQ_BASE"))
			set_queue_base(&u->cmdq, FIELD_GET(IDR1_CMDQS, u->f.idr[1]),
				       reg != R_CMDQ_BASE, value);
		break;
	case R_CMDQ_PROD:
		write_cmdq_prod(u, value);
		break;
	case R_CMDQ_CONS:
		if (!guarded(u, enabled(u, CR0_CMDQEN), "bad.CMDQ_CONS"))
			u->cmdq.cons = value & (CMDQ_CONS_ERR | 0xfffff);
		break;
	case R_EVENTQ_BASE:
	case R_EVENTQ_BASE + 4:
		if (!guarded(u, enabled(u, CR0_EVENTQEN), "bad.EVENTQ_BASE"))
			set_queue_base(&u->eventq, FIELD_GET(IDR1_EVENTQS, u->f.idr[1]),
				       reg != R_EVENTQ_BASE, value);
		break;
	case R_EVENTQ_PROD:
		if (!guarded(u, enabled(u, CR0_EVENTQEN), "bad.EVENTQ_PROD"))
			u->eventq.prod = value & (Q_OVF | 0xfffff);
		break;
	case R_EVENTQ_CONS:
		if (!enabled(u, CR0_EVENTQEN)) {
			u->eventq.cons = value & (Q_OVF | 0xfffff);
			break;
		}
		write_cons(u, &u->eventq, value, "bad.EVENTQ_CONS");
		ssim_events_flush(u);
		break;
	case R_EVENTQ_IRQ_CFG0 ... R_EVENTQ_IRQ_CFG2:
		write_msi(u, SSIM_IRQ_EVENTQ, (reg - R_EVENTQ_IRQ_CFG0) / 4, value,
			  "bad.EVENTQ_IRQ_CFG");
		break;
	case R_PRIQ_BASE:
	case R_PRIQ_BASE + 4:
		if (pri && !guarded(u, enabled(u, CR0_PRIQEN), "bad.PRIQ_BASE"))
			set_queue_base(&u->priq, FIELD_GET(IDR1_PRIQS, u->f.idr[1]),
				       reg != R_PRIQ_BASE, value);
		break;
	case R_PRIQ_PROD:
		if (pri && !guarded(u, enabled(u, CR0_PRIQEN), "bad.PRIQ_PROD"))
			u->priq.prod = value & (Q_OVF | 0xfffff);
		break;
	case R_PRIQ_CONS:
		if (!pri)
			break;
		if (enabled(u, CR0_PRIQEN))
			write_cons(u, &u->priq, value, "bad.PRIQ_CONS");
		else
			u->priq.cons = value & (Q_OVF | 0xfffff);
		break;
	case R_PRIQ_IRQ_CFG0 ... R_PRIQ_IRQ_CFG2:
		if (pri)
			write_msi(u, SSIM_IRQ_PRIQ, (reg - R_PRIQ_IRQ_CFG0) / 4, value,
				  "bad.PRIQ_IRQ_CFG");
		break;
	default:
		/* Read-only, reserved, or in page 0 what belongs to page 1. */
		ssim_count(u, "bad.write");
		break;
	}
}

/**
 * ssim_read - a 32-bit register is read
 * @u: the unit
 * @reg: its offset
 */
u32 ssim_read(struct ssim *u, u32 reg)
{
	switch (reg) {
	case R_IDR0 ... R_IDR5:
		return u->f.idr[reg / 4];
	case R_AIDR:
		return u->f.aidr;
	case R_CR0:
		return u->cr0;
	case R_CR0ACK:
		settle(u);
		return u->cr0ack;
	case R_CR1:
		return u->cr1;
	case R_CR2:
		return u->cr2;
	case R_GBPA:
		settle(u);
		return u->gbpa;
	case R_IRQ_CTRL:
		return u->irq_ctrl;
	case R_IRQ_CTRLACK:
		settle(u);
		return u->irq_ctrlack;
	case R_GERROR:
		return u->gerror;
	case R_GERRORN:
		return u->gerrorn;
	case R_GERROR_IRQ_CFG0 ... R_GERROR_IRQ_CFG2:
		return read_msi(u, SSIM_IRQ_GERROR, (reg - R_GERROR_IRQ_CFG0) / 4);
	case R_STRTAB_BASE:
	case R_STRTAB_BASE + 4:
		return u->strtab_base >> (8 * (reg - R_STRTAB_BASE));
	case R_STRTAB_BASE_CFG:
		return u->strtab_cfg;
	case R_CMDQ_BASE:
	case R_CMDQ_BASE + 4:
		return u->cmdq.base >> (8 * (reg - R_CMDQ_BASE));
	case R_CMDQ_PROD:
		return u->cmdq.prod;
	case R_CMDQ_CONS:
		ssim_cmdq_run(u, U32_MAX);
		return u->cmdq.cons;
	case R_EVENTQ_BASE:
	case R_EVENTQ_BASE + 4:
		return u->eventq.base >> (8 * (reg - R_EVENTQ_BASE));
	case R_EVENTQ_PROD:
		return u->eventq.prod;
	case R_EVENTQ_CONS:
		return u->eventq.cons;
	case R_EVENTQ_IRQ_CFG0 ... R_EVENTQ_IRQ_CFG2:
		return read_msi(u, SSIM_IRQ_EVENTQ, (reg - R_EVENTQ_IRQ_CFG0) / 4);
	case R_PRIQ_BASE:
	case R_PRIQ_BASE + 4:
		return u->priq.base >> (8 * (reg - R_PRIQ_BASE));
	case R_PRIQ_PROD:
		return u->priq.prod;
	case R_PRIQ_CONS:
		return u->priq.cons;
	case R_PRIQ_IRQ_CFG0 ... R_PRIQ_IRQ_CFG2:
		return read_msi(u, SSIM_IRQ_PRIQ, (reg - R_PRIQ_IRQ_CFG0) / 4);
	default:
		return 0;
	}
}
