/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A driver as a module of Linux. sys/modctl.h includes this in the one file that defines _init(9E)
 * and _fini(9E); in further files of the same driver define DEVMAP_MODULE_PART first, and the
 * engine's own files are built with DEVMAP_ENGINE.
 *
 * The module has a parameter, props="NAME=VALUE,NAME=VALUE": properties of the driver, as those
 * behind the ':' that `devmap serve` is given. DEVMAP_LICENSE comes from the build, which reads it
 * from the source's SPDX line.
 */
#ifndef DEVMAP_LINUX_MODULE_H
#define DEVMAP_LINUX_MODULE_H

#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

/*
 * For the module's own init and exit functions. props: "NAME=VALUE,..." or NULL. pci_alias: which
 * PCI functions are its instances, as DEVMAP_PCI_ALIAS() spells it: "pci1234,11E8", or NULL: an
 * instance without hardware, or with a model. init and fini are the driver's _init(9E), _fini(9E).
 * enter returns 0 or -errno, and then has undone everything.
 */
int devmap_driver_enter(struct module *m, const char *props, const char *pci_alias,
			int (*init)(void), int (*fini)(void));
void devmap_driver_leave(struct module *m, int (*fini)(void));

#if !defined(DEVMAP_ENGINE) && !defined(DEVMAP_MODULE_PART)

#ifndef DEVMAP_LICENSE
#define DEVMAP_LICENSE "Proprietary"
#endif

/* NULL, unless DEVMAP_PCI_ALIAS() defines it below in the same file: C lets it do so once. */
static const char *const devmap_pci_alias;

static char *devmap_module_props;
module_param_named(props, devmap_module_props, charp, 0444);
MODULE_PARM_DESC(props, "properties of the driver: NAME=VALUE,NAME=VALUE");

static int __init devmap_module_enter(void)
{
	return devmap_driver_enter(THIS_MODULE, devmap_module_props, devmap_pci_alias,
				   devmap_mod_init, devmap_mod_fini);
}

static void __exit devmap_module_leave(void)
{
	devmap_driver_leave(THIS_MODULE, devmap_mod_fini);
}

module_init(devmap_module_enter);
module_exit(devmap_module_leave);
MODULE_LICENSE(DEVMAP_LICENSE);
MODULE_DESCRIPTION(KBUILD_MODNAME ", a driver for devmap");

#define DEVMAP_PCI_ALIAS(vendor, device)                                       \
	static const char *const devmap_pci_alias = "pci" #vendor "," #device; \
	MODULE_ALIAS("pci:v0000" #vendor "d0000" #device "sv*sd*bc*sc*i*")

#endif
#endif
