/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mmap(2): from the arguments to a mapping that stands nowhere yet. The driver takes part twice:
 * its segmap(9E), if it has one, calls devmap_setup(), which calls devmap(9E) for each handle; and
 * that calls one of the *_setup functions at the end of this file.
 */
#include "internal.h"

/*
 * Entry
 */

/* What mmap(2) itself refuses, whatever the driver. Returns 0 or an errno. */
static int check_mmap(uintptr_t addr, size_t len, uint_t prot, uint_t maxprot, uint_t flags,
		      offset_t off)
{
	uint_t kind = flags & MAP_TYPE;

	if (((addr | (uintptr_t)off) & PAGEOFFSET) != 0 || off < 0)
		return EINVAL;
	if (len == 0 || len > (size_t)INT64_MAX - PAGEOFFSET)
		return EINVAL;
	len = (len + PAGEOFFSET) & (size_t)PAGEMASK;
	if (len - 1 > UINTPTR_MAX - addr || off > INT64_MAX - (offset_t)len)
		return EINVAL;
	if (kind != MAP_SHARED && kind != MAP_PRIVATE)
		return EINVAL;
	return (prot & PROT_RWX & ~maxprot) != 0 ? EACCES : 0;
}

/* Go the driver's way to devmap_setup(). Returns 0 or an errno. */
static int call_segmap(const struct devmap_pending *p, struct as *as, offset_t off, uint_t prot,
		       cred_t *cred)
{
	const struct cb_ops *cb = p->p_driver->cb;
	caddr_t addr = (caddr_t)p->p_addr;
	int error;

	if (!entry_absent((void *)cb->cb_segmap)) {
		error = cb->cb_segmap(p->p_dev, (off_t)off, as, &addr, (off_t)p->p_len, prot,
				      p->p_maxprot, p->p_flags, cred);
		/* Some return -1 for any trouble. */
		return error >= 0 && error < 4096 ? error : ENXIO;
	}
	/* A driver with mmap(9E) only; D_DEVMAP decides if it has both. */
	if (entry_absent((void *)cb->cb_devmap) ||
	    (!(cb->cb_flag & D_DEVMAP) && !entry_absent((void *)cb->cb_mmap)))
		return ENODEV;
	return devmap_setup(p->p_dev, off, as, &addr, p->p_len, prot, p->p_maxprot, p->p_flags,
			    cred);
}

static void pending_add(struct as *as, struct devmap_pending *p)
{
	mutex_enter(&as->a_lock);
	as->a_users++;
	p->p_next = as->a_pending;
	as->a_pending = p;
	mutex_exit(&as->a_lock);
}

static void pending_remove(struct as *as, struct devmap_pending *p)
{
	struct devmap_pending **q = &as->a_pending;

	mutex_enter(&as->a_lock);
	while (*q != p)
		q = &(*q)->p_next;
	*q = p->p_next;
	mutex_exit(&as->a_lock);
}

static struct devmap_pending *pending_find(struct as *as)
{
	kt_did_t self = ddi_get_kt_did();
	struct devmap_pending *p;

	mutex_enter(&as->a_lock);
	for (p = as->a_pending; p != NULL && p->p_thread != self;)
		p = p->p_next;
	mutex_exit(&as->a_lock);
	return p;
}

/*
 * mmap(2) of len bytes (rounded up to pages) of dev from off, to stand at addr. maxprot is what the
 * descriptor allows, flags are MAP_*; file is the engine's and kept in the mapping.
 *
 * Stores the mapping, which is to be given to devmap_publish() or devmap_discard(). Returns 0;
 * EINVAL: the arguments, or the driver made a mistake; EACCES: prot is more than maxprot; ENXIO: no
 * such device, or the driver refuses; ENODEV: it cannot be mapped; ENOMEM; or what segmap(9E)
 * returned.
 */
