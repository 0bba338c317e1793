/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Register sets: ddi_dev_nregs(9F), ddi_regs_map_setup(9F). What is done through the handles is in
 * acc.c.
 */
#include "acc.h"
#include "port.h"

int ddi_dev_nregs(dev_info_t *dip, int *resultp)
{
	*resultp = port_nregs(dip);
	return *resultp > 0 ? DDI_SUCCESS : DDI_FAILURE;
}

int ddi_dev_regsize(dev_info_t *dip, uint_t rnumber, off_t *resultp)
{
	struct port_regset r;

	if (!port_regset(dip, rnumber, &r))
		return DDI_FAILURE;
	*resultp = (off_t)r.len;
	return DDI_SUCCESS;
}

/*
 * The set, and where len bytes from offset end; len 0: at its end. False, with a message: there is
 * no such range.
 */
static bool regset_range(dev_info_t *dip, uint_t rnumber, offset_t offset, offset_t len,
			 struct port_regset *r, size_t *end, const void *site, const char *call)
{
	const char *name = ddi_instance_of(dip)->name;

	if (!port_regset(dip, rnumber, r)) {
		driver_mistake(site, call, "%s has %d register sets, there is no set %u", name,
			       port_nregs(dip), rnumber);
		return false;
	}
	if (offset < 0 || len < 0 || (u_offset_t)offset > r->len ||
	    (u_offset_t)len > r->len - (size_t)offset) {
		driver_mistake(site, call,
			       "%s: offset 0x%llx, length 0x%llx is outside set %u (0x%zx bytes)",
			       name, (u_longlong_t)offset, (u_longlong_t)len, rnumber, r->len);
		return false;
	}
	*end = len == 0 ? r->len : (size_t)(offset + len);
	return true;
}

bool acc_attr_swaps(const ddi_device_acc_attr_t *attr)
{
	uchar_t order = attr != NULL ? attr->devacc_attr_endian_flags : DDI_NEVERSWAP_ACC;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return order == DDI_STRUCTURE_BE_ACC;
#else
	return order == DDI_STRUCTURE_LE_ACC;
#endif
}

int ddi_regs_map_setup(dev_info_t *dip, uint_t rnumber, caddr_t *addrp, offset_t offset,
		       offset_t len, ddi_device_acc_attr_t *accattrp, ddi_acc_handle_t *handle)
{
	struct ddi_acc_handle *h;
	struct port_regset r;
	size_t end;

	*handle = NULL;
	if (!regset_range(dip, rnumber, offset, len, &r, &end, CALL_SITE(), "ddi_regs_map_setup"))
		return DDI_FAILURE;
	h = port_alloc(sizeof(*h));
	if (h == NULL)
		return DDI_FAILURE;
	h->magic = ACC_MAGIC;
	h->swap = acc_attr_swaps(accattrp);
	h->set = r.set;
	h->base = r.base;
	h->start = (size_t)offset;
	h->end = end;
	h->driver = ddi_instance_of(dip)->name;
	h->rnumber = rnumber;
	*addrp = r.base + offset;
	*handle = h;
	return DDI_SUCCESS;
}

void ddi_regs_map_free(ddi_acc_handle_t *handle)
{
	struct ddi_acc_handle *h = *handle;

	if (h == NULL || h->magic != ACC_MAGIC) {
		driver_mistake(CALL_SITE(), "ddi_regs_map_free",
			       "%p is not a handle of ddi_regs_map_setup", (void *)h);
		return;
	}
	h->magic = 0;
	port_free(h);
	*handle = NULL;
}

/* The driver will go there by itself: what is not memory cannot be had. */
int ddi_map_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len)
{
	struct port_regset r;
	size_t end;

	if (!regset_range(dip, rnumber, offset, len, &r, &end, CALL_SITE(), "ddi_map_regs"))
		return DDI_FAILURE;
	if (!port_pointer_begin(r.set)) {
		driver_mistake(CALL_SITE(), "ddi_map_regs",
			       "%s: set %u is not memory: use ddi_regs_map_setup",
			       ddi_instance_of(dip)->name, rnumber);
		return DDI_FAILURE;
	}
	*kaddrp = r.base + offset;
	return DDI_SUCCESS;
}

void ddi_unmap_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len)
{
	struct port_regset r;
	size_t end;

	if (regset_range(dip, rnumber, offset, len, &r, &end, CALL_SITE(), "ddi_unmap_regs") &&
	    *kaddrp != NULL)
		port_pointer_end(r.set);
	*kaddrp = NULL;
}
