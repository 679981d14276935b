// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest may ask of an SMMU and hears of one: every field of its stream table
 * entries, commands and events, against what the specification (4, 5.2) and the uAPI say, and any bits
 * at all against what must never come of them.
 */
#include <linux/kernel.h>
#include <linux/types.h>
#include <smmuv3_nested/guest.h>

#include "tap.h"

#define VMID	0x5a17

static const struct smmuv3_guest_caps all_caps = {
	.ssid_bits = 20, .asid_bits = 16, .cd2l = true, .stall = true, .ats = true,
	.ril = true, .ds = true,
};

/* As QEMU's. */
static const struct smmuv3_guest_caps few_caps = { .asid_bits = 16, .ril = true };

/* Every combination, 2^6 of them. */
#define NUM_CAPS	64
static struct smmuv3_guest_caps caps_of(unsigned int i)
{
	return (struct smmuv3_guest_caps){
		.ssid_bits = i & 1 ? 20 : 0, .asid_bits = i & 2 ? 16 : 8,
		.cd2l = i & 4, .stall = i & 4, .ats = i & 8, .ril = i & 16, .ds = i & 32,
	};
}

static u64 random_state = 0x9e3779b97f4a7c15ULL;

static u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

TEST(caps)
{
	u32 idr[6] = { };
	struct smmuv3_guest_caps caps = smmuv3_guest_caps_of(idr);

	CHECK(!caps.ssid_bits && !caps.cd2l && caps.stall && !caps.ats && !caps.ril && !caps.ds);
	CHECK_EQ(caps.asid_bits, 8);
	memset(idr, 0xff, sizeof(idr));
	caps = smmuv3_guest_caps_of(idr);
	CHECK(caps.cd2l && !caps.stall && caps.ats && caps.ril && caps.ds);
	CHECK_EQ(caps.ssid_bits, 31);
	CHECK_EQ(caps.asid_bits, 16);
	/* One bit each: what else is set does not matter. */
	idr[0] = ~(1U << 19);
	CHECK(!smmuv3_guest_caps_of(idr).cd2l);
	idr[0] = ~(1U << 12);
	CHECK_EQ(smmuv3_guest_caps_of(idr).asid_bits, 8);
	idr[0] = ~(1U << 10);
	CHECK(!smmuv3_guest_caps_of(idr).ats);
	idr[0] = ~(3U << 24);
	CHECK(smmuv3_guest_caps_of(idr).stall);
	idr[0] = 1U << 24;
	CHECK(!smmuv3_guest_caps_of(idr).stall);
	idr[0] = 2U << 24;
	CHECK(!smmuv3_guest_caps_of(idr).stall);
	idr[3] = ~(1U << 10);
	CHECK(!smmuv3_guest_caps_of(idr).ril);
	idr[5] = ~(1U << 7);
	CHECK(!smmuv3_guest_caps_of(idr).ds);
	idr[1] = 10 << 6;
	CHECK_EQ(smmuv3_guest_caps_of(idr).ssid_bits, 10);
}

static int ste_check(const struct smmuv3_guest_caps *caps, unsigned int ias, u64 qw0, u64 qw1)
{
	__le64 ste[2] = { qw0, qw1 };

	return smmuv3_guest_ste(caps, ias, ste);
}

#define S1	0xbULL		/* V, Config 0b101 */
#define BYPASS	0x9ULL
#define ABORT	0x1ULL

TEST(ste_not_valid)
{
	__le64 ste[2] = { ~1ULL, ~0ULL };

	CHECK_EQ(smmuv3_guest_ste(&few_caps, 40, ste), 0);
	CHECK_EQ(ste[0], 0);
	CHECK_EQ(ste[1], 0);
	CHECK(!smmuv3_guest_translates(ste));
}

/* 3:1 Config: 0b000, 0b100 and 0b101 are a guest's, all others -EIO. */
TEST(ste_config)
{
	unsigned int config;

	for (config = 0; config < 8; config++)
		CHECK_EQ(ste_check(&all_caps, 40, config << 1 | 1, 0),
			 config == 0 || config == 4 || config == 5 ? 0 : -EIO);
}

/*
 * Bit by bit. A guest's are: 0 V, 3:1 Config, 5:4 S1Fmt, 51:6 S1ContextPtr,
 * 63:59 S1CDMax; 65:64 S1DSS, 67:66 S1CIR, 69:68 S1COR, 71:70 S1CSH, 91 S1STALLD,
 * 93:92 EATS of which 0b01 is all.
 */
