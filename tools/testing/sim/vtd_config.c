// SPDX-License-Identifier: GPL-2.0-only
/*
 * What units there are: module parameters in, a DMAR table (chapter 8) out.
 */
#define pr_fmt(fmt) "vtd_sim: " fmt

#include <linux/acpi.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "vtd_config.h"

/* Where no machine has memory, nor registers that the model could hide. */
#define VSIM_BASE	0xfd800000ULL

static const struct {
	const char *name;
	u64 cap;
	u64 ecap;
} vsim_flags[] = {
	{ "RWBF", VSIM_CAP_RWBF, 0 },
	{ "PLMR", VSIM_CAP_PLMR, 0 },
	{ "PHMR", VSIM_CAP_PHMR, 0 },
	{ "CM", VSIM_CAP_CM, 0 },
	{ "ZLR", VSIM_CAP_ZLR, 0 },
	{ "2M", VSIM_CAP_SSLPS_2M, 0 },
	{ "1G", VSIM_CAP_SSLPS_1G, 0 },
	{ "PSI", VSIM_CAP_PSI, 0 },
	{ "DWD", VSIM_CAP_DWD, 0 },
	{ "DRD", VSIM_CAP_DRD, 0 },
	{ "FS1GP", VSIM_CAP_FS1GP, 0 },
	{ "FS5LP", VSIM_CAP_FS5LP, 0 },
	{ "ESRTPS", VSIM_CAP_ESRTPS, 0 },
	{ "C", 0, VSIM_ECAP_C },
	{ "QI", 0, VSIM_ECAP_QI },
	{ "DT", 0, VSIM_ECAP_DT },
	{ "PT", 0, VSIM_ECAP_PT },
	{ "SC", 0, VSIM_ECAP_SC },
	{ "NEST", 0, VSIM_ECAP_NEST },
	{ "PRS", 0, VSIM_ECAP_PRS },
	{ "ERS", 0, VSIM_ECAP_ERS },
	{ "SRS", 0, VSIM_ECAP_SRS },
	{ "NWFS", 0, VSIM_ECAP_NWFS },
	{ "EAFS", 0, VSIM_ECAP_EAFS },
	{ "PASID", 0, VSIM_ECAP_PASID },
	{ "DIT", 0, VSIM_ECAP_DIT },
	{ "PDS", 0, VSIM_ECAP_PDS },
	{ "ADMS", 0, VSIM_ECAP_ADMS },
	{ "SMTS", 0, VSIM_ECAP_SMTS },
	{ "SSADS", 0, VSIM_ECAP_SSADS },
	{ "SSTS", 0, VSIM_ECAP_SSTS },
	{ "FSTS", 0, VSIM_ECAP_FSTS },
	{ "SMPWC", 0, VSIM_ECAP_SMPWC },
	{ "RPS", 0, VSIM_ECAP_RPS },
	{ "RPRIVS", 0, VSIM_ECAP_RPRIVS },
	{ "SMS", 0, VSIM_ECAP_SMS },
};

static void vsim_field(u64 *reg, unsigned int hi, unsigned int lo, u64 value)
{
	*reg = (*reg & ~vsim_mask(hi, lo)) | vsim_put(value, hi, lo);
}

