/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The model behind ctest: two register sets that do nothing but remember. */
#include <errno.h>
#include <devmap/model.h>
#include "ctest.h"

enum { PAGE = 4096 };

static int attach(struct devmap_model *m)
{
	if (devmap_model_add_regs(m, CTEST_PAGES * PAGE) != 0)
		return ENOMEM;
	return devmap_model_add_regs(m, CTEST_PAGES * PAGE) == 1 ? 0 : ENOMEM;
}

static void detach(struct devmap_model *m)
{
	(void)m;
}

static int sync_stores(struct devmap_model *m)
{
	(void)m;
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