int devmap_mmap(struct as *as, dev_t dev, uintptr_t addr, size_t len, uint_t prot, uint_t maxprot,
		uint_t flags, offset_t off, void *file, cred_t *cred, struct devmap_mapping **out)
{
	struct engine_driver driver;
	struct devmap_pending p;
	int error = check_mmap(addr, len, prot, maxprot, flags, off);

	*out = NULL;
	if (error == 0 && engine_driver(dev, &driver) != 0)
		error = ENXIO;
	if (error != 0)
		return error;
	bzero(&p, sizeof(p));
	p.p_thread = ddi_get_kt_did();
	p.p_dev = dev;
	p.p_addr = addr;
	p.p_len = (len + PAGEOFFSET) & (size_t)PAGEMASK;
	p.p_maxprot = maxprot | PROT_USER;
	p.p_flags = flags;
	p.p_file = file;
	p.p_driver = &driver;
	pending_add(as, &p);
	error = call_segmap(&p, as, off, prot | PROT_USER, cred);
	pending_remove(as, &p);
	if (error == 0 && p.p_mapping == NULL) {
		cmn_err(CE_WARN, "%s: segmap: returned 0 without devmap_setup", driver.name);
		error = EINVAL;
	} else if (error != 0 && p.p_mapping != NULL) {
		devmap_discard(p.p_mapping);
		p.p_mapping = NULL;
	}
	*out = p.p_mapping;
	as_leave(as);
	return error;
}

/*
 * One mapping
 */

/* Is what devmap(9E) left in its handle right? Returns 0, or EINVAL with a message (C26). */
static int check_devmap(const struct devmap_handle *dh, size_t maplen, size_t remaining,
			uint_t flags)
{
	const char *name = dh->dh_name;

	if (dh_state_get(dh) != DH_SETUP)
		cmn_err(CE_WARN,
			"%s: devmap: offset 0x%llx: called neither devmap_devmem_setup nor "
			"devmap_umem_setup",
			name, dh->dh_off);
	else if (maplen == 0)
		cmn_err(CE_WARN, "%s: devmap: offset 0x%llx: *maplen is 0", name, dh->dh_off);
	else if ((maplen & PAGEOFFSET) != 0)
		cmn_err(CE_WARN, "%s: devmap: offset 0x%llx: *maplen 0x%lx is not whole pages",
			name, dh->dh_off, (ulong_t)maplen);
	else if (maplen > remaining)
		cmn_err(CE_WARN,
			"%s: devmap: offset 0x%llx: *maplen 0x%lx is more than was asked "
			"for (0x%lx bytes)",
			name, dh->dh_off, (ulong_t)maplen, (ulong_t)remaining);
	else if (maplen != dh->dh_len)
		cmn_err(CE_WARN,
			"%s: devmap: offset 0x%llx: *maplen 0x%lx is not what was set up "
			"(0x%lx bytes)",
			name, dh->dh_off, (ulong_t)maplen, (ulong_t)dh->dh_len);
	else if ((flags & MAP_TYPE) == MAP_PRIVATE && dh->dh_member == NULL)
		return EINVAL; /* the client's mistake: there are no contexts */
	else
		return 0;
	return EINVAL;
}

/* Make the handle for what begins at byte `at` of the mapping. Returns 0 or an errno. */
static int add_handle(struct devmap_mapping *m, const struct engine_driver *driver, size_t at)
{
	struct devmap_handle *dh = handle_alloc(m->m_as, driver->name);
	size_t maplen = 0;
	int error;

	if (dh == NULL)
		return ENOMEM;
	dh->dh_dev = m->m_dev;
	dh->dh_dip = driver->dip;
	dh->dh_instance = ddi_get_instance(driver->dip);
	dh->dh_off = m->m_off + (offset_t)at;
	dh->dh_uvaddr = m->m_addr + at;
	dh->dh_prot = m->m_prot;
	dh->dh_orig_maxprot = m->m_maxprot;
	dh->dh_maxprot = m->m_maxprot;
	if (mapping_add(m, dh) != 0) {
		handle_destroy(dh);
		return ENOMEM;
	}
	handle_show(dh);
	error = driver->cb->cb_devmap(m->m_dev, dh, dh->dh_off, m->m_len - at, &maplen,
				      ddi_mmap_get_model());
	if (error != 0) {
		cmn_err(CE_NOTE, "%s: devmap: offset 0x%llx, 0x%lx bytes: refused (%d)",
			driver->name, dh->dh_off, (ulong_t)(m->m_len - at), error);
		return ENXIO;
	}
	error = check_devmap(dh, maplen, m->m_len - at, m->m_flags);
	return error != 0 ? error : handle_engine_init(dh);
}

