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

static int sync_stores(struct devmap_model *m)
{
	const uint32_t syncs = devmap_model_read32(m, SELF, CTEST_MODEL_SYNCS);

	devmap_model_write32(m, SELF, CTEST_MODEL_SYNCS, syncs + 1);
	return 0;
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
