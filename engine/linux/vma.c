// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Mappings as Linux sees them: made, split, copied, moved, ended. mmap_lock is held for writing (in
 * close perhaps only for reading) and every driver callback here runs under it: the caller says so,
 * and whoever enters one with mmap_locked asserts it.
 */
#include "linux.h"

#include <linux/delay.h>
#include <linux/mman.h>

#include "internal.h"

static uint_t prot_of(vm_flags_t flags)
{
	return (flags & VM_READ ? PROT_READ : 0) | (flags & VM_WRITE ? PROT_WRITE : 0) |
	       (flags & VM_EXEC ? PROT_EXEC : 0);
}

/*
 * Views
 */

/* Takes the caller's reference to s over; holds o. NULL: no memory, and s is still the caller's. */
static struct vmas *vmas_new(struct space *s, struct offsets *o)
{
	struct vmas *v = kmalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (v == NULL)
		return NULL;
	v->space = s;
	v->offsets = o;
	offsets_hold(o);
	refcount_set(&v->refs, 1);
	return v;
}

static void vmas_put(struct vmas *v)
{
	if (!refcount_dec_and_test(&v->refs))
		return;
	offsets_put(v->offsets);
	space_put(v->space);
	kfree(v);
}

/*
 * fork(2)
 */

/* What the parent has marked MADV_DONTFORK is not in the child, although the core has copied it. */
static void drop_uncopied(struct space *child, struct mm_struct *parent)
{
	VMA_ITERATOR(vmi, parent, 0);
	struct vm_area_struct *vma;

	mmap_assert_write_locked(parent);
	for_each_vma(vmi, vma) if (vma->vm_ops == &devmap_vm_ops &&
				   (vma->vm_flags & VM_DONTCOPY) != 0)(void)
		devmap_unmap_range(&child->as, vma->vm_start, vma->vm_end - vma->vm_start);
}

/*
 * A range of a space ends, and the caller's reference to it. It cannot fail, so a lack of memory
 * (for the rest behind a hole) has to pass.
 */
static void end_range(struct space *s, uintptr_t addr, size_t len)
{
	struct caller c = { .mmap_locked = true };

	mmap_assert_locked(s->mm);
	caller_enter(&c, &s->as);
	/* Linux 6.1 empties a part that it could not split off, before it closes it. */
	while (len > 0 && devmap_unmap_range(&s->as, addr, len) == ENOMEM)
		msleep(10);
	caller_leave(&c);
	space_put(s);
}

/*
 * The child's space, made with the first of its vmas, when all mappings are copied at once. Linux
 * lets nobody fail a fork from here: if the driver refuses, the child has no mapping, and its
 * accesses get SIGSEGV.
 */
static struct space *child_space(struct space *parent, struct mm_struct *mm)
{
	struct caller c = { .mmap_locked = true };
	struct space *child = space_get(mm);
	int error;

	mmap_assert_write_locked(parent->mm);
	mmap_assert_write_locked(mm);
	if (child != NULL)
		return child;
	child = space_get_or_make(mm);
	if (child == NULL)
		return NULL;
	caller_enter(&c, &parent->as);
	error = devmap_dup_as(&parent->as, &child->as);
	if (error == 0)
		drop_uncopied(child, parent->mm);
	else
		cmn_err(CE_NOTE,
			"devmap: fork of process %d (%s): refused with error %d: the child "
			"has no device mapping",
			(int)parent->as.a_pid, parent->as.a_comm, error);
	caller_leave(&c);
	return child;
}

/*
 * A copy of vma for another process. The parent cannot fault meanwhile: dup_mmap() holds its
 * mmap_lock for writing. So if its translations are dropped here there are none to be copied after
 * this; and where page tables were copied before (it depends on the kernel), the child's go too.
 */
static void open_in_child(struct vm_area_struct *vma, const struct vmas *parents)
{
	size_t len = vma->vm_end - vma->vm_start;
	struct space *child;

	mmap_assert_write_locked(parents->space->mm);
	unmap_mapping_range(devmap_inode->i_mapping, (loff_t)vma->vm_pgoff << PAGE_SHIFT,
			    (loff_t)len, 1);
	vma->vm_private_data = NULL;
	child = child_space(parents->space, vma->vm_mm);
	if (child == NULL)
		return;
	vma->vm_private_data = vmas_new(child, parents->offsets);
	if (vma->vm_private_data == NULL) /* then the child does without */
		end_range(child, vma->vm_start, len);
}

