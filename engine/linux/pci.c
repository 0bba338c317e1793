// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Drivers of PCI devices: an instance for each function that the driver's alias names. Linux
 * detaches functions when it likes, and not when a driver agrees or when nobody uses them:
 * revoke.c.
 *
 * Their interrupts: ddi_intr.c.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <linux/pci.h>

#include <sys/pci.h>

#define ALIASES_MAX 16

struct pci_binding {
	struct pci_driver pci;
	struct driver *driver;
	struct pci_device_id ids[ALIASES_MAX + 1]; /* all zero at the end */
};

/*
 * Aliases.
 */

/* "pci1234,11e8" into an id. */
static bool alias_parse(const char *alias, struct pci_device_id *id)
{
	unsigned int vendor, device;
	char rest;

	if (sscanf(alias, "pci%4x,%4x%c", &vendor, &device, &rest) != 2)
		return false;
	*id = (struct pci_device_id){
		.vendor = vendor, .device = device, .subvendor = PCI_ANY_ID, .subdevice = PCI_ANY_ID
	};
	return true;
}

static int aliases_parse(struct pci_binding *b, const char *aliases)
{
	char *copy = kstrdup(aliases, GFP_KERNEL), *list = copy, *alias;
	int n = 0, error = 0;

	if (copy == NULL)
		return -ENOMEM;
	while (error == 0 && (alias = strsep(&list, " ")) != NULL) {
		if (alias[0] == '\0')
			continue;
		if (n == ALIASES_MAX || !alias_parse(alias, &b->ids[n++])) {
			pr_warn("%s: alias '%s': at most %d of the form pciVVVV,DDDD\n",
				b->driver->name, alias, ALIASES_MAX);
			error = -EINVAL;
		}
	}
	kfree(copy);
	return error;
}

/*
 * An instance's register sets.
 */

/*
 * One that is whole pages can be mapped by clients; a smaller one shares its page with strangers,
 * and only the driver goes there.
 */
static int bar_region(dev_info_t *dip, int bar, struct regset *set)
{
	resource_size_t start = pci_resource_start(dip->pci, bar);
	char name[sizeof(set->region->memory.mem_name)];
	int error;

	if (set->kind != REGS_MEMORY || ((start | set->len) & ~PAGE_MASK) != 0)
		return 0;
	set->region = kzalloc(sizeof(*set->region), GFP_KERNEL);
	if (set->region == NULL)
		return -ENOMEM;
	(void)snprintf(name, sizeof(name), "%.24s registers %d", dip->name, dip->nregs);
	error = region_init_mmio(set->region, name, start, set->len, set->io);
	if (error != 0) {
		kfree(set->region);
		set->region = NULL;
	}
	return error;
}

static void bar_free(struct pci_dev *pci, struct regset *set)
{
	if (set->region != NULL) {
		region_fini(set->region);
		kfree(set->region);
	}
	if (set->io != NULL)
		pci_iounmap(pci, set->io);
}

static int bar_add(dev_info_t *dip, int bar)
{
	struct regset set = { .kind = REGS_MEMORY };
	int error;

	set.len = pci_resource_len(dip->pci, bar);
	if (set.len == 0)
		return 0;
	if (pci_resource_flags(dip->pci, bar) & IORESOURCE_IO)
		set.kind = REGS_PORTS;
	set.io = pci_iomap(dip->pci, bar, 0);
	if (set.io == NULL)
		return -ENOMEM;
	error = bar_region(dip, bar, &set);
	if (error == 0)
		error = regset_add(dip, &set);
	if (error != 0)
		bar_free(dip->pci, &set);
	return error;
}

/* Register set 0 is the configuration space, as on Solaris. */
static int regsets_add(dev_info_t *dip)
{
	struct regset config = { .kind = REGS_CONFIG, .len = (size_t)dip->pci->cfg_size };
	int bar, error = regset_add(dip, &config);

	for (bar = 0; bar < PCI_STD_NUM_BARS && error == 0; bar++)
		error = bar_add(dip, bar);
	return error;
}

/* Those that the bus nexus makes on Solaris, as far as drivers ask for them. */
static int props_add(dev_info_t *dip)
{
	const struct {
		const char *name;
		int value;
	} props[] = {
		{ "vendor-id", dip->pci->vendor },
		{ "device-id", dip->pci->device },
		{ "revision-id", dip->pci->revision },
		{ "class-code", (int)dip->pci->class },
		{ "subsystem-vendor-id", dip->pci->subsystem_vendor },
		{ "subsystem-id", dip->pci->subsystem_device },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(props); i++)
		if (ddi_prop_update_int(DDI_DEV_T_NONE, dip, props[i].name, props[i].value) !=
		    DDI_PROP_SUCCESS)
			return -ENOMEM;
	return 0;
}

