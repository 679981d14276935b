// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the IORT table. It is not trusted to be right: every node is checked
 * to be inside it whenever it is read, every ID mapping inside its node. A node
 * is known by its offset in the table; 0, where the header is, is none.
 */
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/string.h>
#include "iort.h"

/* The header that all ACPI tables have, and what follows in this one (3). */
#define TABLE_REVISION		8
#define TABLE_NUM_NODES		36
#define TABLE_FIRST_NODE	40
#define TABLE_SIZE		48

/* What all nodes have (3.1, table 3). */
#define NODE_TYPE		0
#define NODE_LENGTH		1
#define NODE_NUM_MAPPINGS	8
#define NODE_MAPPINGS		12
#define NODE_SIZE		16

enum node_type {
	NODE_NAMED_COMPONENT = 1,
	NODE_ROOT_COMPLEX = 2,
	NODE_SMMUV3 = 4,
	NODE_RMR = 6,
};

/* An ID mapping (3.1, table 4). */
#define MAPPING_INPUT		0
#define MAPPING_COUNT		4	/* of IDs, minus one */
#define MAPPING_OUTPUT		8
#define MAPPING_REFERENCE	12
#define MAPPING_FLAGS		16
#define MAPPING_SIZE		20
#define MAPPING_SINGLE		0x1

/* SMMUv3 (3.1.1.2) */
#define SMMUV3_BASE		16
#define SMMUV3_FLAGS		24
#define SMMUV3_SIZE		28	/* as far as it matters here */
#define SMMUV3_COHACC_OVERRIDE	0x1

/* Root complex (3.1.1.3) */
#define RC_MEMORY_FLAGS		23
#define RC_CANWBS		0x4
#define RC_ATS			24
#define RC_ATS_SUPPORTED	0x1
#define RC_SEGMENT		28
#define RC_SIZE			32

/* Reserved memory range (3.1.1.5) and its descriptors */
#define RMR_FLAGS		16
#define RMR_NUM_RANGES		20
#define RMR_RANGES		24
#define RMR_SIZE		28
#define RMR_RANGE_BASE		0
#define RMR_RANGE_LENGTH	8
#define RMR_RANGE_SIZE		20
/* Issue E.d: the flags have not always meant the same. */
#define RMR_TABLE_REVISION	5

struct node {
	u32 offset;
	u32 index;
	u8 type;
	u16 length;
	const u8 *at;
	u32 num_mappings;
	const u8 *mappings;
};

struct mapping {
	u32 input;
	u32 count;
	u32 output;
	u32 reference;
	bool single;
};

static u16 get16(const void *at)
{
	__le16 v;

	memcpy(&v, at, sizeof(v));
	return le16_to_cpu(v);
}

static u32 get32(const void *at)
{
	__le32 v;

	memcpy(&v, at, sizeof(v));
	return le32_to_cpu(v);
}

static u64 get64(const void *at)
{
	__le64 v;

	memcpy(&v, at, sizeof(v));
	return le64_to_cpu(v);
}

/* Do @num elements of @size bytes at @offset lie in @length bytes? */
static bool array_fits(u32 length, u32 offset, u32 num, u32 size)
{
	return offset <= length && num <= (length - offset) / size;
}

static u32 fixed_size(u8 type)
{
	switch (type) {
	case NODE_ROOT_COMPLEX:
		return RC_SIZE;
	case NODE_SMMUV3:
		return SMMUV3_SIZE;
	case NODE_RMR:
		return RMR_SIZE;
	default:
		return NODE_SIZE;
	}
}

static bool has_streams(u8 type)
{
	return type == NODE_ROOT_COMPLEX || type == NODE_NAMED_COMPONENT ||
	       type == NODE_RMR;
}

/* The node at @offset into @node; false if it is not one. */
static bool read_node(const struct smmuv3_iort *iort, u32 offset,
		      struct node *node)
{
	const u8 *at;
	u32 mappings;