/* Also for a part of one that is being split, and for the new place of one that is being moved. */
static void vma_open(struct vm_area_struct *vma)
{
	struct vmas *v = vma->vm_private_data;

	mmap_assert_write_locked(vma->vm_mm);
	if (v == NULL)
		return;
	if (v->space->mm == vma->vm_mm)
		refcount_inc(&v->refs);
	else
		open_in_child(vma, v);
}

/* munmap(2), exit, and what else ends a mapping or a part of it. */
static void vma_close(struct vm_area_struct *vma)
{
	struct vmas *v = vma->vm_private_data;

	mmap_assert_locked(vma->vm_mm);
	if (v == NULL)
		return;
	space_hold(v->space);
	end_range(v->space, vma->vm_start, vma->vm_end - vma->vm_start);
	vmas_put(v);
}

/*
 * mremap(2)
 */

struct find_pgoff {
	pgoff_t pgoff;
	uintptr_t not_at;
	uintptr_t addr; /* out; 0: none */
};

/* a_lock is held. */
static void find_handle(struct devmap_handle *dh, void *arg)
{
	struct find_pgoff *f = arg;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (handle_pgoff(dh) == f->pgoff && dh->dh_uvaddr != f->not_at)
		f->addr = dh->dh_uvaddr;
}

/*
 * vma stands at its new address; its pages have been moved. Only a whole mapping can move: then the
 * core moves it and drops its translations. Otherwise mremap(2) fails and all is as it was.
 */
static int vma_mremap(struct vm_area_struct *vma)
{
	struct find_pgoff f = { .pgoff = vma->vm_pgoff, .not_at = vma->vm_start };
	struct space *s = vma_space(vma);

	mmap_assert_write_locked(vma->vm_mm);
	if (s == NULL)
		return -EINVAL;
	devmap_each_handle(&s->as, find_handle, &f);
	if (f.addr == 0)
		return -EINVAL;
	return -devmap_move(&s->as, f.addr, vma->vm_end - vma->vm_start, vma->vm_start);
}

/*
 * mprotect(2): the driver is not asked, but no handle gets more than it may have.
 */

struct check_prot {
	uintptr_t start, end;
	uint_t prot;
	int error;
};

/*
 * What a part of the handle once had counts from now on when a driver lowers the maximum
 * (devmap_devmem_remap(9F)): a page may be writable where an access to read it came first. a_lock is
 * held.
 */
static void check_handle(struct devmap_handle *dh, void *arg)
{
	struct check_prot *cp = arg;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (dh->dh_uvaddr >= cp->end || dh->dh_uvaddr + dh->dh_len <= cp->start)
		return;
	if ((cp->prot & ~dh->dh_maxprot) != 0)
		cp->error = -EACCES;
	else
		dh->dh_prot |= cp->prot;
}

static int vma_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			unsigned long newflags)
{
	struct check_prot cp = { .start = start, .end = end, .prot = prot_of(newflags) };
	struct space *s = vma_space(vma);

	mmap_assert_write_locked(vma->vm_mm);
	if (s != NULL)
		devmap_each_handle(&s->as, check_handle, &cp);
	return cp.error;
}

/* Without map_pages, even where faults begin under a vma's own lock, ours are under mmap_lock. */
const struct vm_operations_struct devmap_vm_ops = {
	.open = vma_open,
	.close = vma_close,
	.mremap = vma_mremap,
	.mprotect = vma_mprotect,
	.fault = devmap_vma_fault,
	.access = devmap_vma_access,
};

/*
 * mmap(2)
 */

/* What the descriptor allows, for MAP_PRIVATE too: nothing is ever copied on write (C24). */
static uint_t maxprot_of(const struct file *filp, const struct vm_area_struct *vma)
{
	uint_t maxprot = 0;

	if (filp->f_mode & FMODE_READ)
		maxprot |= PROT_READ;
	if (filp->f_mode & FMODE_WRITE)
		maxprot |= PROT_WRITE;
	if (vma->vm_flags & VM_MAYEXEC)
		maxprot |= PROT_EXEC;
	return maxprot;
}

/* segmap(9E) may have given the mapping less than was asked for (C24). */
static void vma_restrict(struct vm_area_struct *vma, uint_t prot, uint_t maxprot)
{
	vm_flags_t without = 0;

	if ((prot & PROT_READ) == 0)
		without |= VM_READ;
	if ((prot & PROT_WRITE) == 0)
		without |= VM_WRITE;
	if ((prot & PROT_EXEC) == 0)
		without |= VM_EXEC;
	if ((maxprot & PROT_WRITE) == 0)
		without |= VM_MAYWRITE;
	vm_flags_clear(vma, without);
}

