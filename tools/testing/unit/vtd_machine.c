// SPDX-License-Identifier: GPL-2.0-only
#include <linux/pci.h>
#include "vtd_machine.h"

static int m_op_read(void *priv, u64 phys, void *buf, size_t len)
{
	struct machine *m = priv;

	if (phys + len > M_BYTES || phys + len < len || (m->bad && phys >> 12 == m->bad >> 12))
		return -EFAULT;
	memcpy(buf, m->mem + phys, len);
	return 0;
}

static int m_op_write(void *priv, u64 phys, const void *buf, size_t len)
{
	struct machine *m = priv;

	if (phys + len > M_BYTES || phys + len < len)
		return -EFAULT;
	memcpy(m->mem + phys, buf, len);
	return 0;
}

static int m_op_cmpxchg(void *priv, u64 phys, u64 *old, u64 new)
{
	struct machine *m = priv;
	u64 now = m_get(m, phys);

	if (phys == m->fixed)
		return -EFAULT;
	if (m->races) {
		m->races--;
		return -EAGAIN;
	}
	if (now != *old) {
		*old = now;
		return -EAGAIN;
	}
	m_set(m, phys, new);
	return 0;
}

static void m_op_msi(void *priv, u64 addr, u32 data)
{
	struct machine *m = priv;

	m->msi[m->num_msi % M_LOG].addr = addr;
	m->msi[m->num_msi++ % M_LOG].data = data;
}

static bool m_op_dev_tlb(void *priv, u16 rid, u32 pasid, u64 addr, u64 length, bool global)
{
	struct machine *m = priv;
	unsigned int i = m->num_dev_tlb++ % M_LOG;

	m->dev_tlb[i].rid = rid;
	m->dev_tlb[i].pasid = pasid;
	m->dev_tlb[i].addr = addr;
	m->dev_tlb[i].length = length;
	m->dev_tlb[i].global = global;
	return !m->deaf;
}

static void m_op_page_response(void *priv, u16 rid, u32 pasid, u16 group,
			       enum sim_status code)
{
	struct machine *m = priv;
	unsigned int i = m->num_responses++ % M_LOG;

	m->responses[i].rid = rid;
	m->responses[i].pasid = pasid;
	m->responses[i].group = group;
	m->responses[i].code = code;
}

static void m_op_later(void *priv, unsigned int ms)
{
	struct machine *m = priv;

	m->later = ms;
}

/* While the unit reads an entry in pieces, somebody writes. */
static void m_op_pause(void *priv)
{
	struct machine *m = priv;

	if (m->pause)
		m->pause(m);
}

static const struct vsim_ops m_ops = {
	.read = m_op_read,
	.write = m_op_write,
	.update = m_op_cmpxchg,
	.msi = m_op_msi,
	.dev_tlb = m_op_dev_tlb,
	.page_response = m_op_page_response,
	.later = m_op_later,
	.pause = m_op_pause,
};

struct machine *m_new(const char *text)
{
	struct machine *m = calloc(1, sizeof(*m));
	char *copy = strdup(text);
	unsigned int i;

	m->mem = calloc(1, M_BYTES);
	m->next = 0x10000;
	if (vsim_setup_parse(&m->setup, 0, 46, copy))
		abort();
	free(copy);
	vsim_init(&m->u, &m->setup.cfg, &m_ops, m);
	for (i = 0; i < M_POOL; i++)
		vsim_cache_give(&m->u, &m->pool[i]);
	m->pages = calloc(128, sizeof(*m->pages));
	for (i = 0; i < 128; i++)
		vsim_shadow_give(i % 2 ? &m->shadow : &m->u.write_buffer, &m->pages[i]);
	return m;
}

void m_free(struct machine *m)
{
	free(m->pages);
	free(m->mem);
	free(m);
}

u64 m_pages(struct machine *m, unsigned int num)
{
	u64 page = m->next;

	m->next += 4096ULL * num;
	if (m->next > M_BYTES)
		abort();
	return page;
}

u64 m_page(struct machine *m)
{
	return m_pages(m, 1);
}