	if (!array_fits(iort->length, offset, 1, NODE_SIZE))
		return false;
	at = iort->table + offset;
	node->offset = offset;
	node->at = at;
	node->type = at[NODE_TYPE];
	node->length = get16(at + NODE_LENGTH);
	if (node->length < fixed_size(node->type) ||
	    node->length > iort->length - offset)
		return false;

	node->num_mappings = has_streams(node->type) ? get32(at + NODE_NUM_MAPPINGS) : 0;
	if (!node->num_mappings)
		return true;
	mappings = get32(at + NODE_MAPPINGS);
	if (!array_fits(node->length, mappings, node->num_mappings, MAPPING_SIZE))
		return false;
	node->mappings = at + mappings;
	return true;
}

/*
 * The node after @node, all zero for the first, into @node. 1; 0 when there is
 * none; -EINVAL when it is not one, which only smmuv3_iort_init() ever sees.
 */
static int next_node(const struct smmuv3_iort *iort, struct node *node)
{
	u32 offset, index = 0;

	if (!iort->table)
		return 0;
	if (node->offset) {
		offset = node->offset + node->length;
		index = node->index + 1;
	} else {
		offset = get32(iort->table + TABLE_FIRST_NODE);
		if (offset < TABLE_SIZE)
			return -EINVAL;
	}
	if (index == get32(iort->table + TABLE_NUM_NODES))
		return 0;
	if (!read_node(iort, offset, node))
		return -EINVAL;
	node->index = index;
	return 1;
}

static struct mapping read_mapping(const struct node *node, u32 i)
{
	const u8 *at = node->mappings + i * MAPPING_SIZE;
	struct mapping mapping = {
		.input = get32(at + MAPPING_INPUT),
		.count = get32(at + MAPPING_COUNT),
		.output = get32(at + MAPPING_OUTPUT),
		.reference = get32(at + MAPPING_REFERENCE),
		.single = get32(at + MAPPING_FLAGS) & MAPPING_SINGLE,
	};

	/* Whatever its input, it has one output. */
	if (mapping.single)
		mapping.count = 0;
	return mapping;
}

/* No range of IDs runs over, nor is it all that there are. */
static bool mappings_are_sane(const struct node *node)
{
	struct mapping mapping;
	u32 i;

	for (i = 0; i < node->num_mappings; i++) {
		mapping = read_mapping(node, i);
		if (mapping.count > U32_MAX - mapping.output ||
		    mapping.count == U32_MAX)
			return false;
		if (!mapping.single && mapping.count > U32_MAX - mapping.input)
			return false;
	}
	return true;
}

static bool ranges_are_sane(const struct node *node)
{
	u32 num = get32(node->at + RMR_NUM_RANGES), i;
	u32 offset = get32(node->at + RMR_RANGES);
	u64 base, length;

	if (num && !array_fits(node->length, offset, num, RMR_RANGE_SIZE))
		return false;
	for (i = 0; i < num; i++, offset += RMR_RANGE_SIZE) {
		base = get64(node->at + offset + RMR_RANGE_BASE);
		length = get64(node->at + offset + RMR_RANGE_LENGTH);
		if (!length || length - 1 > U64_MAX - base)
			return false;
	}
	return true;
}

/**
 * smmuv3_iort_init - check a table before it is used
 * @iort: the table, filled in on success
 * @table: the table, @length bytes; stays while @iort is used
 * @length: as its header has it
 *
 * Return: 0; -EINVAL when it contradicts itself
 */
int smmuv3_iort_init(struct smmuv3_iort *iort, const void *table, size_t length)
{
	struct smmuv3_iort checked = { .table = table, .length = length };
	struct node node = {};
	int rc;

	if (length < TABLE_SIZE || length > U32_MAX)
		return -EINVAL;
	while ((rc = next_node(&checked, &node)) > 0) {
		if (!mappings_are_sane(&node))
			return -EINVAL;
		if (node.type == NODE_RMR && !ranges_are_sane(&node))
			return -EINVAL;
	}
	if (!rc)
		*iort = checked;
	return rc;
}