/* Tell the driver of each handle. Returns 0 or an errno; *mapped is how many it has accepted. */
static int call_devmap_map(struct devmap_mapping *m, size_t *mapped)
{
	struct devmap_handle *dh;
	int error;

	for (*mapped = 0; *mapped < m->m_nhandles; ++*mapped) {
		dh = m->m_handles[*mapped];
		if (dh->dh_ops.devmap_map != NULL) {
			error = dh->dh_ops.devmap_map(dh, dh->dh_dev, m->m_flags, dh->dh_off,
						      dh->dh_len, &dh->dh_seen.dh_pvtp);
			if (error != 0) {
				cmn_err(CE_NOTE,
					"%s: devmap_map: offset 0x%llx, 0x%lx bytes: refused "
					"(%d)",
					dh->dh_name, dh->dh_off, (ulong_t)dh->dh_len, error);
				return ENXIO;
			}
		}
		handle_settle(dh);
		dh_state_set(dh, DH_MAPPED);
	}
	return 0;
}

/* A mapping without handles for p, with its slot kept in as; NULL if there is no memory. */
static struct devmap_mapping *begin_mapping(struct as *as, const struct devmap_pending *p)
{
	struct devmap_mapping *m = mapping_alloc(as, 1);
	int error;

	if (m == NULL)
		return NULL;
	mutex_enter(&as->a_lock);
	error = as_reserve(as);
	if (error != 0)
		mapping_rele(m);
	mutex_exit(&as->a_lock);
	if (error != 0)
		return NULL;
	m->m_addr = p->p_addr;
	m->m_len = p->p_len;
	m->m_seg.s_base = (caddr_t)m->m_addr;
	m->m_seg.s_size = m->m_len;
	m->m_dev = p->p_dev;
	m->m_file = p->p_file;
	return m;
}

/*
 * All handles of a mapping, as far as the driver allows. Tears it down and returns an errno if not.
 */
static int build_mapping(struct devmap_mapping *m, const struct engine_driver *driver)
{
	size_t at, mapped = 0;
	int error = 0;

	for (at = 0; error == 0 && at < m->m_len;) {
		error = add_handle(m, driver, at);
		if (error == 0)
			at += m->m_handles[m->m_nhandles - 1]->dh_len;
	}
	if (error == 0)
		error = call_devmap_map(m, &mapped);
	if (error != 0) {
		mapping_tear_down(m, mapped);
		return error;
	}
	mutex_enter(&m->m_as->a_lock);
	m->m_next = m->m_as->a_new;
	m->m_as->a_new = m;
	mutex_exit(&m->m_as->a_lock);
	return 0;
}