TEST(ste_bits)
{
	const u64 mine0 = 0xf80fffffffffffffULL, mine1 = 0x180000ffULL;
	static const u64 configs[] = { ABORT, BYPASS, S1 };
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(configs); i++) {
		for (bit = 4; bit < 64; bit++)
			CHECK_EQ(ste_check(&all_caps, 52, configs[i] | 1ULL << bit, 0),
				 mine0 >> bit & 1 ? 0 : -EIO);
		for (bit = 0; bit < 64; bit++)
			CHECK_EQ(ste_check(&all_caps, 52, configs[i], 1ULL << bit),
				 mine1 >> bit & 1 ? 0 : -EIO);
		CHECK_EQ(ste_check(&all_caps, 52, configs[i], 0x30000000), -EIO);
	}
}

TEST(ste_formats)
{
	struct smmuv3_guest_caps caps = all_caps;
	unsigned int cdmax, fmt;

	/* S1CDMax up to SSIDSIZE; S1Fmt other than linear with CD2L only. */
	for (caps.ssid_bits = 0; caps.ssid_bits <= 20; caps.ssid_bits += 5) {
		for (cdmax = 0; cdmax < 32; cdmax++) {
			for (fmt = 0; fmt < 4; fmt++) {
				u64 qw0 = S1 | (u64)cdmax << 59 | fmt << 4;

				caps.cd2l = true;
				CHECK_EQ(ste_check(&caps, 40, qw0, 0),
					 cdmax <= caps.ssid_bits ? 0 : -EIO);
				caps.cd2l = false;
				CHECK_EQ(ste_check(&caps, 40, qw0, 0),
					 cdmax <= caps.ssid_bits && (!cdmax || !fmt) ? 0 : -EIO);
				/* Ignored where stage 1 does not translate. */
				CHECK_EQ(ste_check(&caps, 40, (qw0 & ~0xfULL) | BYPASS, 0), 0);
				CHECK_EQ(ste_check(&caps, 40, (qw0 & ~0xfULL) | ABORT, 0), 0);
			}
		}
	}

	/* S1STALLD where the stall model is not to be chosen is illegal. */
	CHECK_EQ(ste_check(&few_caps, 40, S1, 0x08000000), -EIO);
	CHECK_EQ(ste_check(&few_caps, 40, BYPASS, 0x08000000), 0);
	CHECK_EQ(ste_check(&all_caps, 40, S1, 0x08000000), 0);
}

/* The last byte of what S1ContextPtr points to is within the guest's addresses. */
TEST(ste_context_ptr)
{
	static const struct { unsigned int fmt, cdmax; u64 size; } tables[] = {
		{ 0, 0, 64 }, { 0, 1, 128 }, { 0, 10, 0x10000 },
		{ 1, 0, 64 }, { 1, 6, 8 }, { 1, 7, 16 }, { 1, 20, 0x20000 },
		{ 2, 0, 64 }, { 2, 10, 8 }, { 2, 11, 16 }, { 2, 20, 0x2000 },
	};
	unsigned int i, ias;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		u64 size = max(tables[i].size, 64ULL);
		u64 qw0 = S1 | (u64)tables[i].cdmax << 59 | tables[i].fmt << 4;

		for (ias = 32; ias <= 48; ias += 4) {
			u64 end = 1ULL << ias;

			CHECK_EQ(ste_check(&all_caps, ias, qw0 | (end - size), 0), 0);
			CHECK_EQ(ste_check(&all_caps, ias, qw0 | end, 0), -EIO);
			CHECK_EQ(ste_check(&all_caps, ias, qw0 | 1ULL << 51, 0), -EIO);
			CHECK_EQ(ste_check(&all_caps, ias, (qw0 & ~0xfULL) | BYPASS | end, 0), 0);
		}
	}
	/* A table larger than the address space. */
	CHECK_EQ(ste_check(&all_caps, 25, S1 | 20ULL << 59, 0), -EIO);
	CHECK_EQ(ste_check(&all_caps, 26, S1 | 20ULL << 59, 0), 0);
}