/* The SMMUv3 with its registers at @base, 0 if there is none. */
u32 smmuv3_iort_find_smmu(const struct smmuv3_iort *iort, u64 base)
{
	struct node node = {};

	while (next_node(iort, &node) > 0)
		if (node.type == NODE_SMMUV3 && get64(node.at + SMMUV3_BASE) == base)
			return node.offset;
	return 0;
}

/**
 * smmuv3_iort_only_smmu - where the registers of a table's one SMMUv3 are
 * @iort: the table
 * @base: out: their address
 *
 * Return: 0; -EINVAL when it has none, or several
 */
int smmuv3_iort_only_smmu(const struct smmuv3_iort *iort, u64 *base)
{
	struct node node = {};
	unsigned int num = 0;

	while (next_node(iort, &node) > 0) {
		if (node.type != NODE_SMMUV3)
			continue;
		*base = get64(node.at + SMMUV3_BASE);
		num++;
	}
	return num == 1 ? 0 : -EINVAL;
}

/* Are @smmu's table walks coherent though its IDR0.COHACC may deny it? */
bool smmuv3_iort_overrides_cohacc(const struct smmuv3_iort *iort, u32 smmu)
{
	struct node node;

	return smmu && read_node(iort, smmu, &node) &&
	       get32(node.at + SMMUV3_FLAGS) & SMMUV3_COHACC_OVERRIDE;
}

/*
 * The mapping of @node for @id. A count is of IDs minus one, which firmware has
 * got wrong: where a range ends with the ID that another one begins with, the
 * latter is meant.
 */
static bool find_mapping(const struct node *node, u32 id, struct mapping *found)
{
	struct mapping mapping;
	bool at_end = false;
	u32 i;

	for (i = 0; i < node->num_mappings; i++) {
		mapping = read_mapping(node, i);
		if (mapping.single) {
			mapping.input = id;
		} else if (id < mapping.input || id - mapping.input > mapping.count ||
			   (at_end && id != mapping.input)) {
			continue;
		}
		*found = mapping;
		if (!mapping.count || id - mapping.input < mapping.count)
			return true;
		at_end = true;
	}
	return at_end;
}

/*
 * The root complex that requests with @rid come from, and where it sends them; false:
 * not to @smmu.
 */
static bool find_rc(const struct smmuv3_iort *iort, u32 smmu, u32 segment, u16 rid,
		    struct node *node, struct mapping *mapping)
{
	*node = (struct node){};
	while (next_node(iort, node) > 0) {
		if (node->type != NODE_ROOT_COMPLEX ||
		    get32(node->at + RC_SEGMENT) != segment ||
		    !find_mapping(node, rid, mapping))
			continue;
		return smmu && mapping->reference == smmu;
	}
	return false;
}

/**
 * smmuv3_iort_map_rid - the stream ID of a PCI requester ID
 * @iort: the table
 * @smmu: the SMMUv3 it is expected at
 * @segment: PCI segment
 * @rid: bus, device and function
 * @sid: out: the stream ID
 *
 * Return: 0; -ENODEV when requests with @rid do not pass @smmu
 */
int smmuv3_iort_map_rid(const struct smmuv3_iort *iort, u32 smmu, u32 segment,
			u16 rid, u32 *sid)
{
	struct mapping mapping;
	struct node node;

	if (!find_rc(iort, smmu, segment, rid, &node, &mapping))
		return -ENODEV;
	*sid = mapping.output + (rid - mapping.input);
	return 0;
}

/* 3.1.1.3: does the root complex that requests with @rid come from let ATS through? */
bool smmuv3_iort_ats(const struct smmuv3_iort *iort, u32 smmu, u32 segment, u16 rid)
{
	struct mapping mapping;
	struct node node;

	return find_rc(iort, smmu, segment, rid, &node, &mapping) &&
	       (get32(node.at + RC_ATS) & RC_ATS_SUPPORTED);
}

