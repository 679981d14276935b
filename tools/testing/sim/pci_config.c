// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space: what is in it, and what writing to it does.
 *
 * Section numbers are those of the PCI Express Base Specification 6.0. A function
 * has no BARs and no interrupts. Bits are those of <linux/pci_regs.h>.
 */
#include <linux/pci.h>
#include <linux/rculist.h>

#include "pci.h"

#define PCIE_CAP	0x40
#define PCIE_CAP_LEN	0x3c
#define EA_CAP		0x80
#define AF_CAP		0x80

#define ACS_BITS	(PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF | \
			 PCI_ACS_DT)
/* Of a function of many: nothing to forward, nothing to translate for others. */
#define ACS_BITS_FN	(PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_DT)
/* 9.3.3.13: 4 KiB, 8 KiB, 64 KiB, 256 KiB, 1 MiB and 4 MiB */
#define VF_PAGE_SIZES	0x553
/* 7.5.3.15 End-End TLP Prefix Supported, Max End-End TLP Prefixes: 1 */
#define DEVCAP2_PREFIX	(PCI_EXP_DEVCAP2_EE_PREFIX | BIT(22))
#define DEVCTL2_TIMEOUT_OFF	BIT(4)
#define LNK_2_5GT_X1	(1 | 1 << 4)

/* --- reading and writing the bytes ---------------------------------------- */

static u32 get_bytes(const u8 *at, int size)
{
	u32 value = 0;

	while (size--)
		value = value << 8 | READ_ONCE(at[size]);
	return value;
}

static void put_bytes(u8 *at, int size, u32 value)
{
	for (; size--; value >>= 8)
		WRITE_ONCE(*at++, value);
}

u32 sim_config_get(const struct sim_function *fn, unsigned int where, int size)
{
	return get_bytes(fn->config.value + where, size);
}

static void put(struct sim_function *fn, unsigned int where, int size, u32 value)
{
	put_bytes(fn->config.value + where, size, value);
}

/* A register as it is after a reset, and which of its bits can be written. */
static void define(struct sim_function *fn, unsigned int where, int size, u32 value,
		   u32 writable)
{
	put_bytes(fn->config.value + where, size, value);
	put_bytes(fn->config.reset + where, size, value);
	put_bytes(fn->config.writable + where, size, writable);
}

static void define_w1c(struct sim_function *fn, unsigned int where, int size, u32 w1c)
{
	put_bytes(fn->config.w1c + where, size, w1c);
}

/* --- what is in it ----------------------------------------------------------- */