TEST(ste_result)
{
	__le64 ste[2] = { S1 | 0x40, 0x100000d4 };

	CHECK_EQ(smmuv3_guest_ste(&few_caps, 40, ste), 0);
	CHECK_EQ(ste[0], S1 | 0x40);
	CHECK_EQ(ste[1], 0x100000d4);
	CHECK(smmuv3_guest_ats(ste));
	CHECK(smmuv3_guest_translates(ste));
	/* Where there is S1STALLD it is the guest's to set. */
	CHECK_EQ(smmuv3_guest_ste(&all_caps, 40, ste), 0);
	CHECK_EQ(ste[1], 0x100000d4);
	ste[1] |= 0x08000000;
	CHECK_EQ(smmuv3_guest_ste(&all_caps, 40, ste), 0);
	CHECK_EQ(ste[1], 0x180000d4);
	ste[0] = BYPASS;
	ste[1] = 0;
	CHECK_EQ(smmuv3_guest_ste(&all_caps, 40, ste), 0);
	CHECK_EQ(ste[1], 0);
	CHECK(!smmuv3_guest_translates(ste));
}

/* Config, V and EATS: whose are translations that the device caches? */
TEST(ste_ats)
{
	static const struct {
		u64 qw0;
		bool without, with;
	} cases[] = {
		{ S1, false, true },
		{ BYPASS, true, true },		/* the host's */
		{ 1, false, false },		/* abort */
		{ S1 & ~1ULL, false, false },	/* not valid */
		{ BYPASS & ~1ULL, false, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		__le64 without[2] = { cases[i].qw0, 0xd4 };
		__le64 with[2] = { cases[i].qw0, 0xd4 | 1ULL << 28 };

		CHECK_EQ(smmuv3_guest_ats(without), cases[i].without);
		CHECK_EQ(smmuv3_guest_ats(with), cases[i].with);
	}
}

/* Whatever a guest writes, what becomes of it is confined. */
TEST(ste_any_bits)
{
	const struct smmuv3_s2_cfg s2 = { .vttbr = 0x1000, .vmid = VMID };
	struct smmuv3_host host = {};
	struct smmuv3_ste plain, ste;
	unsigned int i, taken = 0;

	smmuv3_make_s2_ste(&plain, &s2);
	for (i = 0; i < 300000; i++) {
		struct smmuv3_guest_caps caps = caps_of(random64() % NUM_CAPS);
		__le64 guest[2] = { random64(), random64() };

		/* All random is hardly ever legal. */
		if (i & 1) {
			guest[0] &= 0xf80fffffffffffffULL;
			guest[1] &= 0x180000ffULL;
		}
		if (i & 2)
			guest[0] = (guest[0] & ~0xfULL) | (i & 4 ? S1 : BYPASS);
		if (i & 8)
			guest[0] &= 0x000000fffff7ffcfULL;
		if (smmuv3_guest_ste(&caps, 40, guest))
			continue;
		taken++;
		host.stall_choice = caps.stall;
		smmuv3_make_nested_ste(&ste, &s2, guest);
		smmuv3_set_host(&ste, &host);
		if (smmuv3_ste_config(&ste) == SMMUV3_CONFIG_ABORT)
			continue;
		CHECK_EQ(ste.data[2], plain.data[2]);
		CHECK_EQ(ste.data[3], plain.data[3]);
		CHECK_EQ(ste.data[4] | ste.data[5] | ste.data[6] | ste.data[7], 0);
		CHECK_EQ(ste.data[1] & ~0x080000ffULL, plain.data[1]);
		if (smmuv3_ste_config(&ste) != SMMUV3_CONFIG_NESTED) {
			CHECK_EQ(ste.data[0], plain.data[0]);
			continue;
		}
		CHECK_EQ((ste.data[0] & 0xfffffffffffc0ULL) >> 40, 0);
		CHECK((ste.data[0] >> 59) <= caps.ssid_bits);
		CHECK(!caps.stall == !(ste.data[1] & 0x08000000));
	}
	CHECK(taken > 1000);
}

static int cmd_check(const struct smmuv3_guest_caps *caps, u64 qw0, u64 qw1)
{
	const __le64 guest[2] = { qw0, qw1 };
	struct smmuv3_guest_cmd out;

	return smmuv3_guest_cmd(caps, VMID, guest, &out);
}

/* The eight commands of the uAPI and the bits that are fields of theirs. */
static const struct {
	u8 opcode;
	u8 becomes;
	bool by_sid;
	u64 qw0, qw1;
} guest_cmds[] = {
	{ 0x05, 0x05, true, 0xfffffffffffff000ULL, 0x1 },
	{ 0x06, 0x06, true, 0xffffffff00000000ULL, 0 },
	{ 0x10, 0x10, false, 0x0000ffff00000000ULL, 0 },
	{ 0x11, 0x11, false, 0xffffffff00000000ULL, 0 },
	{ 0x12, 0x12, false, 0xffffffff03f1f000ULL, 0xffffffffffffff01ULL },
	{ 0x13, 0x13, false, 0x0000ffff03f1f000ULL, 0xffffffffffffff01ULL },
	{ 0x30, 0x10, false, 0, 0 },
	{ 0x40, 0x40, true, 0xfffffffffffffa00ULL, 0xfffffffffffff03fULL },
};

static int guest_cmd_index(u8 opcode)
{
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(guest_cmds); i++)
		if (guest_cmds[i].opcode == opcode)
			return i;
	return -1;
}