/* Are the arguments of devmap_setup() those of the mmap(2) that it is for? 0 or an errno. */
static int check_setup(const struct devmap_pending *p, dev_t dev, offset_t off, size_t len,
		       uint_t prot, uint_t maxprot, uint_t flags)
{
	const struct engine_driver *driver = p->p_driver;
	const struct cb_ops *cb = driver->cb;

	if (entry_absent((void *)cb->cb_devmap) ||
	    (!(cb->cb_flag & D_DEVMAP) && entry_absent((void *)cb->cb_mmap)))
		return EINVAL;
	if (p->p_mapping != NULL) {
		cmn_err(CE_WARN, "%s: devmap_setup: called twice for one mmap", driver->name);
		return EINVAL;
	}
	if (dev != p->p_dev || ((len + PAGEOFFSET) & (size_t)PAGEMASK) != p->p_len) {
		cmn_err(CE_WARN,
			"%s: devmap_setup: 0x%lx bytes of device 0x%lx instead of 0x%lx of "
			"device 0x%lx, which were to be mapped",
			driver->name, (ulong_t)len, (ulong_t)dev, (ulong_t)p->p_len,
			(ulong_t)p->p_dev);
		return EINVAL;
	}
	return check_mmap(p->p_addr, len, prot, maxprot & p->p_maxprot, flags, off);
}

/*
 * devmap_setup(9F): make the mapping that mmap(2) asked for. To be called from segmap(9E), by the
 * thread that it was called in, once.
 *
 * dev, as, len (bytes), flags: as segmap(9E) got them. off: bytes, may differ. addrp: stores the
 * address, which is known already. prot, maxprot: may be less than segmap(9E) got.
 *
 * Returns 0, or an errno that segmap(9E) is to return: ENXIO if devmap(9E) or devmap_map(9E)
 * refused, EINVAL for mistakes, EACCES, ENOMEM.
 */
int devmap_setup(dev_t dev, offset_t off, ddi_as_handle_t as, caddr_t *addrp, size_t len,
		 uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred)
{
	struct devmap_pending *p = pending_find(as);
	struct devmap_mapping *m;
	int error;

	(void)cred;
	if (p == NULL) {
		cmn_err(CE_WARN, "devmap: devmap_setup: called outside segmap");
		return EINVAL;
	}
	error = check_setup(p, dev, off, len, prot, maxprot, flags);
	if (error != 0)
		return error;
	m = begin_mapping(as, p);
	if (m == NULL)
		return ENOMEM;
	m->m_off = off;
	m->m_prot = prot;
	m->m_maxprot = maxprot & p->p_maxprot;
	m->m_flags = flags;
	error = build_mapping(m, p->p_driver);
	if (error != 0)
		return error;
	p->p_mapping = m;
	*addrp = (caddr_t)p->p_addr;
	return 0;
}

/*
 * ddi_devmap_segmap(9F): devmap_setup(9F), to stand in cb_ops(9S) itself or to be called from
 * there.
 */
int ddi_devmap_segmap(dev_t dev, off_t off, ddi_as_handle_t as, caddr_t *addrp, off_t len,
		      uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred)
{
	if (len <= 0)
		return EINVAL;
	return devmap_setup(dev, (offset_t)off, as, addrp, (size_t)len, prot, maxprot, flags, cred);
}

/*
 * One handle
 */

/*
 * Is the mapping's protection within maxprot, as a driver gives it, and what the descriptor allows?
 */
int check_maxprot(const struct devmap_handle *dh, const char *call, uint_t maxprot)
{
	uint_t prot = dh->dh_prot & PROT_RWX;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if ((prot & ~(maxprot & dh->dh_orig_maxprot)) == 0)
		return DDI_SUCCESS;
	cmn_err(CE_NOTE, "%s: %s: protection 0x%x is more than the maximum, 0x%x", dh->dh_name,
		call, prot, maxprot & dh->dh_orig_maxprot & PROT_RWX);
	return DDI_FAILURE;
}

/* Are there len bytes (rounded up to pages) from off in the memory, which has so many bytes? */
int check_range(const struct devmap_handle *dh, const char *call, const struct devmap_memory *m,
		size_t whole, offset_t off, size_t len)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL) {
		cmn_err(CE_WARN, "%s: %s: there is no such memory", dh->dh_name, call);
		return DDI_FAILURE;
	}
	if (len > 0 && range_fits(off, len, whole) &&
	    PAGES(off) + PAGES(len + PAGEOFFSET) <= m->mem_npages)
		return DDI_SUCCESS;
	cmn_err(CE_WARN, "%s: %s: 0x%lx bytes at offset 0x%llx are outside %s (0x%lx bytes)",
		dh->dh_name, call, (ulong_t)len, off, m->mem_name, (ulong_t)whole);
	return DDI_FAILURE;
}

