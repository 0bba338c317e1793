/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The model behind td.c: two register sets that do nothing. */
#include <errno.h>
#include <devmap/model.h>

static int tdhw_attach(struct devmap_model *m)
{
	int error = devmap_model_prop_int(m, "model-fail", 0);

	if (error != 0)
		return error;
	if (devmap_model_add_regs(m, 8192) != 0 || devmap_model_add_regs(m, 100) != 1)
		return ENOMEM;
	return 0;
}

static void tdhw_detach(struct devmap_model *m)
{
	(void)m;
}

static int tdhw_sync(struct devmap_model *m)
{
	(void)m;
	return 0;
}

const struct devmap_model_ops devmap_model = {
	.version = DEVMAP_MODEL_VERSION,
	.size = sizeof(struct devmap_model_ops),
	.name = "tdhw",
	.attach = tdhw_attach,
	.detach = tdhw_detach,
	.sync = tdhw_sync,
};