u64 m_get(struct machine *m, u64 phys)
{
	u64 value;

	memcpy(&value, m->mem + phys, sizeof(value));
	return value;
}

void m_set(struct machine *m, u64 phys, u64 value)
{
	memcpy(m->mem + phys, &value, sizeof(value));
}

u32 m_read(struct machine *m, unsigned int offset)
{
	return vsim_reg_read(&m->u, offset);
}

u64 m_read64(struct machine *m, unsigned int offset)
{
	u32 low = m_read(m, offset);

	return low | (u64)m_read(m, offset + 4) << 32;
}

void m_write(struct machine *m, unsigned int offset, u32 value)
{
	vsim_reg_write(&m->u, offset, value);
}

void m_write64(struct machine *m, unsigned int offset, u64 value)
{
	m_write(m, offset, value);
	m_write(m, offset + 4, value >> 32);
}

void m_command(struct machine *m, u32 bits, bool on)
{
	u32 gsts = m_read(m, VSIM_GSTS) & VSIM_GCMD_LASTING;

	m_write(m, VSIM_GCMD, on ? gsts | bits : gsts & ~bits);
	m_read(m, VSIM_GSTS);
	m_read(m, VSIM_GSTS);
}

void m_set_root(struct machine *m, u64 rtaddr)
{
	m_write64(m, VSIM_RTADDR, rtaddr);
	m_command(m, VSIM_GCMD_SRTP, true);
}

struct machine *m_start(const char *text)
{
	struct machine *m = m_new(text);

	m->root = m_page(m);
	m->queue = m_page(m);
	m->status = m_page(m);
	m_write64(m, VSIM_IQT, 0);
	m_write64(m, VSIM_IQA, m->queue | VSIM_IQA_DW);
	m_command(m, VSIM_GCMD_QIE, true);
	m_set_root(m, m->root | VSIM_TTM_SCALABLE << 10);
	m_submit(m, VSIM_DESC_CONTEXT | VSIM_CC_GLOBAL << 4, 0);
	m_submit(m, VSIM_DESC_PASID_CACHE | VSIM_PC_GLOBAL << 4, 0);
	m_submit(m, VSIM_DESC_IOTLB | VSIM_IOTLB_GLOBAL << 4 | 0xc0, 0);
	m_command(m, VSIM_GCMD_TE, true);
	return m;
}

static const char * const m_names[] = {
#define M_COUNTER_NAME(id, name) [VSIM_N_##id] = name,
	VSIM_COUNTERS(M_COUNTER_NAME)
};

u64 m_counter(struct machine *m, const char *name)
{
	unsigned int i;

	if (!strncmp(name, "stale.", 6))
		vsim_cache_stale(&m->u);
	for (i = 0; i < VSIM_NUM_COUNTERS; i++)
		if (!strcmp(m_names[i], name))
			return m->u.counters[i];
	abort();
}

u64 m_bad(struct machine *m)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < VSIM_NUM_COUNTERS; i++)
		if (!strncmp(m_names[i], "bad.", 4))
			sum += m->u.counters[i];
	return sum;
}

void m_put(struct machine *m, u64 qw0, u64 qw1)
{
	m_set(m, m->queue + m->tail, qw0);
	m_set(m, m->queue + m->tail + 8, qw1);
	m_set(m, m->queue + m->tail + 16, 0);
	m_set(m, m->queue + m->tail + 24, 0);
	m->tail = (m->tail + 32) % 4096;
}

void m_kick(struct machine *m)
{
	m_write64(m, VSIM_IQT, m->tail);
}

bool m_wait(struct machine *m)
{
	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_SW | (u64)++m->seq << 32, m->status);
	m_kick(m);
	return (u32)m_get(m, m->status) == m->seq;
}

bool m_submit(struct machine *m, u64 qw0, u64 qw1)
{
	m_put(m, qw0, qw1);
	return m_wait(m);
}

u64 m_context_at(struct machine *m, u16 sid)
{
	u64 half = m->root + 8 * (sid >> 7);

	if (!m_get(m, half))
		m_set(m, half, m_page(m) | VSIM_P);
	return (m_get(m, half) & ~0xfffULL) + 32 * (sid & 0x7f);
}

