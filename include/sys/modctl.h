/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/modctl.h: how a driver module makes itself known. _init(9E), mod_install(9F), modldrv(9S),
 * modlinkage(9S).
 */
#ifndef DEVMAP_SYS_MODCTL_H
#define DEVMAP_SYS_MODCTL_H

#include <sys/types.h>
#include <sys/devops.h>

struct mod_ops;
struct modinfo;

extern struct mod_ops mod_driverops; /* this module is a device driver */

struct modldrv {
	struct mod_ops *drv_modops; /* &mod_driverops */
	const char *drv_linkinfo;   /* what the driver calls itself */
	struct dev_ops *drv_dev_ops;
};

#define MODREV_1   1
#define MODMAXLINK 7

struct modlinkage {
	int ml_rev;		      /* MODREV_1 */
	void *ml_linkage[MODMAXLINK]; /* struct modldrv *, then NULL */
};

/*
 * mod_install(9F), called in _init(): the driver's devices may be attached from now on.
 * mod_remove(9F), called in _fini(): no more. Both return 0 or an errno (mod_remove: EBUSY while a
 * device is in use). mod_info(9F), called in _info(): non-zero on success.
 */
int mod_install(struct modlinkage *modlinkage);
int mod_remove(struct modlinkage *modlinkage);
int mod_info(struct modlinkage *modlinkage, struct modinfo *modinfo);

/*
 * The module's own entry points. Under their own names they would not work: an ELF shared object
 * has an _init and a _fini of its own already, which the C start-up files bring, and the dynamic
 * loader calls those before an engine has a device to give. So the compiler sees other names,
 * which the engine looks up when it is ready.
 */
#define _init devmap_mod_init
#define _fini devmap_mod_fini
#define _info devmap_mod_info

int _init(void);
int _fini(void);
int _info(struct modinfo *modinfo);

/*
 * DEVMAP_PCI_ALIAS(1234, 11E8): the driver drives PCI functions of this vendor and device (four
 * hexadecimal digits each, A to F as capitals). At file scope, once, after this header. Only the
 * kernel engine has PCI.
 */
#ifdef __KERNEL__
#include <devmap/linux_module.h>
#endif
#ifndef DEVMAP_PCI_ALIAS
#define DEVMAP_PCI_ALIAS(vendor, device) _Static_assert(1, "")
#endif

#endif /* DEVMAP_SYS_MODCTL_H */
