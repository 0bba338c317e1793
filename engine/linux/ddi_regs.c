// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The register sets of an instance, and what is done with a register. A device's are reached in any
 * context. A model's are memory: it is asked first to act on what was stored before, and may sleep.
 *
 * A model's sets are ordinary pages, numbered as the model made them. A PCI function's are as on
 * Solaris: 0 is the configuration space, then come its base address registers.
 */
#include "linux.h"

#define CONFIG_BASE 0x1000 /* "addresses" in configuration space begin here */

int regset_add(dev_info_t *dip, const struct regset *set)
{
	struct regset *regs =
		krealloc_array(dip->regs, (size_t)dip->nregs + 1, sizeof(*regs), GFP_KERNEL);

	if (regs == NULL)
		return -ENOMEM;
	regs[dip->nregs] = *set;
	regs[dip->nregs].pci = dip->pci;
	dip->regs = regs;
	dip->nregs++;
	return 0;
}

/* The regions are the model's, or pci.c's. */
void regsets_free(dev_info_t *dip)
{
	kfree(dip->regs);
	dip->regs = NULL;
	dip->nregs = 0;
}

static struct regset *regset_of(dev_info_t *dip, uint_t rnumber)
{
	return rnumber < (uint_t)dip->nregs ? &dip->regs[rnumber] : NULL;
}

struct devmap_memory *engine_regs(dev_info_t *dip, uint_t rnumber, size_t *len)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL || r->region == NULL)
		return NULL;
	*len = r->region->len;
	return &r->region->memory;
}

/* Of a set that is ordinary memory; NULL: it is not. */
static char *regset_pages(const struct regset *r)
{
	if (r->region != NULL && r->region->kind == REGION_PAGES)
		return r->region->pages;
	return r->pages;
}

/* Configuration space and ports have no address that means anything by itself. */
static char *regset_base(const struct regset *r)
{
	char *pages = regset_pages(r);

	if (r->kind == REGS_CONFIG)
		return (char *)CONFIG_BASE;
	return pages != NULL ? pages : (char __force *)r->io;
}

static struct devmap_model *regset_model(const struct regset *r)
{
	return r->region != NULL ? r->region->model : NULL;
}

int port_nregs(dev_info_t *dip)
{
	return dip->nregs;
}

bool port_regset(dev_info_t *dip, uint_t rnumber, struct port_regset *out)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL)
		return false;
	*out = (struct port_regset){ r, regset_base(r), r->len };
	return true;
}

/* The driver goes there by itself: a model polls meanwhile. */

bool port_pointer_begin(void *set)
{
	const struct regset *r = set;

	if (r->kind != REGS_MEMORY)
		return false;
	if (regset_model(r) != NULL)
		model_pointer_begin(regset_model(r));
	return true;
}

void port_pointer_end(void *set)
{
	if (regset_model(set) != NULL)
		model_pointer_end(regset_model(set));
}

/* One access of each kind. width is 1, 2, 4 or 8. */

static uint64_t pages_get(const char *p, unsigned int width)
{
	switch (width) {
	case 1:
		return READ_ONCE(*(const uint8_t *)p);
	case 2:
		return READ_ONCE(*(const uint16_t *)p);
	case 4:
		return READ_ONCE(*(const uint32_t *)p);
	default:
		return READ_ONCE(*(const uint64_t *)p);
	}
}

static void pages_put(char *p, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		WRITE_ONCE(*(uint8_t *)p, (uint8_t)value);
		break;
	case 2:
		WRITE_ONCE(*(uint16_t *)p, (uint16_t)value);
		break;
	case 4:
		WRITE_ONCE(*(uint32_t *)p, (uint32_t)value);
		break;
	default:
		WRITE_ONCE(*(uint64_t *)p, value);
		break;
	}
}