u64 m_context(struct machine *m, u16 sid, u64 flags)
{
	u64 dir = m_page(m), ctx = m_context_at(m, sid);

	/* PDTS 2: 512 entries, a page of them */
	m_set(m, ctx, dir | 2 << 9 | flags | VSIM_P);
	return dir;
}

u64 m_pasid(struct machine *m, u64 dir, u32 pasid)
{
	u64 entry = dir + 8 * (pasid >> 6);

	if (!m_get(m, entry))
		m_set(m, entry, m_page(m) | VSIM_P);
	return (m_get(m, entry) & ~0xfffULL) + 64 * (pasid & 0x3f);
}

void m_pe_second(struct machine *m, u64 pe, u64 table, u16 did)
{
	m_set(m, pe + 8, did | VSIM_PE1_PWSNP);
	m_set(m, pe, table | VSIM_PGTT_SECOND << 6 | 2 << 2 | VSIM_P);
}

void m_pe_first(struct machine *m, u64 pe, u64 table, u16 did)
{
	m_set(m, pe + 8, did | VSIM_PE1_PWSNP);
	m_set(m, pe + 16, table | VSIM_PE2_NXE);
	m_set(m, pe, VSIM_PGTT_FIRST << 6 | VSIM_P);
}

void m_pe_nested(struct machine *m, u64 pe, u64 first_gpa, u64 second, u16 did)
{
	m_set(m, pe + 8, did | VSIM_PE1_PWSNP);
	m_set(m, pe + 16, first_gpa | VSIM_PE2_NXE);
	m_set(m, pe, second | VSIM_PGTT_NESTED << 6 | 2 << 2 | VSIM_P);
}

void m_pe_pass(struct machine *m, u64 pe, u16 did)
{
	m_set(m, pe + 8, did | VSIM_PE1_PWSNP);
	m_set(m, pe, VSIM_PGTT_PASS << 6 | 2 << 2 | VSIM_P);
}

u64 m_entry(struct machine *m, u64 table, unsigned int levels, unsigned int level,
	    u64 addr, u64 gpa, u64 flags)
{
	u64 entry;

	for (;; levels--) {
		entry = table + ((addr >> (3 + 9 * levels)) & 0x1ff) * 8;
		if (levels == level)
			return entry;
		if (!m_get(m, entry))
			m_set(m, entry, (m_page(m) + gpa) | flags);
		table = (m_get(m, entry) & vsim_addr_mask(&m->u)) - gpa;
	}
}

u64 m_second_all(struct machine *m)
{
	u64 table = m_page(m), offset;

	for (offset = 0; offset < M_BYTES; offset += 4096)
		m_set(m, m_entry(m, table, 4, 1, M_GPA + offset, 0, SS_RW), offset | SS_RW);
	return table;
}

static struct sim_reply m_send(struct machine *m, u16 sid, u32 pasid, u64 addr, u32 flags,
			       enum sim_at at)
{
	const struct sim_request req = {
		.segment = 0x100, .rid = sid, .pasid = pasid, .flags = flags, .at = at,
		.addr = addr,
	};
	u8 buf[8] = "1234567";
	struct sim_reply reply;

	vsim_access(&m->u, &req, buf, sizeof(buf), &reply);
	return reply;
}

struct sim_reply m_access(struct machine *m, u16 sid, u32 pasid, u64 addr, u32 flags)
{
	return m_send(m, sid, pasid, addr, flags, SIM_AT_UNTRANSLATED);
}

struct sim_reply m_ats(struct machine *m, u16 sid, u32 pasid, u64 addr, u32 flags)
{
	return m_send(m, sid, pasid, addr, flags, SIM_AT_TRANSLATION);
}

unsigned int m_fault(struct machine *m)
{
	unsigned int index, offset;
	u64 high;

	if (!(m_read(m, VSIM_FSTS) & VSIM_FSTS_PPF))
		return 0;
	index = vsim_get(m_read(m, VSIM_FSTS), 15, 8);
	offset = vsim_frcd(&m->u, index);
	high = m_read64(m, offset + 8);
	m_write(m, offset + 12, BIT(31));
	return vsim_get(high, 39, 32);
}