/* What a unit is that nothing is said about: about what is sold today. */
static void vsim_setup_default(struct vsim_setup *setup, unsigned int index,
			       unsigned int haw)
{
	struct vsim_config *cfg = &setup->cfg;

	memset(setup, 0, sizeof(*setup));
	setup->base = VSIM_BASE + index * VSIM_REGS;
	setup->segment = 0x100;
	cfg->ver = 0x60;
	cfg->haw = haw;
	cfg->prefetch = true;
	cfg->cap = VSIM_CAP_SSLPS_2M | VSIM_CAP_SSLPS_1G | VSIM_CAP_PSI | VSIM_CAP_DWD |
		   VSIM_CAP_DRD | VSIM_CAP_FS1GP;
	vsim_field(&cfg->cap, 2, 0, 6);		/* ND: 16 bits */
	vsim_field(&cfg->cap, 12, 8, BIT(2));	/* SAGAW: 4 levels */
	vsim_field(&cfg->cap, 21, 16, 47);	/* MGAW: 48 bits */
	vsim_field(&cfg->cap, 33, 24, 0x40);	/* FRO: 0x400 */
	vsim_field(&cfg->cap, 47, 40, 7);	/* NFR: 8 */
	vsim_field(&cfg->cap, 53, 48, 18);	/* MAMV: 1 GiB */
	cfg->ecap = VSIM_ECAP_C | VSIM_ECAP_QI | VSIM_ECAP_DT | VSIM_ECAP_PT |
		    VSIM_ECAP_SC | VSIM_ECAP_NEST | VSIM_ECAP_PRS | VSIM_ECAP_ERS |
		    VSIM_ECAP_SRS | VSIM_ECAP_EAFS | VSIM_ECAP_PASID | VSIM_ECAP_SMTS |
		    VSIM_ECAP_SSADS | VSIM_ECAP_SSTS | VSIM_ECAP_FSTS | VSIM_ECAP_SMPWC |
		    VSIM_ECAP_DIT | VSIM_ECAP_PDS | VSIM_ECAP_SMS;
	vsim_field(&cfg->ecap, 17, 8, 0x20);	/* IRO: 0x200 */
	vsim_field(&cfg->ecap, 39, 35, 19);	/* PSS: 20 bits */
}

/* "+NAME", "-NAME" */
static int vsim_parse_flag(struct vsim_setup *setup, const char *word)
{
	unsigned int i;

	if (!strcmp(word + 1, "PREFETCH")) {
		setup->cfg.prefetch = word[0] == '+';
		return 0;
	}
	if (!strcmp(word + 1, "REREAD")) {
		setup->cfg.reread = word[0] == '+';
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(vsim_flags); i++) {
		if (strcmp(word + 1, vsim_flags[i].name))
			continue;
		setup->cfg.cap &= ~vsim_flags[i].cap;
		setup->cfg.ecap &= ~vsim_flags[i].ecap;
		if (word[0] == '+') {
			setup->cfg.cap |= vsim_flags[i].cap;
			setup->cfg.ecap |= vsim_flags[i].ecap;
		}
		return 0;
	}
	return -EINVAL;
}

/* "4", "45": SAGAW has a bit for each number of levels, from 3 on bit 1. */
static int vsim_parse_levels(struct vsim_setup *setup, const char *value)
{
	u64 sagaw = 0;

	for (; *value; value++) {
		if (*value < '3' || *value > '5')
			return -EINVAL;
		sagaw |= BIT(*value - '2');
	}
	vsim_field(&setup->cfg.cap, 12, 8, sagaw);
	return sagaw ? 0 : -EINVAL;
}

/* "BUS:DEVICE.FUNCTION", in hexadecimal */
static int vsim_parse_device(struct vsim_scope *scope, const char *value)
{
	unsigned int bus, dev, fn;

	if (sscanf(value, "%x:%x.%x", &bus, &dev, &fn) != 3 || bus > 255 || dev > 31 ||
	    fn > 7)
		return -EINVAL;
	scope->bus = bus;
	scope->devfn = PCI_DEVFN(dev, fn);
	return 0;
}

/* "DEVICE", or with @bridge "DEVICE/FIRST-LAST", buses in hexadecimal */
static int vsim_parse_scope(struct vsim_setup *setup, char *value, bool bridge)
{
	struct vsim_scope *scope = &setup->scopes[setup->num_scopes];
	unsigned int first, last;
	char *buses;

	if (setup->num_scopes == VSIM_MAX_SCOPES)
		return -EINVAL;
	buses = value;
	value = strsep(&buses, "/");
	if (bridge) {
		if (!buses || sscanf(buses, "%x-%x", &first, &last) != 2 || first > last ||
		    last > 255)
			return -EINVAL;
		scope->bridge = true;
		scope->first = first;
		scope->last = last;
	} else if (buses) {
		return -EINVAL;
	}
	setup->num_scopes++;
	return vsim_parse_device(scope, value);
}

