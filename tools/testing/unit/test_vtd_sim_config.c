// SPDX-License-Identifier: GPL-2.0-only
/* The modelled VT-d units: parameters, and the DMAR table that tells of them. */
#include <linux/acpi.h>
#include <linux/pci.h>
#include "tap.h"
#include "vtd_machine.h"

static int parse(struct vsim_setup *setup, const char *text)
{
	char *copy = strdup(text);
	int rc = vsim_setup_parse(setup, 1, 46, copy);

	free(copy);
	return rc;
}

TEST(defaults)
{
	struct vsim_setup s;

	CHECK_EQ(parse(&s, ""), 0);
	CHECK_EQ(s.segment, 0x100);
	CHECK_EQ(s.cfg.haw, 46);
	CHECK_EQ(vsim_get(s.cfg.cap, 2, 0), 6);
	CHECK_EQ(vsim_get(s.cfg.cap, 12, 8), 4);
	CHECK_EQ(vsim_get(s.cfg.cap, 21, 16), 47);
	CHECK_EQ(vsim_get(s.cfg.ecap, 39, 35), 19);
	CHECK(!(s.cfg.cap & (VSIM_CAP_CM | VSIM_CAP_RWBF)));
	CHECK(s.cfg.ecap & VSIM_ECAP_NEST);
}

TEST(words)
{
	struct vsim_setup s;

	CHECK_EQ(parse(&s, " segment=3  base=0x7000;aw=57 levels=45\tdid=8 pss=10 mamv=9 nfr=2 "
		       "haw=39 ver=0x41 all=1 +CM +RWBF -NEST -SMPWC -2M -PREFETCH"), 0);
	CHECK_EQ(s.segment, 3);
	CHECK_EQ(s.base, 0x7000);
	CHECK_EQ(vsim_get(s.cfg.cap, 21, 16), 56);
	CHECK_EQ(vsim_get(s.cfg.cap, 12, 8), 0xc);
	CHECK_EQ(vsim_get(s.cfg.cap, 2, 0), 2);
	CHECK_EQ(vsim_get(s.cfg.ecap, 39, 35), 9);
	CHECK_EQ(vsim_get(s.cfg.cap, 53, 48), 9);
	CHECK_EQ(vsim_get(s.cfg.cap, 47, 40), 1);
	CHECK_EQ(s.cfg.haw, 39);
	CHECK_EQ(s.cfg.ver, 0x41);
	CHECK(s.all);
	CHECK(s.cfg.cap & VSIM_CAP_CM);
	CHECK(s.cfg.cap & VSIM_CAP_RWBF);
	CHECK(!(s.cfg.ecap & (VSIM_ECAP_NEST | VSIM_ECAP_SMPWC)));
	CHECK(!(s.cfg.cap & VSIM_CAP_SSLPS_2M));
	CHECK(s.cfg.cap & VSIM_CAP_SSLPS_1G);
	CHECK(!s.cfg.prefetch);
	CHECK_EQ(parse(&s, "cap=0x1234 ecap=5"), 0);
	CHECK_EQ(s.cfg.cap, 0x1234);
	CHECK_EQ(s.cfg.ecap, 5);
}

TEST(nonsense)
{
	static const char * const texts[] = {
		"x", "+XX", "-", "levels=", "levels=6", "levels=24", "aw=58", "aw=31", "did=9",
		"did=18", "pss=21", "pss=0", "nfr=0", "nfr=129", "haw=53", "segment=0x10000",
		"base=1", "segment=", "segment=1x", "scope=1", "scope=1:20.0", "scope=1:0.8",
		"scope=100:0.0", "scope=1:0.0/1-2", "bridge=1:0.0", "bridge=1:0.0/3-2",
		"bridge=1:0.0/1-100", "rmrr=1-2", "rmrr=2-1@1:0.0", "rmrr=1@1:0.0", "unknown=1",
	};
	struct vsim_setup s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (!CHECK_EQ(parse(&s, texts[i]), -EINVAL))
			printf("# %s\n", texts[i]);
}

TEST(scopes)
{
	struct vsim_setup s;

	CHECK_EQ(parse(&s, "scope=1:1f.7 bridge=0:1c.0/3-5"), 0);
	CHECK(vsim_setup_handles(&s, 0x100, 0x01ff));
	CHECK(!vsim_setup_handles(&s, 0x101, 0x01ff));
	CHECK(!vsim_setup_handles(&s, 0x100, 0x01fe));
	CHECK(vsim_setup_handles(&s, 0x100, 0x00e0));
	CHECK(vsim_setup_handles(&s, 0x100, 0x0300));
	CHECK(vsim_setup_handles(&s, 0x100, 0x05ff));
	CHECK(!vsim_setup_handles(&s, 0x100, 0x0200));
	CHECK(!vsim_setup_handles(&s, 0x100, 0x0600));
	s.all = true;
	CHECK(vsim_setup_handles(&s, 0x100, 0x0600));
}

TEST(table)
{
	struct vsim_setup s[2];
	struct acpi_table_dmar *dmar;
	u8 *at, sum = 0;
	size_t len, i;

	CHECK_EQ(parse(&s[0], "base=0xfd000000 scope=1:2.3 rmrr=0x5000-0x5fff@1:2.3"), 0);
	CHECK_EQ(parse(&s[1], "base=0xfd001000 all=1"), 0);
	dmar = vsim_dmar_build(s, 2, &len);
	CHECK(!memcmp(dmar->header.signature, "DMAR", 4));
	CHECK_EQ(dmar->header.length, len);
	CHECK_EQ(dmar->width, 45);
	for (i = 0; i < len; i++)
		sum += ((u8 *)dmar)[i];
	CHECK_EQ(sum, 0);
	/* 8.3: a unit with one scope, a unit with all; 8.4; 8.5 */
	at = (u8 *)(dmar + 1);
	CHECK(!memcmp(at, (u8[]){ 0, 0, 24, 0, 0, 0, 0, 1, 0, 0, 0, 0xfd, 0, 0, 0, 0,
				  1, 8, 0, 0, 0, 1, 2, 3 }, 24));
	at += 24;
	CHECK(!memcmp(at, (u8[]){ 0, 0, 16, 0, 1, 0, 0, 1, 0, 0x10, 0, 0xfd, 0, 0, 0, 0 }, 16));
	at += 16;
	CHECK(!memcmp(at, (u8[]){ 1, 0, 32, 0, 0, 0, 0, 1, 0, 0x50, 0, 0, 0, 0, 0, 0,
				  0xff, 0x5f, 0, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 1, 2, 3 }, 32));
	at += 32;
	CHECK(!memcmp(at, (u8[]){ 2, 0, 8, 0, 1, 0, 0, 1 }, 8));
	CHECK_EQ(at + 8 - (u8 *)dmar, len);
	kfree(dmar);
}

TAP_MAIN