/* The checks that both setups share. Returns DDI_SUCCESS or DDI_FAILURE, with a message. */
static int check_flags(const struct devmap_handle *dh, const char *call, size_t len, uint_t flags)
{
	uint_t cache = flags & IOMEM_DATA_MASK;

	if (dh_state_get(dh) != DH_NEW)
		cmn_err(CE_WARN, "%s: %s: handle %p is set up already", dh->dh_name, call,
			(const void *)dh);
	else if ((flags & DEVMAP_MAPPING_INVALID) && !(flags & DEVMAP_ALLOW_REMAP))
		cmn_err(CE_WARN, "%s: %s: DEVMAP_MAPPING_INVALID without DEVMAP_ALLOW_REMAP",
			dh->dh_name, call);
	else if ((cache & (cache - 1)) != 0)
		cmn_err(CE_WARN, "%s: %s: flags 0x%x: more than one cache attribute", dh->dh_name,
			call, flags);
	else if (len == 0 || len > (size_t)INT64_MAX - PAGEOFFSET)
		cmn_err(CE_WARN, "%s: %s: length 0x%lx", dh->dh_name, call, (ulong_t)len);
	else
		return DDI_SUCCESS;
	return DDI_FAILURE;
}

static void copy_ops(struct devmap_callback_ctl *to, const struct devmap_callback_ctl *from)
{
	if (from == NULL)
		return;
	*to = *from;
	if (entry_absent((void *)to->devmap_map))
		to->devmap_map = NULL;
	if (entry_absent((void *)to->devmap_access))
		to->devmap_access = NULL;
	if (entry_absent((void *)to->devmap_dup))
		to->devmap_dup = NULL;
	if (entry_absent((void *)to->devmap_unmap))
		to->devmap_unmap = NULL;
}

/*
 * The group and the context that the handle is of, unless the driver says otherwise: of its access
 * function, and its process's own or, by the property devmap-share, all shared mappings' of the
 * device.
 */
static struct member_key default_key(const struct devmap_handle *dh)
{
	struct member_key key = { .dip = dh->dh_dip, .key = (void *)dh->dh_ops.devmap_access };

	if ((dh->dh_mapping->m_flags & MAP_TYPE) == MAP_SHARED &&
	    ddi_prop_get_int(DDI_DEV_T_ANY, dh->dh_dip, 0, "devmap-share", 0) != 0) {
		key.share_kind = SHARE_DEVICE;
		key.share = (uintptr_t)dh->dh_dev;
	}
	return key;
}

/* Everything was checked: the handle stands on m (NULL: on nothing) from now on. */
static int finish_setup(struct devmap_handle *dh, const char *call,
			const struct devmap_callback_ctl *ops, struct devmap_memory *m,
			offset_t roff, size_t len, uint_t maxprot, uint_t flags)
{
	struct member_key key;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m != NULL) {
		m = memory_of(m, dh->dh_as);
		if (m == NULL)
			goto no_memory;
	}
	copy_ops(&dh->dh_ops, ops);
	len = (len + PAGEOFFSET) & (size_t)PAGEMASK;
	if (handle_alloc_bits(dh, len) != 0)
		goto no_memory;
	if (dh->dh_ops.devmap_access != NULL) {
		key = default_key(dh);
		dh->dh_member = member_attach(&key, dh->dh_as, dh->dh_name);
		if (dh->dh_member == NULL)
			goto no_memory;
	}
	dh->dh_len = len;
	dh->dh_flags |= flags & DEVMAP_SETUP_FLAGS;
	dh->dh_cache = flags & IOMEM_DATA_MASK;
	dh->dh_maxprot = dh->dh_orig_maxprot & maxprot;
	if (m != NULL) {
		dh->dh_roff = roff & (offset_t)PAGEMASK;
		memory_link(dh, m);
	}
	dh_state_set(dh, DH_SETUP);
	handle_show(dh);
	return DDI_SUCCESS;