static u16 add_cap(struct sim_function *fn, u16 at, u8 id)
{
	u8 last = PCI_CAPABILITY_LIST;

	while (fn->config.value[last])
		last = fn->config.value[last] + PCI_CAP_LIST_NEXT;
	define(fn, last, 1, at, 0);
	define(fn, at + PCI_CAP_LIST_ID, 1, id, 0);
	define(fn, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	return at;
}

static u16 add_ext_cap(struct sim_function *fn, u16 id, u8 version, u16 len)
{
	u16 at = fn->next_ext ?: PCI_CFG_SPACE_SIZE;
	u16 last = fn->last_ext;

	if (last)
		define(fn, last + 2, 2, at << 4 | sim_config_get(fn, last + 2, 1), 0);
	define(fn, at, 4, version << 16 | id, 0);
	fn->last_ext = at;
	fn->next_ext = at + len;
	return at;
}

static void init_header(struct sim_function *fn)
{
	bool vf = fn->type == SIM_VF;

	/* 9.3.4.1: a VF has no IDs of its own in here. */
	define(fn, PCI_VENDOR_ID, 2, vf ? 0xffff : SIM_VENDOR, 0);
	define(fn, PCI_DEVICE_ID, 2, vf ? 0xffff : fn->type, 0);
	define(fn, PCI_COMMAND, 2, 0,
	       PCI_COMMAND_MASTER |
	       (vf ? 0 : PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE));
	define_w1c(fn, PCI_STATUS, 2, 0xf900);
	if (!vf) {
		define(fn, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
		define(fn, PCI_INTERRUPT_LINE, 1, 0, 0xff);
	}
	define(fn, PCI_HEADER_TYPE, 1,
	       (sim_is_bridge(fn) ? PCI_HEADER_TYPE_BRIDGE : PCI_HEADER_TYPE_NORMAL) |
	       (fn->caps & SIM_CAP_MULTI && !vf ? 0x80 : 0), 0);
	/* Processing accelerator, or PCI-to-PCI bridge */
	define(fn, PCI_CLASS_REVISION, 4,
	       sim_is_bridge(fn) ? PCI_CLASS_BRIDGE_PCI_NORMAL << 8 : 0x12000000, 0);
	if (!sim_is_bridge(fn))
		define(fn, PCI_SUBSYSTEM_VENDOR_ID, 2, SIM_VENDOR, 0);
}

/*
 * Bus numbers are there from the start, as firmware would have set them; the
 * Enhanced Allocation capability (7.8.5) has a kernel that numbers buses anew
 * choose the same ones.
 */
static void init_bridge(struct sim_function *fn)
{
	u32 buses = fn->rid >> 8 | fn->secondary << 8 | fn->subordinate << 16;

	define(fn, PCI_COMMAND, 2, 0,
	       PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_PARITY |
	       PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	define(fn, PCI_PRIMARY_BUS, 4, buses, 0xffffff);
	define_w1c(fn, PCI_SEC_STATUS, 2, 0xf900);
	/* Windows that are closed: the base is above the limit. */
	define(fn, PCI_IO_BASE, 2, 0x00f0, 0xf0f0);
	define(fn, PCI_MEMORY_BASE, 4, 0x0000fff0, 0xfff0fff0);
	define(fn, PCI_PREF_MEMORY_BASE, 4, 0x0000fff0, 0xfff0fff0);
	define(fn, PCI_BRIDGE_CONTROL, 2, 0,
	       PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_ISA |
	       PCI_BRIDGE_CTL_VGA | PCI_BRIDGE_CTL_MASTER_ABORT | PCI_BRIDGE_CTL_BUS_RESET);

	fn->ea = add_cap(fn, EA_CAP, PCI_CAP_ID_EA);
	define(fn, fn->ea + PCI_EA_FIRST_ENT, 4, fn->secondary | fn->subordinate << 8, 0);
}

static unsigned int pcie_type(struct sim_function *fn)
{
	switch (fn->type) {
	case SIM_ROOT_PORT:
		return PCI_EXP_TYPE_ROOT_PORT;
	case SIM_UPSTREAM:
		return PCI_EXP_TYPE_UPSTREAM;
	case SIM_DOWNSTREAM:
		return PCI_EXP_TYPE_DOWNSTREAM;
	case SIM_PCI_BRIDGE:
		return PCI_EXP_TYPE_PCI_BRIDGE;
	default:
		return fn->above ? PCI_EXP_TYPE_ENDPOINT : PCI_EXP_TYPE_RC_END;
	}
}

static bool is_downstream_port(struct sim_function *fn)
{
	return fn->type == SIM_ROOT_PORT || fn->type == SIM_DOWNSTREAM;
}

/* 7.5.3.10 to 7.5.3.14 */
static void init_port(struct sim_function *fn)
{
	u16 at = fn->pcie;

	define(fn, at + PCI_EXP_LNKCAP, 4,
	       LNK_2_5GT_X1 | PCI_EXP_LNKCAP_DLLLARC | (fn->rid & 0xff) << 24, 0);
	if (fn->caps & SIM_CAP_HOTPLUG) {
		define(fn, at + PCI_EXP_FLAGS, 2,
		       sim_config_get(fn, at + PCI_EXP_FLAGS, 2) | PCI_EXP_FLAGS_SLOT, 0);
		define(fn, at + PCI_EXP_SLTCAP, 4,
		       PCI_EXP_SLTCAP_HPS | PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_NCCS |
		       (fn->rid & 0xff) << 19, 0);
		define(fn, at + PCI_EXP_SLTCTL, 2, 0, 0x1fff);
		define_w1c(fn, at + PCI_EXP_SLTSTA, 2,
			   PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	}
	if (fn->type == SIM_ROOT_PORT)
		define(fn, at + PCI_EXP_RTCTL, 2, 0, 0x1f);
}

static void init_pcie(struct sim_function *fn)
{
	bool flr = fn->caps & SIM_CAP_FLR || fn->type == SIM_VF;
	bool prefix = sim_is_bridge(fn) || fn->caps & SIM_CAP_PASID;
	u16 at = add_cap(fn, PCIE_CAP, PCI_CAP_ID_EXP);
	u16 writable = fn->type == SIM_VF ? 0 : 0x78ff;

	fn->pcie = at;
	define(fn, at + PCI_EXP_FLAGS, 2, 2 | pcie_type(fn) << 4, 0);
	define(fn, at + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | (flr ? PCI_EXP_DEVCAP_FLR : 0), 0);
	/* 9.3.5.4: all of a VF's controls but FLR are its physical function's. */
	define(fn, at + PCI_EXP_DEVCTL, 2,
	       fn->type == SIM_VF ? 0 : PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
					PCI_EXP_DEVCTL_READRQ_512B,
	       writable | (flr || fn->type == SIM_PCI_BRIDGE ? PCI_EXP_DEVCTL_BCR_FLR : 0));
	define_w1c(fn, at + PCI_EXP_DEVSTA, 2, 0xf);
	if (fn->above || sim_is_bridge(fn)) {
		define(fn, at + PCI_EXP_LNKCAP, 4, LNK_2_5GT_X1, 0);
		define(fn, at + PCI_EXP_LNKCTL, 2, 0, fn->type == SIM_VF ? 0 : 0xcb);
		define(fn, at + PCI_EXP_LNKSTA, 2, LNK_2_5GT_X1, 0);
		define(fn, at + PCI_EXP_LNKCAP2, 4, PCI_EXP_LNKCAP2_SLS_2_5GB, 0);
		define(fn, at + PCI_EXP_LNKCTL2, 2, 1, fn->type == SIM_VF ? 0 : 0xf);
	}
	define(fn, at + PCI_EXP_DEVCAP2, 4,
	       PCI_EXP_DEVCAP2_COMP_TMOUT_DIS | (prefix ? DEVCAP2_PREFIX : 0) |
	       (is_downstream_port(fn) ? PCI_EXP_DEVCAP2_ARI : 0), 0);
	define(fn, at + PCI_EXP_DEVCTL2, 2, 0,
	       fn->type == SIM_VF ? 0 :
	       DEVCTL2_TIMEOUT_OFF |
	       (is_downstream_port(fn) ? PCI_EXP_DEVCTL2_ARI | SIM_DEVCTL2_PREFIX_BLOCK : 0));
	if (is_downstream_port(fn))
		init_port(fn);
}

/* 10.5.1. A VF uses its physical function's smallest translation unit. */
static void init_ats(struct sim_function *fn, const struct sim_add *add)
{
	fn->ats = add_ext_cap(fn, PCI_EXT_CAP_ID_ATS, 1, 8);
	define(fn, fn->ats + PCI_ATS_CAP, 2,
	       (add->ats_depth & 0x1f) | PCI_ATS_CAP_PAGE_ALIGNED | BIT(6), 0);
	define(fn, fn->ats + PCI_ATS_CTRL, 2, 0,
	       PCI_ATS_CTRL_ENABLE | (fn->pf ? 0 : 0x1f));
}

/* 10.5.2 */
static void init_pri(struct sim_function *fn, const struct sim_add *add)
{
	fn->pri_cap = add_ext_cap(fn, PCI_EXT_CAP_ID_PRI, 1, 16);
	define(fn, fn->pri_cap + PCI_PRI_CTRL, 2, 0, PCI_PRI_CTRL_ENABLE | PCI_PRI_CTRL_RESET);
	define(fn, fn->pri_cap + PCI_PRI_STATUS, 2,
	       (fn->caps & SIM_CAP_PRI_STUCK ? 0 : PCI_PRI_STATUS_STOPPED) |
	       (fn->caps & SIM_CAP_PRG_PASID ? PCI_PRI_STATUS_PASID : 0),
	       0);
	define_w1c(fn, fn->pri_cap + PCI_PRI_STATUS, 2, PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI);
	define(fn, fn->pri_cap + PCI_PRI_MAX_REQ, 4, add->pri_outstanding, 0);
	define(fn, fn->pri_cap + PCI_PRI_ALLOC_REQ, 4, 0, ~0U);
}

/* 7.8.8 */
static void init_pasid(struct sim_function *fn)
{
	u16 modes = (fn->caps & SIM_CAP_PASID_EXEC ? PCI_PASID_CAP_EXEC : 0) |
		    (fn->caps & SIM_CAP_PASID_PRIV ? PCI_PASID_CAP_PRIV : 0);

	fn->pasid = add_ext_cap(fn, PCI_EXT_CAP_ID_PASID, 1, 8);
	define(fn, fn->pasid + PCI_PASID_CAP, 2, modes | fn->pasid_bits << 8, 0);
	define(fn, fn->pasid + PCI_PASID_CTRL, 2, 0, modes | PCI_PASID_CTRL_ENABLE);
}

/* 9.3.3 */
static void init_sriov(struct sim_function *fn)
{
	u16 at = add_ext_cap(fn, PCI_EXT_CAP_ID_SRIOV, 1, PCI_EXT_CAP_SRIOV_SIZEOF);
	unsigned int function = PCI_FUNC(fn->rid);

	fn->sriov = at;
	define(fn, at + PCI_SRIOV_CTRL, 2, 0,
	       PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | (function ? 0 : PCI_SRIOV_CTRL_ARI));
	define(fn, at + PCI_SRIOV_INITIAL_VF, 2, fn->total_vfs, 0);
	define(fn, at + PCI_SRIOV_TOTAL_VF, 2, fn->total_vfs, 0);
	define(fn, at + PCI_SRIOV_NUM_VF, 2, 0, 0xffff);
	define(fn, at + PCI_SRIOV_FUNC_LINK, 1, function, 0);
	define(fn, at + PCI_SRIOV_VF_OFFSET, 2, 32 * (function + 1) - function, 0);
	define(fn, at + PCI_SRIOV_VF_STRIDE, 2, 1, 0);
	define(fn, at + PCI_SRIOV_VF_DID, 2, SIM_VF, 0);
	define(fn, at + PCI_SRIOV_SUP_PGSIZE, 4, VF_PAGE_SIZES, 0);
	define(fn, at + PCI_SRIOV_SYS_PGSIZE, 4, 1, VF_PAGE_SIZES);

	fn->ari = add_ext_cap(fn, PCI_EXT_CAP_ID_ARI, 1, PCI_EXT_CAP_ARI_SIZEOF);
}

static void init_acs(struct sim_function *fn)
{
	u16 bits = is_downstream_port(fn) ? ACS_BITS : ACS_BITS_FN;

	fn->acs = add_ext_cap(fn, PCI_EXT_CAP_ID_ACS, 1, 8);
	define(fn, fn->acs + PCI_ACS_CAP, 2, bits, 0);
	define(fn, fn->acs + PCI_ACS_CTRL, 2, 0, bits);
}

/* A conventional function can be reset by itself with Advanced Features. */
static void init_af(struct sim_function *fn)
{
	fn->af = add_cap(fn, AF_CAP, PCI_CAP_ID_AF);
	define(fn, fn->af + PCI_AF_LENGTH, 1, PCI_CAP_AF_SIZEOF, 0);
	define(fn, fn->af + PCI_AF_CAP, 1, PCI_AF_CAP_TP | PCI_AF_CAP_FLR, 0);
	define(fn, fn->af + PCI_AF_CTRL, 1, 0, PCI_AF_CTRL_FLR);
}

/* Fill in configuration space from @fn and @add. A VF has ATS, the rest is its PF's. */
void sim_config_init(struct sim_function *fn, const struct sim_add *add)
{
	init_header(fn);
	if (sim_is_bridge(fn))
		init_bridge(fn);
	if (fn->type == SIM_PCI_DEVICE) {
		if (fn->caps & SIM_CAP_FLR)
			init_af(fn);
		return;
	}
	init_pcie(fn);
	if (fn->caps & SIM_CAP_ACS)
		init_acs(fn);
	if (fn->caps & SIM_CAP_ATS)
		init_ats(fn, add);
	if (fn->type != SIM_VF) {
		if (fn->caps & SIM_CAP_PRI)
			init_pri(fn, add);
		if (fn->caps & SIM_CAP_PASID)
			init_pasid(fn);
		if (fn->caps & SIM_CAP_SRIOV)
			init_sriov(fn);
	} else if (fn->caps & SIM_CAP_SRIOV) {
		fn->ari = add_ext_cap(fn, PCI_EXT_CAP_ID_ARI, 1, PCI_EXT_CAP_ARI_SIZEOF);
	}
}

/* Is something on the link of @port? */
void sim_config_link(struct sim_function *port, bool up)
{
	u16 lnksta = PCI_EXP_LNKSTA_DLLLA, sltsta = PCI_EXP_SLTSTA_PDS;
	u16 at = port->pcie;
	unsigned long flags;
	u16 link, slot;

	raw_spin_lock_irqsave(&port->lock, flags);
	link = sim_config_get(port, at + PCI_EXP_LNKSTA, 2);
	slot = sim_config_get(port, at + PCI_EXP_SLTSTA, 2);
	if (up != !!(link & lnksta)) {
		link ^= lnksta;
		slot ^= sltsta;
		define(port, at + PCI_EXP_LNKSTA, 2, link, 0);
		if (port->caps & SIM_CAP_HOTPLUG) {
			put_bytes(port->config.reset + at + PCI_EXP_SLTSTA, 2, slot & sltsta);
			put(port, at + PCI_EXP_SLTSTA, 2,
			    slot | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
		}
	}
	raw_spin_unlock_irqrestore(&port->lock, flags);
}

void sim_config_next_function(struct sim_function *fn, u8 next)
{
	define(fn, fn->ari + PCI_ARI_CAP + 1, 1, next, 0);
}

/* --- resets --------------------------------------------------------------- */

/* Under fn->lock. */
static void reset_locked(struct sim_function *fn, bool flr)
{
	/* 6.6.2: what a function level reset leaves alone */
	u8 payload = fn->config.value[fn->pcie + PCI_EXP_DEVCTL] & PCI_EXP_DEVCTL_PAYLOAD;

	memcpy(fn->config.value, fn->config.reset, SIM_CONFIG_LEN);
	if (flr && fn->pcie)
		fn->config.value[fn->pcie + PCI_EXP_DEVCTL] |= payload;
	fn->epoch++;
	sim_count(fn, SIM_COUNT_RESETS);
	sim_atc_flush(fn);
	sim_pri_reset(fn);
}

static void reset_vfs(struct sim_function *pf)
{
	struct sim_function *fn;

	rcu_read_lock();
	list_for_each_entry_rcu(fn, &pf->segment->functions, node)
		if (fn->pf == pf)
			sim_reset(fn, false);
	rcu_read_unlock();
}

/* Any context. */
void sim_reset(struct sim_function *fn, bool flr)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->lock, flags);
	reset_locked(fn, flr);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	if (fn->pf)
		sim_pri_forget(fn);
	if (fn->sriov)
		reset_vfs(fn);
}

static bool is_below(struct sim_function *fn, struct sim_function *bridge)
{
	struct sim_function *f;

	for (f = fn->above; f; f = f->above)
		if (f == bridge)
			return true;
	return false;
}

/* 7.5.1.3.13 Secondary Bus Reset: all behind @bridge, but VFs, which go with their PF */
static void reset_secondary(struct sim_function *bridge)
{
	struct sim_function *fn;

	rcu_read_lock();
	list_for_each_entry_rcu(fn, &bridge->segment->functions, node)
		if (!fn->pf && is_below(fn, bridge))
			sim_reset(fn, false);
	rcu_read_unlock();
}

/* --- what writing does ----------------------------------------------------- */

/* The registers that do something when they change. */
struct controls {
	u16 bridge;
	u16 ats;
	u16 pasid;
	u16 pri;
	u32 allocation;
	u16 sriov;
};

static u32 control(const struct sim_function *fn, u16 capability, u16 reg, int size)
{
	return capability ? sim_config_get(fn, capability + reg, size) : 0;
}

static struct controls controls_of(const struct sim_function *fn)
{
	return (struct controls){
		.bridge = sim_is_bridge(fn) ? sim_config_get(fn, PCI_BRIDGE_CONTROL, 2) : 0,
		.ats = control(fn, fn->ats, PCI_ATS_CTRL, 2),
		.pasid = control(fn, fn->pasid, PCI_PASID_CTRL, 2),
		.pri = control(fn, fn->pri_cap, PCI_PRI_CTRL, 2),
		.allocation = control(fn, fn->pri_cap, PCI_PRI_ALLOC_REQ, 4),
		.sriov = control(fn, fn->sriov, PCI_SRIOV_CTRL, 2),
	};
}

/* Function level reset is a bit that is never seen set. */
static bool take_flr(struct sim_function *fn)
{
	unsigned int at = fn->pcie + PCI_EXP_DEVCTL;
	u16 value;

	if (fn->af && sim_config_get(fn, fn->af + PCI_AF_CTRL, 1)) {
		put(fn, fn->af + PCI_AF_CTRL, 1, 0);
		return true;
	}
	/* In a PCIe-to-PCI bridge the bit is Bridge Configuration Retry Enable. */
	if (!fn->pcie || fn->type == SIM_PCI_BRIDGE)
		return false;
	value = sim_config_get(fn, at, 2);
	put(fn, at, 2, value & ~PCI_EXP_DEVCTL_BCR_FLR);
	return value & PCI_EXP_DEVCTL_BCR_FLR;
}

/* Has a VF of @fn ATS on? Its own control, read without its lock. */
static bool vf_has_ats(struct sim_function *fn)
{
	struct sim_function *vf;
	bool on = false;

	rcu_read_lock();
	list_for_each_entry_rcu(vf, &fn->segment->functions, node)
		if (vf->pf == fn)
			on |= control(vf, vf->ats, PCI_ATS_CTRL, 2) & PCI_ATS_CTRL_ENABLE;
	rcu_read_unlock();
	return on;
}

/*
 * What changed, under fn->lock. 10.5.1.3: cached translations do not outlive ATS.
 * What may not change while ATS or page requests are on (7.8.8.3, 10.5.2.5) is
 * counted: hardware would do anything.
 */
static void changed(struct sim_function *fn, const struct controls *old,
		    const struct controls *new)
{
	bool ats_was_on = old->ats & PCI_ATS_CTRL_ENABLE;

	if ((old->ats ^ new->ats) & PCI_ATS_CTRL_ENABLE)
		sim_atc_flush(fn);
	else if (ats_was_on && old->ats != new->ats)
		sim_count(fn, SIM_COUNT_BAD_STU_WHILE_ATS);
	if (old->pasid != new->pasid && (ats_was_on || (fn->sriov && vf_has_ats(fn))))
		sim_count(fn, SIM_COUNT_BAD_PASID_WHILE_ATS);
	if (old->pri & PCI_PRI_CTRL_ENABLE && old->allocation != new->allocation)
		sim_count(fn, SIM_COUNT_BAD_ALLOCATION_WHILE_PRI);
	if (old->pri != new->pri)
		sim_pri_control(fn, old->pri, new->pri);
}

/* 9.3.3.7: the number of VFs is fixed while they are on. */
static bool is_fixed(struct sim_function *fn, unsigned int where)
{
	unsigned int at = fn->sriov + PCI_SRIOV_NUM_VF;

	return fn->sriov && (where == at || where == at + 1) &&
	       sim_config_get(fn, fn->sriov + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE;
}

static void write_byte(struct sim_function *fn, unsigned int where, u8 byte)
{
	struct sim_config *config = &fn->config;
	u8 writable = config->writable[where];
	u8 value;

	if (is_fixed(fn, where))
		return;
	value = (config->value[where] & ~writable) | (byte & writable);
	value &= ~(byte & config->w1c[where]);
	WRITE_ONCE(config->value[where], value);
}

static void config_write(struct sim_function *fn, unsigned int where, int size, u32 value)
{
	struct controls old, new;
	unsigned long flags;
	bool flr;
	int i;

	raw_spin_lock_irqsave(&fn->lock, flags);
	old = controls_of(fn);
	for (i = 0; i < size; i++)
		write_byte(fn, where + i, value >> (8 * i));
	new = controls_of(fn);
	flr = take_flr(fn);
	changed(fn, &old, &new);
	raw_spin_unlock_irqrestore(&fn->lock, flags);

	if (flr)
		sim_reset(fn, true);
	if (new.bridge & ~old.bridge & PCI_BRIDGE_CTL_BUS_RESET)
		reset_secondary(fn);
	if ((old.sriov ^ new.sriov) & PCI_SRIOV_CTRL_VFE)
		reset_vfs(fn);
}

static u32 config_read(struct sim_function *fn, unsigned int where, int size)
{
	unsigned int status = fn->pcie ? fn->pcie + PCI_EXP_DEVSTA : fn->af + PCI_AF_STATUS;
	u8 pending = fn->pcie ? PCI_EXP_DEVSTA_TRPND : PCI_AF_STATUS_TP;
	unsigned long flags;
	u32 value;

	raw_spin_lock_irqsave(&fn->lock, flags);
	value = sim_config_get(fn, where, size);
	if ((fn->pcie || fn->af) && fn->reads && where <= status && status < where + size)
		value |= (u32)pending << (8 * (status - where));
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	return value;
}

/* --- configuration requests -------------------------------------------------- */

/* Does @bridge pass a request for @fn, @below being what it reaches it through? */
static bool forwards(struct sim_function *bridge, struct sim_function *fn,
		     struct sim_function *below)
{
	u8 bus = fn->rid >> 8;
	u16 at;

	if (READ_ONCE(bridge->gone) ||
	    bus < sim_config_get(bridge, PCI_SECONDARY_BUS, 1) ||
	    bus > sim_config_get(bridge, PCI_SUBORDINATE_BUS, 1))
		return false;
	if (below != fn)
		return true;
	if (bus != sim_config_get(bridge, PCI_SECONDARY_BUS, 1))
		return false;
	/* 6.13: on a link there is only device 0, unless function numbers are long. */
	at = bridge->pcie + PCI_EXP_DEVCTL2;
	return !is_downstream_port(bridge) || !PCI_SLOT(fn->rid & 0xff) ||
	       sim_config_get(bridge, at, 2) & PCI_EXP_DEVCTL2_ARI;
}

/* Under RCU. */
static struct sim_function *route(struct pci_bus *bus, unsigned int devfn)
{
	struct sim_function *fn, *f;

	fn = sim_function_find(sim_segment_of_bus(bus), bus->number << 8 | devfn);
	if (!fn || !sim_present(fn))
		return NULL;
	for (f = fn; f->above; f = f->above)
		if (!forwards(f->above, fn, f))
			return NULL;
	return fn;
}

/* A conventional function ends at 256 bytes; the bridge before it answers for the rest. */
static bool is_within(struct sim_function *fn, int where)
{
	return where < (fn->pcie ? PCI_CFG_SPACE_EXP_SIZE : PCI_CFG_SPACE_SIZE);
}

static int sim_config_read(struct pci_bus *bus, unsigned int devfn, int where, int size,
			   u32 *value)
{
	struct sim_function *fn;

	*value = ~0U >> (32 - 8 * size);
	rcu_read_lock();
	fn = route(bus, devfn);
	if (fn && is_within(fn, where))
		*value = where < SIM_CONFIG_LEN ? config_read(fn, where, size) : 0;
	rcu_read_unlock();
	return PCIBIOS_SUCCESSFUL;
}

static int sim_config_write(struct pci_bus *bus, unsigned int devfn, int where, int size,
			    u32 value)
{
	struct sim_function *fn;

	rcu_read_lock();
	fn = route(bus, devfn);
	if (fn && where < SIM_CONFIG_LEN && is_within(fn, where))
		config_write(fn, where, size, value);
	rcu_read_unlock();
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops sim_config_ops = {
	.read = sim_config_read,
	.write = sim_config_write,
};