/*
 * What the hardware says to a command on its non-secure queue (4.1.3, 4.1.5): one
 * that checks every reserved field, as it may. True: CERROR_ILL, the queue stops.
 */
static bool hardware_stops(const struct smmuv3_guest_caps *caps, const struct smmuv3_cmd *cmd)
{
	int i = guest_cmd_index(cmd->data[0] & 0xff);
	u64 qw0 = cmd->data[0] & ~0xffULL, qw1 = cmd->data[1];
	u64 res0, res1;

	if (i < 0)
		return true;
	res0 = ~guest_cmds[i].qw0;
	res1 = ~guest_cmds[i].qw1;
	switch (guest_cmds[i].opcode) {
	case 0x12:
	case 0x13: {
		unsigned int tg = qw1 >> 10 & 3, ttl = qw1 >> 8 & 3;
		bool range = qw0 & 0x03f1f000;

		if (!caps->ril || !tg) {
			if (range || tg || ttl)
				return true;
		} else {
			if (!range && !ttl)
				return true;
			if (!caps->ds && tg == 2 && ttl == 1)
				return true;
			if (!caps->ds)
				res0 |= 1ULL << 25;
		}
		if (caps->asid_bits == 8 && guest_cmds[i].opcode == 0x12)
			res0 |= 0xff00000000000000ULL;
		break;
	}
	case 0x11:
		if (caps->asid_bits == 8)
			res0 |= 0xff00000000000000ULL;
		break;
	case 0x40:
		if (!caps->ats || (qw1 & 0x3f) > 52)
			return true;
		if (!caps->ssid_bits)
			res0 |= 0xfffffa00ULL;
		break;
	case 0x05:
		if (!caps->ssid_bits)
			res0 |= 0xfffff000ULL;
		break;
	}
	return (qw0 & res0 & ~0xffULL) || (qw1 & res1);
}

/* What must be true of whatever comes out, whatever went in. */
static void cmd_confined(const struct smmuv3_guest_caps *caps, u64 qw0, u64 qw1, bool *taken)
{
	const __le64 guest[2] = { qw0, qw1 };
	struct smmuv3_guest_cmd out;
	int i = guest_cmd_index(qw0 & 0xff);
	struct smmuv3_cmd given = { .data = { qw0, qw1 } };
	int ret = smmuv3_guest_cmd(caps, VMID, guest, &out);

	/* Refused exactly if the hardware would stop. */
	*taken = !ret;
	CHECK(ret == 0 || ret == -EIO);
	CHECK_EQ(ret == 0, !hardware_stops(caps, &given));
	if (ret)
		return;
	CHECK(!hardware_stops(caps, &out.cmd));
	CHECK_EQ(out.cmd.data[0] & 0xff, guest_cmds[i].becomes);
	CHECK_EQ(out.cmd.data[0] & 1 << 10, 0);
	CHECK_EQ(out.by_sid, guest_cmds[i].by_sid);
	if (out.by_sid) {
		CHECK_EQ(out.cmd.data[0] >> 32, 0);
		CHECK_EQ(out.vsid, qw0 >> 32);
		CHECK_EQ(out.cmd.data[0], qw0 & 0xffffffff);
	} else {
		CHECK_EQ(out.cmd.data[0] >> 32 & 0xffff, VMID);
		CHECK_EQ(out.cmd.data[0] >> 48, qw0 >> 48);
		CHECK_EQ(out.cmd.data[0] & 0xffffff00, qw0 & 0xffffff00);
	}
	CHECK_EQ(out.cmd.data[1], qw1);
}