no_memory:
	cmn_err(CE_WARN, "%s: %s: out of memory", dh->dh_name, call);
	return DDI_FAILURE;
}

/* Both setups, once the memory is known; m is NULL with DEVMAP_MAPPING_INVALID. */
static int setup(struct devmap_handle *dh, const char *call, const struct devmap_callback_ctl *ops,
		 struct devmap_memory *m, size_t whole, offset_t off, size_t len, uint_t maxprot,
		 uint_t flags)
{
	if (check_flags(dh, call, len, flags) != DDI_SUCCESS ||
	    check_maxprot(dh, call, maxprot) != DDI_SUCCESS)
		return DDI_FAILURE;
	if (!(flags & DEVMAP_MAPPING_INVALID) &&
	    check_range(dh, call, m, whole, off, len) != DDI_SUCCESS)
		return DDI_FAILURE;
	return finish_setup(dh, call, ops, m, off, len, maxprot, flags);
}

/*
 * devmap_devmem_setup(9F): behind the handle are len bytes (rounded up to pages) from roff (rounded
 * down) of register set rnumber of dip. To be called from devmap(9E).
 *
 * ops: the driver's callbacks, which are copied; NULL: none, the mapping is never intercepted.
 * maxprot: PROT_* that mprotect(2) may ever give. flags: DEVMAP_*, and one of IOMEM_DATA_*.
 * attr: not used.
 *
 * Returns DDI_SUCCESS, or DDI_FAILURE with a message: set up already, the range is outside the
 * register set, the mapping wants more than maxprot, wrong flags, no memory.
 */
int devmap_devmem_setup(devmap_cookie_t dhp, dev_info_t *dip, struct devmap_callback_ctl *ops,
			uint_t rnumber, offset_t roff, size_t len, uint_t maxprot, uint_t flags,
			ddi_device_acc_attr_t *attr)
{
	const char *call = "devmap_devmem_setup";
	struct devmap_handle *dh = handle_enter(dhp, call);
	struct devmap_memory *m = NULL;
	size_t whole = 0;
	int result;

	(void)attr;
	if (dh == NULL)
		return DDI_FAILURE;
	if (!(flags & DEVMAP_MAPPING_INVALID))
		m = engine_regs(dip, rnumber, &whole);
	result = setup(dh, call, ops, m, whole, roff, len, maxprot, flags);
	handle_exit(dh);
	return result;
}

/*
 * devmap_umem_setup(9F): the same for memory of ddi_umem_alloc(9F): len bytes from koff of cookie.
 * dip is not used: the group is that of the device that was opened.
 */
int devmap_umem_setup(devmap_cookie_t dhp, dev_info_t *dip, struct devmap_callback_ctl *ops,
		      ddi_umem_cookie_t cookie, offset_t koff, size_t len, uint_t maxprot,
		      uint_t flags, ddi_device_acc_attr_t *attr)
{
	const char *call = "devmap_umem_setup";
	struct devmap_handle *dh = handle_enter(dhp, call);
	struct devmap_memory *m = NULL;
	size_t whole = 0;
	int result;

	(void)dip;
	(void)attr;
	if (dh == NULL)
		return DDI_FAILURE;
	if (!(flags & DEVMAP_MAPPING_INVALID) && cookie != NULL)
		m = engine_umem(cookie, &whole);
	result = setup(dh, call, ops, m, whole, koff, len, maxprot, flags);
	handle_exit(dh);
	return result;
}
