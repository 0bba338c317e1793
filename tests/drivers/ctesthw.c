/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The model behind ctest: two register sets that do nothing but remember, and one that tells of the
 * model itself.
 */
#include <errno.h>
#include <devmap/model.h>
#include "ctest.h"

enum { PAGE = 4096, SELF = 2 };

static int attach(struct devmap_model *m)
{
	if (devmap_model_add_regs(m, CTEST_PAGES * PAGE) != 0)
		return ENOMEM;
	if (devmap_model_add_regs(m, CTEST_PAGES * PAGE) != 1)
		return ENOMEM;
	return devmap_model_add_regs(m, PAGE) == SELF ? 0 : ENOMEM;
}

static void detach(struct devmap_model *m)
{
	(void)m;
}

/* Whether it rang. */
#define ANSWER(bits, bell)                                                              \
	static int answer##bits(struct devmap_model *m)                                 \
	{                                                                               \
		const size_t to = (bell) + CTEST_MODEL_TO_ANSWER;                       \
		const uint##bits##_t rung = devmap_model_take##bits(m, SELF, bell),     \
				     sum = rung + devmap_model_read##bits(m, SELF, to); \
                                                                                        \
		if (rung != 0)                                                          \
			devmap_model_write##bits(m, SELF, to, sum);                     \
		return rung != 0;                                                       \
	}

ANSWER(8, CTEST_MODEL_BELL8)
ANSWER(16, CTEST_MODEL_BELL16)
ANSWER(32, CTEST_MODEL_BELL32)
ANSWER(64, CTEST_MODEL_BELL64)

/* Registers that are not aligned, or beyond the set, or of a set that is not there. */
static int make_mistakes(struct devmap_model *m)
{
	if (devmap_model_take32(m, SELF, CTEST_MODEL_BAD) == 0)
		return 0;
	devmap_model_write16(m, SELF, CTEST_MODEL_BAD + 5, 0xffff);
	devmap_model_write64(m, SELF, PAGE, 1);
	devmap_model_write8(m, SELF + 1, 0, 1);
	if (devmap_model_read16(m, SELF, 1) == 0xffff && devmap_model_take32(m, SELF, 2) == 0 &&
	    devmap_model_read64(m, SELF, PAGE) == UINT64_MAX &&
	    devmap_model_take64(m, SELF, (size_t)-8) == 0 && devmap_model_take8(m, -1, 0) == 0 &&
	    devmap_model_read8(m, SELF + 1, 0) == 0xff)
		devmap_model_write32(m, SELF, CTEST_MODEL_BAD + 8, 1);
	return 1;
}

static int sync_stores(struct devmap_model *m)
{
	const uint64_t syncs = devmap_model_read64(m, SELF, CTEST_MODEL_SYNCS);

	devmap_model_write64(m, SELF, CTEST_MODEL_SYNCS, syncs + 1);
	return answer8(m) | answer16(m) | answer32(m) | answer64(m) | make_mistakes(m);
}

extern const struct devmap_model_ops devmap_model;

const struct devmap_model_ops devmap_model = {
	.version = DEVMAP_MODEL_VERSION,
	.size = sizeof(struct devmap_model_ops),
	.name = "ctesthw",
	.attach = attach,
	.detach = detach,
	.sync = sync_stores,
};