static bool maps_to(const struct node *node, u32 smmu)
{
	u32 i;

	for (i = 0; i < node->num_mappings; i++)
		if (read_mapping(node, i).reference == smmu)
			return true;
	return false;
}

/*
 * Are there root complexes behind @smmu, and do the requests of all of them snoop
 * caches whatever they and the guest's tables say (CANWBS)?
 */
bool smmuv3_iort_canwbs(const struct smmuv3_iort *iort, u32 smmu)
{
	struct node node = {};
	bool any = false;

	while (smmu && next_node(iort, &node) > 0) {
		if (node.type != NODE_ROOT_COMPLEX || !maps_to(&node, smmu))
			continue;
		if (!(node.at[RC_MEMORY_FLAGS] & RC_CANWBS))
			return false;
		any = true;
	}
	return any;
}

static enum smmuv3_iort_range range_type(const struct node *node)
{
	switch (node->type) {
	case NODE_ROOT_COMPLEX:
		return SMMUV3_IORT_RANGE_PCI;
	case NODE_RMR:
		return SMMUV3_IORT_RANGE_RMR;
	default:
		return SMMUV3_IORT_RANGE_NAMED;
	}
}

/**
 * smmuv3_iort_for_each_range - every stream ID that may arrive at an SMMUv3
 * @iort: the table
 * @smmu: the SMMUv3
 * @fn: called with ranges, that may overlap
 * @arg: for @fn
 *
 * Return: 0, or what @fn returned
 */
int smmuv3_iort_for_each_range(const struct smmuv3_iort *iort, u32 smmu,
			       smmuv3_iort_range_fn fn, void *arg)
{
	struct mapping mapping;
	struct node node = {};
	u32 i;
	int rc;

	while (next_node(iort, &node) > 0) {
		for (i = 0; i < node.num_mappings; i++) {
			mapping = read_mapping(&node, i);
			if (!smmu || mapping.reference != smmu)
				continue;
			rc = fn(arg, range_type(&node), mapping.output,
				mapping.count + 1);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* Each memory range of @node for the streams of @mapping. */
static int rmr_ranges(const struct smmuv3_iort *iort, const struct node *node,
		      const struct mapping *mapping, smmuv3_iort_rmr_fn fn, void *arg)
{
	const u8 *range = node->at + get32(node->at + RMR_RANGES);
	const u8 *table = iort->table;
	struct smmuv3_iort_rmr rmr = {
		.sid = mapping->output,
		.num_sids = mapping->count + 1,
	};
	u32 i;
	int rc;

	if (table[TABLE_REVISION] >= RMR_TABLE_REVISION)
		rmr.flags = get32(node->at + RMR_FLAGS);
	for (i = get32(node->at + RMR_NUM_RANGES); i; i--, range += RMR_RANGE_SIZE) {
		rmr.base = get64(range + RMR_RANGE_BASE);
		rmr.length = get64(range + RMR_RANGE_LENGTH);
		rc = fn(arg, &rmr);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * smmuv3_iort_for_each_rmr - every reserved memory range of an SMMUv3's streams
 * @iort: the table
 * @smmu: the SMMUv3
 * @fn: called with each
 * @arg: for @fn
 *
 * Return: 0, or what @fn returned
 */
int smmuv3_iort_for_each_rmr(const struct smmuv3_iort *iort, u32 smmu,
			     smmuv3_iort_rmr_fn fn, void *arg)
{
	struct mapping mapping;
	struct node node = {};
	u32 i;
	int rc;

	while (next_node(iort, &node) > 0) {
		if (node.type != NODE_RMR)
			continue;
		for (i = 0; i < node.num_mappings; i++) {
			mapping = read_mapping(&node, i);
			if (!smmu || mapping.reference != smmu)
				continue;
			rc = rmr_ranges(iort, &node, &mapping, fn, arg);
			if (rc)
				return rc;
		}
	}
	return 0;
}
