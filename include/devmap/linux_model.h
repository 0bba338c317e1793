/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A model as a module of Linux: it offers `devmap_model` to the engine for as long as it is loaded.
 * Drivers that use a model hold its module.
 */
#ifndef DEVMAP_LINUX_MODEL_H
#define DEVMAP_LINUX_MODEL_H

#include <linux/init.h>
#include <linux/module.h>

/* 0 or -errno: EINVAL for another version of the interface, EEXIST for a name that is taken. */
int devmap_model_register(struct module *m, const struct devmap_model_ops *ops);
void devmap_model_unregister(const struct devmap_model_ops *ops);

#if !defined(DEVMAP_ENGINE) && !defined(DEVMAP_MODULE_PART)

#ifndef DEVMAP_LICENSE
#define DEVMAP_LICENSE "Proprietary"
#endif

extern const struct devmap_model_ops devmap_model;

static int __init devmap_module_enter(void)
{
	return devmap_model_register(THIS_MODULE, &devmap_model);
}

static void __exit devmap_module_leave(void)
{
	devmap_model_unregister(&devmap_model);
}

module_init(devmap_module_enter);
module_exit(devmap_module_leave);
MODULE_LICENSE(DEVMAP_LICENSE);
MODULE_DESCRIPTION(KBUILD_MODNAME ", a model for devmap");

#endif
#endif