/* Every opcode, alone and with every single bit, on every kind of unit. */
TEST(cmd_every_bit)
{
	unsigned int i, opcode, bit, taken = 0;
	bool ok;

	for (i = 0; i < NUM_CAPS; i++) {
		struct smmuv3_guest_caps caps = caps_of(i);

		for (opcode = 0; opcode < 256; opcode++) {
			cmd_confined(&caps, opcode, 0, &ok);
			taken += ok;
			for (bit = 8; bit < 64; bit++)
				cmd_confined(&caps, opcode | 1ULL << bit, 0, &ok);
			for (bit = 0; bit < 64; bit++)
				cmd_confined(&caps, opcode, 1ULL << bit, &ok);
		}
	}
	/* Seven of eight everywhere, ATC_INV with ATS. */
	CHECK_EQ(taken, NUM_CAPS * 7 + NUM_CAPS / 2);
}

/* Every pair of NUM or SCALE with TG, TTL and Leaf. */
TEST(cmd_every_range)
{
	unsigned int i, num, scale, low;
	bool ok;

	for (i = 0; i < NUM_CAPS; i += 2)
		for (num = 0; num < 32; num += 31)
			for (scale = 0; scale < 64; scale++)
				for (low = 0; low < 32; low++) {
					struct smmuv3_guest_caps caps = caps_of(i);

					cmd_confined(&caps, 0x12 | num << 12 | scale << 20,
						     (low >> 1) << 8 | (low & 1), &ok);
				}
}

/* Any bits at all, and commands that are nearly right. */
TEST(cmd_any_bits)
{
	unsigned int i, taken = 0;
	bool ok;

	for (i = 0; i < 1000000; i++) {
		struct smmuv3_guest_caps caps = caps_of(random64() % NUM_CAPS);
		const u64 r0 = random64(), r1 = random64();
		unsigned int k = random64() % ARRAY_SIZE(guest_cmds);
		u64 qw0 = (r0 & guest_cmds[k].qw0) | guest_cmds[k].opcode;
		u64 qw1 = r1 & guest_cmds[k].qw1;

		switch (i % 4) {
		case 0:
			qw0 = r0;
			qw1 = r1;
			break;
		case 1:
			qw0 ^= 1ULL << (random64() % 64);
			break;
		case 2:
			qw1 ^= 1ULL << (random64() % 64);
			break;
		}
		cmd_confined(&caps, qw0, qw1, &ok);
		taken += ok;
	}
	CHECK(taken > 100000);
}

/* By name, what a guest sends and what must not pass. */
TEST(cmd_known)
{
	const __le64 nsnh[2] = { 0x30, 0 }, cd[2] = { 0x0000000700003005ULL, 1 };
	const __le64 va[2] = { 0x1234999900000012ULL, 0xfff000000001ULL };
	struct smmuv3_guest_cmd out;

	CHECK_EQ(smmuv3_guest_cmd(&few_caps, VMID, nsnh, &out), 0);
	CHECK_EQ(out.cmd.data[0], 0x00005a1700000010ULL);
	CHECK_EQ(out.cmd.data[1], 0);
	CHECK_EQ(smmuv3_guest_cmd(&all_caps, VMID, cd, &out), 0);
	CHECK(out.by_sid);
	CHECK_EQ(out.vsid, 7);
	CHECK_EQ(out.cmd.data[0], 0x3005);
	CHECK_EQ(out.cmd.data[1], 1);
	CHECK_EQ(smmuv3_guest_cmd(&few_caps, VMID, va, &out), 0);
	CHECK_EQ(out.cmd.data[0] >> 32 & 0xffff, VMID);

	CHECK_EQ(cmd_check(&few_caps, 0x0000000100001005ULL, 0), -EIO);	/* no substreams */
	CHECK_EQ(cmd_check(&all_caps, 0x0000000100000405ULL, 0), -EIO);	/* SSec */
	CHECK_EQ(cmd_check(&all_caps, 0x03, 1), -EIO);			/* CFGI_STE */
	CHECK_EQ(cmd_check(&all_caps, 0x04, 31), -EIO);			/* CFGI_ALL */
	CHECK_EQ(cmd_check(&all_caps, 0x28, 0), -EIO);			/* S12_VMALL */
	CHECK_EQ(cmd_check(&all_caps, 0x2a, 0), -EIO);			/* S2_IPA */
	CHECK_EQ(cmd_check(&all_caps, 0x20, 0), -EIO);			/* EL2_ALL */
	CHECK_EQ(cmd_check(&all_caps, 0x44, 0), -EIO);			/* RESUME */
	CHECK_EQ(cmd_check(&all_caps, 0x46, 0), -EIO);			/* SYNC */
	CHECK_EQ(cmd_check(&few_caps, 0x40, 52), -EIO);			/* no ATS */
	CHECK_EQ(cmd_check(&all_caps, 0x40, 52), 0);
	CHECK_EQ(cmd_check(&all_caps, 0x40, 53), -EIO);
}