/* "START-LAST@DEVICE" */
static int vsim_parse_rmrr(struct vsim_setup *setup, char *value)
{
	struct vsim_rmrr *rmrr = &setup->rmrrs[setup->num_rmrrs];
	char *range = strsep(&value, "@"), *start = strsep(&range, "-");

	if (setup->num_rmrrs == VSIM_MAX_RMRRS || !value || !range ||
	    kstrtoull(start, 0, &rmrr->start) || kstrtoull(range, 0, &rmrr->last) ||
	    rmrr->start > rmrr->last)
		return -EINVAL;
	setup->num_rmrrs++;
	return vsim_parse_device(&rmrr->scope, value);
}

static int vsim_parse_number(struct vsim_setup *setup, const char *name, const char *value)
{
	struct vsim_config *cfg = &setup->cfg;
	u64 n;

	if (kstrtoull(value, 0, &n))
		return -EINVAL;
	if (!strcmp(name, "segment") && n <= U16_MAX)
		setup->segment = n;
	else if (!strcmp(name, "base") && !(n % VSIM_REGS))
		setup->base = n;
	else if (!strcmp(name, "all"))
		setup->all = n;
	else if (!strcmp(name, "haw") && n >= 32 && n <= 52)
		cfg->haw = n;
	else if (!strcmp(name, "aw") && n >= 32 && n <= 57)
		vsim_field(&cfg->cap, 21, 16, n - 1);
	else if (!strcmp(name, "did") && n >= 4 && n <= 16 && !(n % 2))
		vsim_field(&cfg->cap, 2, 0, (n - 4) / 2);
	else if (!strcmp(name, "pss") && n >= 1 && n <= 20)
		vsim_field(&cfg->ecap, 39, 35, n - 1);
	else if (!strcmp(name, "mamv") && n <= 63)
		vsim_field(&cfg->cap, 53, 48, n);
	else if (!strcmp(name, "nfr") && n >= 1 && n <= 128)
		vsim_field(&cfg->cap, 47, 40, n - 1);
	else if (!strcmp(name, "ver") && n <= 0xff)
		cfg->ver = n;
	else if (!strcmp(name, "cap"))
		cfg->cap = n;
	else if (!strcmp(name, "ecap"))
		cfg->ecap = n;
	else
		return -EINVAL;
	return 0;
}

static int vsim_parse_word(struct vsim_setup *setup, char *word)
{
	char *value = word;

	if (word[0] == '+' || word[0] == '-')
		return vsim_parse_flag(setup, word);
	word = strsep(&value, "=");
	if (!value)
		return -EINVAL;
	if (!strcmp(word, "levels"))
		return vsim_parse_levels(setup, value);
	if (!strcmp(word, "scope"))
		return vsim_parse_scope(setup, value, false);
	if (!strcmp(word, "bridge"))
		return vsim_parse_scope(setup, value, true);
	if (!strcmp(word, "rmrr"))
		return vsim_parse_rmrr(setup, value);
	return vsim_parse_number(setup, word, value);
}

/**
 * vsim_setup_parse - read the parameter of a unit
 * @setup: out
 * @index: number of the unit
 * @haw: host address width, unless the parameter says else
 * @text: words with spaces or semicolons between; is cut up
 *
 * Return: 0 or -EINVAL.
 */
int vsim_setup_parse(struct vsim_setup *setup, unsigned int index, unsigned int haw,
		     char *text)
{
	char *word;

	vsim_setup_default(setup, index, haw);
	while ((word = strsep(&text, " ;\t"))) {
		if (!*word || !vsim_parse_word(setup, word))
			continue;
		pr_err("unit %u: \"%s\" is not understood: see README.md\n", index, word);
		return -EINVAL;
	}
	return 0;
}

static size_t vsim_put_scope(void *at, const struct vsim_scope *s)
{
	struct acpi_dmar_device_scope *scope = at;
	struct acpi_dmar_pci_path *path = (void *)(scope + 1);

	scope->entry_type = s->bridge ? ACPI_DMAR_SCOPE_TYPE_BRIDGE :
					ACPI_DMAR_SCOPE_TYPE_ENDPOINT;
	scope->length = sizeof(*scope) + sizeof(*path);
	scope->bus = s->bus;
	path->device = PCI_SLOT(s->devfn);
	path->function = PCI_FUNC(s->devfn);
	return scope->length;
}