/*
 * Now the vma is ours. It is always a shared one of pages that Linux knows nothing about; a private
 * one would be copied on write.
 */
static int vma_take(struct vm_area_struct *vma, struct vmas *v, const struct devmap_mapping *m)
{
	mmap_assert_write_locked(vma->vm_mm);
	if ((vma->vm_flags & VM_SHARED) == 0) {
		int error = compat_private_made_shared(vma->vm_file->f_mapping);

		if (error != 0)
			return error;
	}
	vm_flags_set(vma,
		     VM_SHARED | VM_MAYSHARE | VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma_restrict(vma, m->m_prot, m->m_maxprot);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	vma->vm_pgoff = v->offsets->start;
	vma->vm_ops = &devmap_vm_ops;
	vma->vm_private_data = v;
	return 0;
}

/* The driver's side, with the mapping made known in *out. 0 or -errno. */
static int map_device(struct space *s, struct file *filp, const struct vm_area_struct *vma,
		      struct offsets *o, struct devmap_mapping **out)
{
	const struct devfile *df = filp->private_data;
	struct caller c = { .mmap_locked = true, .dip = df->node->dip };
	/* A shared mapping of a descriptor that is not open for writing has lost VM_SHARED. */
	uint_t flags = vma->vm_flags & VM_MAYSHARE ? MAP_SHARED : MAP_PRIVATE;
	int error;

	mmap_assert_write_locked(vma->vm_mm);
	caller_enter(&c, &s->as);
	error = devmap_mmap(&s->as, df->dev, vma->vm_start, vma->vm_end - vma->vm_start,
			    prot_of(vma->vm_flags), maxprot_of(filp, vma), flags,
			    (offset_t)vma->vm_pgoff << PAGE_SHIFT, o, (cred_t *)filp->f_cred, out);
	caller_leave(&c);
	return -error;
}

/*
 * The driver has accepted the mapping, of which nobody has anything yet: Linux's side. Only now is
 * it certain where in the device it begins, since segmap(9E) may choose another offset. 0 or
 * -errno.
 */
static int map_linux(struct vm_area_struct *vma, struct space *s, struct offsets *o,
		     const struct devmap_mapping *m)
{
	struct vmas *v;
	int error = offsets_place(o, (vma->vm_end - vma->vm_start) >> PAGE_SHIFT);

	if (error != 0)
		return error;
	WRITE_ONCE(o->base, o->start - (pgoff_t)(m->m_off >> PAGE_SHIFT));
	v = vmas_new(s, o);
	if (v == NULL)
		return -ENOMEM;
	error = vma_take(vma, v, m);
	if (error != 0) {
		space_hold(s); /* still the caller's */
		vmas_put(v);
	}
	return error;
}

/* Takes the caller's reference to s over. */
static int map_both(struct file *filp, struct vm_area_struct *vma, struct space *s,
		    struct offsets *o)
{
	struct caller c = { .mmap_locked = true };
	struct devmap_mapping *m;
	int error;

	mmap_assert_write_locked(vma->vm_mm);
	error = map_device(s, filp, vma, o, &m);
	if (error == 0) {
		error = map_linux(vma, s, o, m);
		if (error == 0) {
			devmap_publish(m);
			return 0;
		}
		caller_enter(&c, &s->as);
		devmap_discard(m);
		caller_leave(&c);
	}
	space_put(s);
	return error;
}

static int map(struct file *filp, struct vm_area_struct *vma)
{
	struct space *s = space_get_or_make(vma->vm_mm);
	struct offsets *o = offsets_new();
	int error = -ENOMEM;

	if (s != NULL && o != NULL)
		error = map_both(filp, vma, s, o);
	else if (s != NULL)
		space_put(s);
	if (o != NULL)
		offsets_put(o);
	return error;
}

int devmap_vma_mmap(struct file *filp, struct vm_area_struct *vma)
{
	const struct devfile *df = filp->private_data;
	dev_info_t *dip = df->node->dip;
	int error;

	mmap_assert_write_locked(vma->vm_mm);
	error = instance_enter(dip);
	if (error != 0)
		return error;
	error = map(filp, vma);
	instance_leave(dip);
	return error;
}