/* --- events ------------------------------------------------------------------ */

/* 7.3: SSV and SubstreamID 0x12345 of StreamID 0x77, and every other bit that there is. */
#define EVENT_0(id)	(0x0000007712345800ULL | (id))
#define EVENT_1		0x0000000e0000aaaaULL	/* PnU, InD, RnW, Reason */
#define EVENT_S2	(1ULL << 39)
#define EVENT_CLASS(n)	((u64)(n) << 40)
#define EVENT_2		0x00007f1234567abcULL
#define EVENT_3		0xfff7654321abcfffULL	/* IPA 0x7654321abc000 */

static bool hears(u8 id, u64 qw1, __le64 *out)
{
	const u64 record[4] = { EVENT_0(id), qw1, EVENT_2, EVENT_3 };

	memset(out, 0xee, 4 * sizeof(*out));
	return smmuv3_guest_event(record, out);
}

/* What stage 1 says is the guest's as it stands, but for whose it is and host addresses. */
TEST(events_of_stage_1)
{
	static const u8 ids[] = { 0x04, 0x06, 0x08, 0x0a, 0x10, 0x11, 0x12, 0x13 };
	unsigned int i;
	__le64 out[4];

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		CHECK(hears(ids[i], EVENT_1 | EVENT_CLASS(2), out));
		CHECK_EQ(out[0], (EVENT_0(ids[i]) & 0xffffffff));
		CHECK_EQ(out[1], EVENT_1 | EVENT_CLASS(2));
		CHECK_EQ(out[2], EVENT_2);
		CHECK_EQ(out[3], 0);
	}
}

/* What is not in the guest's memory cannot be fetched: 7.3.10, 7.3.12. */
TEST(events_of_stage_2)
{
	unsigned int id;
	__le64 out[4];

	for (id = 0x10; id <= 0x13; id++) {
		CHECK(hears(id, EVENT_1 | EVENT_S2 | EVENT_CLASS(0), out));
		CHECK_EQ(out[0], (EVENT_0(0x09) & 0xffffffff));
		CHECK_EQ(out[1], 0);
		CHECK_EQ(out[2], 0);
		CHECK_EQ(out[3], 0x0007654321abc000ULL);

		CHECK(hears(id, EVENT_1 | EVENT_S2 | EVENT_CLASS(1), out));
		CHECK_EQ(out[0], (EVENT_0(0x0b) & 0xffffffff));
		CHECK_EQ(out[1], 0x0000000e00000000ULL | EVENT_CLASS(1));
		CHECK_EQ(out[2], EVENT_2);
		CHECK_EQ(out[3], 0x0007654321abc000ULL);

		CHECK(!hears(id, EVENT_1 | EVENT_S2 | EVENT_CLASS(2), out));
		CHECK(!hears(id, EVENT_1 | EVENT_S2 | EVENT_CLASS(3), out));
	}
}

/* The host's: its structures, physical addresses, what waits for an answer. */
TEST(events_of_the_host)
{
	unsigned int id;
	__le64 out[4];

	for (id = 0; id < 256; id++) {
		bool guests = id == 0x04 || id == 0x06 || id == 0x08 || id == 0x0a ||
			      (id >= 0x10 && id <= 0x13);

		CHECK_EQ(hears(id, EVENT_1, out), guests);
	}
	for (id = 0x10; id <= 0x13; id++)
		CHECK(!hears(id, EVENT_1 | 1ULL << 31, out));
}

TAP_MAIN
