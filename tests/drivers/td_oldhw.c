/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A model of another version. */
#include <devmap/model.h>

const struct devmap_model_ops devmap_model = {
	.version = DEVMAP_MODEL_VERSION + 1,
	.size = sizeof(struct devmap_model_ops),
	.name = "td_oldhw",
};
