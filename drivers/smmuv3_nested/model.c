// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a hardware model (tools/testing/sim): a regmap of its device, with
 * registers of 32 bits at their offsets.
 *
 * One of 64 bits is two accesses here, where hardware may take one (6.2). Nobody
 * sees a half: all that have 64 bits (STRTAB_BASE, *_BASE of queues, *_IRQ_CFG0)
 * are guarded by an enable in CR0 or IRQ_CTRL (6.3), and written only while that
 * is off, which is when the unit does not look; and no unit changes one by itself,
 * so that two reads fit together.
 */
#include <linux/regmap.h>
#include "smmuv3.h"

struct regmap *smmu_model_regmap(struct device *dev)
{
	return dev_get_regmap(dev, NULL);
}

/* Where nothing is: all ones, as on a bus. */
u32 smmu_model_read32(struct smmu_unit *unit, unsigned int offset)
{
	unsigned int value;

	return regmap_read(unit->regmap, offset, &value) ? ~0U : value;
}

void smmu_model_write32(struct smmu_unit *unit, unsigned int offset, u32 value)
{
	regmap_write(unit->regmap, offset, value);
}

u64 smmu_model_read64(struct smmu_unit *unit, unsigned int offset)
{
	u32 low = smmu_model_read32(unit, offset);

	return (u64)smmu_model_read32(unit, offset + 4) << 32 | low;
}

void smmu_model_write64(struct smmu_unit *unit, unsigned int offset, u64 value)
{
	smmu_model_write32(unit, offset, lower_32_bits(value));
	smmu_model_write32(unit, offset + 4, upper_32_bits(value));
}