/* 8.3 */
static size_t vsim_put_drhd(void *at, const struct vsim_setup *setup)
{
	struct acpi_dmar_hardware_unit *drhd = at;
	size_t len = sizeof(*drhd);
	unsigned int i;

	drhd->header.type = ACPI_DMAR_TYPE_HARDWARE_UNIT;
	drhd->flags = setup->all ? ACPI_DMAR_INCLUDE_ALL : 0;
	drhd->segment = setup->segment;
	drhd->address = setup->base;
	for (i = 0; i < setup->num_scopes; i++)
		len += vsim_put_scope(at + len, &setup->scopes[i]);
	drhd->header.length = len;
	return len;
}

/* 8.4 */
static size_t vsim_put_rmrr(void *at, u16 segment, const struct vsim_rmrr *r)
{
	struct acpi_dmar_reserved_memory *rmrr = at;

	rmrr->header.type = ACPI_DMAR_TYPE_RESERVED_MEMORY;
	rmrr->segment = segment;
	rmrr->base_address = r->start;
	rmrr->end_address = r->last;
	rmrr->header.length = sizeof(*rmrr) + vsim_put_scope(at + sizeof(*rmrr), &r->scope);
	return rmrr->header.length;
}

/* 8.5: all root ports of the segment may use ATS. */
static size_t vsim_put_atsr(void *at, u16 segment)
{
	struct acpi_dmar_atsr *atsr = at;

	atsr->header.type = ACPI_DMAR_TYPE_ROOT_ATS;
	atsr->header.length = sizeof(*atsr);
	atsr->flags = ACPI_DMAR_ALL_PORTS;
	atsr->segment = segment;
	return sizeof(*atsr);
}

static void vsim_finish_table(struct acpi_table_dmar *dmar, size_t len)
{
	u8 *bytes = (u8 *)dmar, sum = 0;
	size_t i;

	memcpy(dmar->header.signature, ACPI_SIG_DMAR, 4);
	dmar->header.length = len;
	dmar->header.revision = 1;
	memcpy(dmar->header.oem_id, "VTDSIM", 6);
	memcpy(dmar->header.oem_table_id, "VTDSIM  ", 8);
	for (i = 0; i < len; i++)
		sum += bytes[i];
	dmar->header.checksum = -sum;
}

static bool vsim_first_of_segment(const struct vsim_setup *setups, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++)
		if (setups[j].segment == setups[i].segment)
			return false;
	return true;
}

/**
 * vsim_dmar_build - the table that describes units
 * @setups: the units
 * @num: how many
 * @len: out: bytes
 *
 * Return: the table, to be freed with kfree(); NULL without memory.
 */
void *vsim_dmar_build(const struct vsim_setup *setups, unsigned int num, size_t *len)
{
	struct acpi_table_dmar *dmar = kzalloc(PAGE_SIZE * 4, GFP_KERNEL);
	unsigned int i, j;

	if (!dmar)
		return NULL;
	dmar->width = setups[0].cfg.haw - 1;
	*len = sizeof(*dmar);
	/* 8.1: in the order of types */
	for (i = 0; i < num; i++)
		*len += vsim_put_drhd((void *)dmar + *len, &setups[i]);
	for (i = 0; i < num; i++)
		for (j = 0; j < setups[i].num_rmrrs; j++)
			*len += vsim_put_rmrr((void *)dmar + *len, setups[i].segment,
					      &setups[i].rmrrs[j]);
	for (i = 0; i < num; i++)
		if (vsim_first_of_segment(setups, i))
			*len += vsim_put_atsr((void *)dmar + *len, setups[i].segment);
	vsim_finish_table(dmar, *len);
	return dmar;
}

/* Is a request for this unit, as far as its own scopes tell? */
bool vsim_setup_handles(const struct vsim_setup *setup, u16 segment, u16 rid)
{
	const struct vsim_scope *s;
	unsigned int i;

	if (segment != setup->segment)
		return false;
	for (i = 0; i < setup->num_scopes; i++) {
		s = &setup->scopes[i];
		if (rid == (s->bus << 8 | s->devfn) ||
		    (s->bridge && rid >> 8 >= s->first && rid >> 8 <= s->last))
			return true;
	}
	return setup->all;
}
