/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi_peek8(9F), ddi_poke8(9F) and their relatives. What answers is a register set of the instance,
 * at the addresses that ddi_regs_map_setup(9F) and ddi_map_regs(9F) give; at any other nothing does.
 */
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/uio.h>

#include "ddi.h"
#include "port.h"

/* The set in which these bytes lie, aligned, and where. False: none. */
static bool find(dev_info_t *dip, const void *addr, unsigned int width, struct port_regset *r,
		 size_t *off)
{
	const uintptr_t at = (uintptr_t)addr;

	for (int i = 0; dip != NULL && i < port_nregs(dip); i++) {
		if (!port_regset(dip, (uint_t)i, r) || at < (uintptr_t)r->base)
			continue;
		*off = at - (uintptr_t)r->base;
		if (*off < r->len && width <= r->len - *off && *off % width == 0)
			return true;
	}
	return false;
}

static bool peek(dev_info_t *dip, const void *addr, unsigned int width, uint64_t *value)
{
	struct port_regset r;
	size_t off;

	if (!find(dip, addr, width, &r, &off))
		return false;
	*value = port_reg_get(r.set, off, width);
	return true;
}

static bool poke(dev_info_t *dip, const void *addr, unsigned int width, uint64_t value)
{
	struct port_regset r;
	size_t off;

	if (!find(dip, addr, width, &r, &off))
		return false;
	port_reg_put(r.set, off, width, value);
	return true;
}

#define PEEKS(bits, letter)                                                                      \
	int ddi_peek##bits(dev_info_t *dip, int##bits##_t *addr, int##bits##_t *valuep)          \
	{                                                                                        \
		uint64_t value;                                                                  \
                                                                                                 \
		if (!peek(dip, addr, (bits) / 8, &value))                                        \
			return DDI_FAILURE;                                                      \
		if (valuep != NULL)                                                              \
			*valuep = (int##bits##_t)value;                                          \
		return DDI_SUCCESS;                                                              \
	}                                                                                        \
                                                                                                 \
	int ddi_poke##bits(dev_info_t *dip, int##bits##_t *addr, int##bits##_t value)            \
	{                                                                                        \
		return poke(dip, addr, (bits) / 8, (uint64_t)value) ? DDI_SUCCESS : DDI_FAILURE; \
	}                                                                                        \
                                                                                                 \
	int ddi_peek##letter(dev_info_t *dip, int##bits##_t *addr, int##bits##_t *valuep)        \
	{                                                                                        \
		return ddi_peek##bits(dip, addr, valuep);                                        \
	}                                                                                        \
                                                                                                 \
	int ddi_poke##letter(dev_info_t *dip, int##bits##_t *addr, int##bits##_t value)          \
	{                                                                                        \
		return ddi_poke##bits(dip, addr, value);                                         \
	}

PEEKS(8, c)
PEEKS(16, s)
PEEKS(32, l)
PEEKS(64, d)

static uint64_t load(const char *p, uint_t width)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (width) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		bcopy(p, &v16, sizeof(v16));
		return v16;
	case 4:
		bcopy(p, &v32, sizeof(v32));
		return v32;
	default:
		bcopy(p, &v64, sizeof(v64));
		return v64;
	}
}

static void store(char *p, uint_t width, uint64_t value)
{
	const uint32_t v32 = (uint32_t)value;
	const uint16_t v16 = (uint16_t)value;

	switch (width) {
	case 1:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		bcopy(&v16, p, sizeof(v16));
		break;
	case 4:
		bcopy(&v32, p, sizeof(v32));
		break;
	default:
		bcopy(&value, p, sizeof(value));
		break;
	}
}

/* One access, of which the process has the data. */
static bool move(dev_info_t *dip, uio_t *uio, enum uio_rw rw, caddr_t addr, uint_t width)
{
	char data[8];
	uint64_t value;

	if (rw == UIO_READ) {
		if (!peek(dip, addr, width, &value))
			return false;
		store(data, width, value);
		return uiomove(data, width, rw, uio) == 0;
	}
	return uiomove(data, width, rw, uio) == 0 && poke(dip, addr, width, load(data, width));
}

int ddi_peekpokeio(dev_info_t *dip, struct uio *uio, enum uio_rw rw, caddr_t addr, size_t len,
		   uint_t xfersize)
{
	if ((xfersize != 1 && xfersize != 2 && xfersize != 4 && xfersize != 8) ||
	    len % xfersize != 0)
		return DDI_FAILURE;
	for (; len > 0 && uio->uio_resid >= (ssize_t)xfersize; len -= xfersize, addr += xfersize)
		if (!move(dip, uio, rw, addr, xfersize))
			return DDI_FAILURE;
	return DDI_SUCCESS;
}