/* Where the function is, and what kind of space a set lies in. */
static uint_t phys_hi(const struct pci_dev *pci, int bar)
{
	uint_t hi = (uint_t)pci->bus->number << 16 | (uint_t)pci->devfn << 8;
	unsigned long flags;

	if (bar < 0)
		return hi;
	flags = pci_resource_flags(pci, bar);
	hi |= (uint_t)(PCI_BASE_ADDRESS_0 + 4 * bar);
	hi |= flags & IORESOURCE_IO	? PCI_ADDR_IO :
	      flags & IORESOURCE_MEM_64 ? PCI_ADDR_MEM64 :
					  PCI_ADDR_MEM32;
	return hi | (flags & IORESOURCE_PREFETCH ? PCI_REG_PF_M : 0);
}

/* "reg", an entry for each register set, and "assigned-addresses", where they are. */
static int reg_props_add(dev_info_t *dip)
{
	pci_regspec_t reg[1 + PCI_STD_NUM_BARS] = { { .pci_phys_hi = phys_hi(dip->pci, -1) } };
	pci_regspec_t where[PCI_STD_NUM_BARS];
	uint_t n = 0;
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		const u64 start = pci_resource_start(dip->pci, bar);
		const u64 len = pci_resource_len(dip->pci, bar);

		if (len == 0)
			continue;
		where[n] = (pci_regspec_t){ phys_hi(dip->pci, bar) | PCI_REG_REL_M,
					    (uint_t)(start >> 32), (uint_t)start,
					    (uint_t)(len >> 32), (uint_t)len };
		reg[++n] = (pci_regspec_t){ .pci_phys_hi = phys_hi(dip->pci, bar),
					    .pci_size_hi = (uint_t)(len >> 32),
					    .pci_size_low = (uint_t)len };
	}
	if (ddi_prop_update_int_array(DDI_DEV_T_NONE, dip, "reg", (int *)reg, 5 * (n + 1)) !=
	    DDI_PROP_SUCCESS)
		return -ENOMEM;
	if (n > 0 && ddi_prop_update_int_array(DDI_DEV_T_NONE, dip, "assigned-addresses",
					       (int *)where, 5 * n) != DDI_PROP_SUCCESS)
		return -ENOMEM;
	return 0;
}

static int pci_instance_init(dev_info_t *dip)
{
	int error = pci_enable_device(dip->pci);

	if (error != 0)
		return error;
	error = pci_request_regions(dip->pci, dip->driver->name);
	if (error != 0) {
		pr_warn("%s: PCI %s: somebody else has some of its registers: see /proc/iomem and "
			"/proc/ioports\n",
			dip->name, pci_name(dip->pci));
		pci_disable_device(dip->pci);
		return error;
	}
	dip->pci_enabled = true;
	error = regsets_add(dip);
	if (error == 0)
		error = props_add(dip);
	return error != 0 ? error : reg_props_add(dip);
}

void pci_instance_fini(dev_info_t *dip)
{
	int i;

	for (i = 0; i < dip->nregs; i++)
		bar_free(dip->pci, &dip->regs[i]);
	if (!dip->pci_enabled)
		return;
	pci_clear_master(dip->pci);
	pci_release_regions(dip->pci);
	pci_disable_device(dip->pci);
}

/*
 * The PCI driver.
 */

static int devmap_pci_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct pci_binding *b =
		container_of(to_pci_driver(pci->dev.driver), struct pci_binding, pci);
	dev_info_t *dip;
	int error = instance_new(b->driver, pci, &dip);

	(void)id;
	if (error != 0)
		return error;
	error = pci_instance_init(dip);
	if (error != 0)
		pr_warn("%s: PCI %s: error %d\n", dip->name, pci_name(pci), error);
	else
		error = instance_attach(dip);
	if (error != 0)
		instance_free(dip);
	else
		pci_set_drvdata(pci, dip);
	return error;
}

static void devmap_pci_remove(struct pci_dev *pci)
{
	dev_info_t *dip = pci_get_drvdata(pci);

	instance_detach(dip);
	instance_free(dip);
}

int pci_driver_add(struct driver *d, const char *alias)
{
	struct pci_binding *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int error;

	if (b == NULL)
		return -ENOMEM;
	b->driver = d;
	b->pci.name = d->name;
	b->pci.id_table = b->ids;
	b->pci.probe = devmap_pci_probe;
	b->pci.remove = devmap_pci_remove;
	error = aliases_parse(b, alias);
	if (error == 0)
		error = __pci_register_driver(&b->pci, d->module, d->name);
	if (error != 0)
		kfree(b);
	else
		d->pci_driver = b;
	return error;
}

void pci_driver_remove(struct driver *d)
{
	struct pci_binding *b = d->pci_driver;

	pci_unregister_driver(&b->pci);
	d->pci_driver = NULL;
	kfree(b);
}