/* Ports have 32 bits at most. */
static uint64_t io_get(void __iomem *io, unsigned int width, bool ports)
{
	switch (width) {
	case 1:
		return ioread8(io);
	case 2:
		return ioread16(io);
	case 4:
		return ioread32(io);
	default:
#ifdef readq
		if (!ports)
			return readq(io);
#endif
		return ioread32(io) | (uint64_t)ioread32(io + 4) << 32;
	}
}

static void io_put(void __iomem *io, unsigned int width, uint64_t value, bool ports)
{
	switch (width) {
	case 1:
		iowrite8((uint8_t)value, io);
		return;
	case 2:
		iowrite16((uint16_t)value, io);
		return;
	case 4:
		iowrite32((uint32_t)value, io);
		return;
	default:
#ifdef writeq
		if (!ports) {
			writeq(value, io);
			return;
		}
#endif
		iowrite32((uint32_t)value, io);
		iowrite32((uint32_t)(value >> 32), io + 4);
	}
}

static uint64_t config_get(struct pci_dev *pci, int off, unsigned int width)
{
	u32 v32 = U32_MAX, high = U32_MAX;
	u16 v16 = U16_MAX;
	u8 v8 = U8_MAX;

	switch (width) {
	case 1:
		(void)pci_read_config_byte(pci, off, &v8);
		return v8;
	case 2:
		(void)pci_read_config_word(pci, off, &v16);
		return v16;
	case 4:
		(void)pci_read_config_dword(pci, off, &v32);
		return v32;
	default:
		(void)pci_read_config_dword(pci, off, &v32);
		(void)pci_read_config_dword(pci, off + 4, &high);
		return v32 | (uint64_t)high << 32;
	}
}

static void config_put(struct pci_dev *pci, int off, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		(void)pci_write_config_byte(pci, off, (u8)value);
		break;
	case 2:
		(void)pci_write_config_word(pci, off, (u16)value);
		break;
	case 4:
		(void)pci_write_config_dword(pci, off, (u32)value);
		break;
	default:
		(void)pci_write_config_dword(pci, off, (u32)value);
		(void)pci_write_config_dword(pci, off + 4, (u32)(value >> 32));
		break;
	}
}

uint64_t port_reg_get(void *set, size_t off, unsigned int width)
{
	const struct regset *r = set;
	const char *pages = regset_pages(r);

	if (r->kind == REGS_CONFIG)
		return config_get(r->pci, (int)off, width);
	if (pages == NULL)
		return io_get(r->io + off, width, r->kind == REGS_PORTS);
	devmap_model_sync(regset_model(r));
	return pages_get(pages + off, width);
}

/* Around a store to pages. */
static void store_begin(struct devmap_model *m)
{
	devmap_model_sync(m);
	smp_mb(); /* after what the driver has stored for the model to find */
}

static void store_end(struct devmap_model *m)
{
	smp_mb(); /* before the look whether its thread must be woken */
	devmap_model_watch(m);
}

void port_reg_put(void *set, size_t off, unsigned int width, uint64_t value)
{
	const struct regset *r = set;
	char *pages = regset_pages(r);

	if (r->kind == REGS_CONFIG) {
		config_put(r->pci, (int)off, width, value);
	} else if (pages == NULL) {
		io_put(r->io + off, width, value, r->kind == REGS_PORTS);
	} else {
		store_begin(regset_model(r));
		pages_put(pages + off, width, value);
		store_end(regset_model(r));
	}
}

/* A run over memory as it is: the model is asked once, not for each value. */
bool port_regs_read(void *set, size_t off, void *buf, size_t len)
{
	const char *pages = regset_pages(set);

	if (pages == NULL)
		return false;
	devmap_model_sync(regset_model(set));
	memmove(buf, pages + off, len);
	return true;
}

bool port_regs_write(void *set, size_t off, const void *buf, size_t len)
{
	char *pages = regset_pages(set);

	if (pages == NULL)
		return false;
	store_begin(regset_model(set));
	memmove(pages + off, buf, len);
	store_end(regset_model(set));
	return true;
}
