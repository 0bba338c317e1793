// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Accesses. A page that the core's record says is loaded is inserted at once, under the memory's
 * lock, so that no unload can come between. Otherwise mmap_lock is given up, a thread that faulted
 * runs the driver (ask.c), and the retried fault inserts: so a driver may sleep, and copy from the
 * process, without stopping the process's other threads.
 */
#include "linux.h"

#include <linux/file.h>

#include "internal.h"

/*
 * Insertion
 */

struct insertion {
	struct vm_area_struct *vma;
	unsigned long addr; /* of the page */
	vm_fault_t result;
};

/* Registers are not cached, unless the driver says so; ordinary pages always are. */
static pgprot_t page_prot(const struct devmap_handle *dh, const struct region *r, pgprot_t prot)
{
	if (r->kind != REGION_MMIO)
		return prot;
	switch (dh->dh_cache) {
	case IOMEM_DATA_UC_WR_COMBINE:
		return pgprot_writecombine(prot);
	case IOMEM_DATA_CACHED:
		return prot;
	default:
		return pgprot_noncached(prot);
	}
}

/* mem_lock is held: the page stays loaded until it is inserted. */
static int insert_page(struct devmap_handle *dh, pgcnt_t page, void *arg)
{
	struct insertion *in = arg;
	struct vm_area_struct *vma = in->vma;
	struct region *r = region_of(dh->dh_memory);
	pgoff_t pgoff = vma->vm_pgoff + ((in->addr - vma->vm_start) >> PAGE_SHIFT);
	unsigned long pfn;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	/* Where the vma is not what the core knows, an unload would not find the translation. */
	if (r->gone || WARN_ON_ONCE(pgoff != handle_pgoff(dh) + page))
		return ENXIO;
	pfn = region_pfn(r, (dh->dh_roff >> PAGE_SHIFT) + page);
	in->result = vmf_insert_pfn_prot(vma, in->addr, pfn, page_prot(dh, r, vma->vm_page_prot));
	devmap_model_watch(r->model);
	return 0;
}

/* Of what ask() returned; 0: try again. */
static vm_fault_t result_of(int signal)
{
	if (signal == 0)
		return VM_FAULT_RETRY;
	if (signal == -ENOMEM)
		return VM_FAULT_OOM;
	return signal == SIGSEGV ? VM_FAULT_SIGSEGV : VM_FAULT_SIGBUS;
}

static uint_t rw_of(unsigned int flags)
{
	if (flags & FAULT_FLAG_WRITE)
		return DEVMAP_WRITE;
	return flags & FAULT_FLAG_INSTRUCTION ? DEVMAP_EXEC : DEVMAP_READ;
}

/* An access of the process's own instructions. */
static int ask_for_user(struct space *s, const struct vm_fault *vmf)
{
	return ask(s, vmf->real_address, rw_of(vmf->flags), NEVER);
}

/* One of the kernel's, which waits as long as it is patient, however often it is tried. */
static int ask_for_kernel(struct space *s, const struct vm_fault *vmf)
{
	bool again = (vmf->flags & FAULT_FLAG_TRIED) != 0;
	hrtime_t until = patience_take(&s->patience, again);
	int signal;

	if (again && gethrtime() >= until)
		return SIGBUS;
	signal = ask(s, vmf->real_address, rw_of(vmf->flags), until);
	return signal != 0 ? signal : patience_keep(&s->patience, until);
}

/*
 * Give mmap_lock up and ask. The file is held meanwhile: it keeps driver and engine loaded when
 * another thread unmaps the last mapping; its end waits until this thread has left the kernel. An
 * error is returned with mmap_lock held again, as Linux wants it; vma may be another's then, but
 * nobody looks at it any more.
 */
static vm_fault_t fault_ask(struct vm_fault *vmf, struct space *s)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct file *file = vmf->vma->vm_file;
	int signal;

	if ((vmf->flags & FAULT_FLAG_ALLOW_RETRY) == 0 || !may_wait())
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	lockdep_assert_held_read(&mm->mmap_lock);
	space_hold(s);
	get_file(file);
	mmap_read_unlock(mm);
	if (vmf->flags & FAULT_FLAG_USER)
		signal = ask_for_user(s, vmf);
	else
		signal = ask_for_kernel(s, vmf);
	if (signal != 0 && file_gone(file))
		signal = SIGBUS;
	space_put(s);
	fput(file);
	if (signal != 0)
		mmap_read_lock(mm);
	return result_of(signal);
}

/* The access is made now. */
static void note_inserted(struct space *s, const struct vm_fault *vmf)
{
	ask_inserted(s, vmf->address);
	if ((vmf->flags & (FAULT_FLAG_USER | FAULT_FLAG_TRIED)) == FAULT_FLAG_TRIED)
		patience_end(&s->patience);
}

/* mmap_lock is held: for reading, where Linux allows that it is given up. */
vm_fault_t devmap_vma_fault(struct vm_fault *vmf)
{
	struct insertion in = { .vma = vmf->vma, .addr = vmf->address };
	struct space *s = vma_space(vmf->vma);
	int error;

	mmap_assert_locked(vmf->vma->vm_mm);
	if (s == NULL)
		return file_gone(vmf->vma->vm_file) ? VM_FAULT_SIGBUS : VM_FAULT_SIGSEGV;
	error = devmap_if_loaded(&s->as, vmf->address, rw_of(vmf->flags), insert_page, &in);
	if (error == EAGAIN)
		return fault_ask(vmf, s);
	if (error != 0 && file_gone(vmf->vma->vm_file))
		return VM_FAULT_SIGBUS;
	if (error != 0)
		return error == EFAULT || error == EACCES ? VM_FAULT_SIGSEGV : VM_FAULT_SIGBUS;
	note_inserted(s, vmf);
	return in.result;
}
