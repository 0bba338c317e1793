// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Accesses. A page that the core's record says is loaded is inserted at once, under the memory's
 * lock, so that no unload can come between. Otherwise mmap_lock is given up, the faulting thread
 * itself runs the driver, and the retried fault inserts: so a driver may sleep, and copy from the
 * process, without stopping the process's other threads.
 */
#include "linux.h"

#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

#define KEPT_MAX	64	/* of a space; the oldest loses its place */
#define ACCESS_TRIES	100	/* of a debugger, whose process keeps losing the page */

/*
 * One access of one thread. Kept from one fault to the next when the thread takes a signal while it
 * waits for its turn (its place in the queue is in `fault`), and when it was granted the device and
 * is about to insert the page (so that its rest begins only then: C8).
 */
struct access {
	struct list_head link;		/* space->kept, oldest first; under kept_lock */
	const struct task_struct *task;	/* compared only */
	uintptr_t page;
	bool granted;
	struct devmap_fault fault;
};

static struct access *kept_take(struct space *s, uintptr_t page)
{
	struct access *a;

	spin_lock(&s->kept_lock);
	list_for_each_entry(a, &s->kept, link) {
		if (a->task == current && a->page == page) {
			list_del(&a->link);
			s->nkept--;
			spin_unlock(&s->kept_lock);
			return a;
		}
	}
	spin_unlock(&s->kept_lock);
	return NULL;
}

static void kept_put(struct space *s, struct access *a)
{
	struct access *oldest = NULL;

	spin_lock(&s->kept_lock);
	list_add_tail(&a->link, &s->kept);
	if (s->nkept == KEPT_MAX) {
		oldest = list_first_entry(&s->kept, struct access, link);
		list_del(&oldest->link);
	} else {
		s->nkept++;
	}
	spin_unlock(&s->kept_lock);
	kfree(oldest);
}

/* Nobody can have an access any more. */
void space_forget_faults(struct space *s)
{
	struct access *a, *next;

	list_for_each_entry_safe(a, next, &s->kept, link)
		kfree(a);
}

/* The thread's own earlier try, or a new one. */
static struct access *access_begin(struct space *s, unsigned long addr, uint_t rw)
{
	uintptr_t page = addr & PAGE_MASK;
	struct access *a = kept_take(s, page);

	if (a != NULL && !a->granted) {
		/* The same place in the queue, but after a signal's handler perhaps another access. */
		a->fault.f_addr = addr;
		a->fault.f_rw = rw;
		return a;
	}
	if (a != NULL)
		memset(a, 0, sizeof(*a));
	else
		a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	if (a == NULL)
		return NULL;
	a->task = current;
	a->page = page;
	a->fault.f_as = &s->as;
	a->fault.f_addr = addr;
	a->fault.f_rw = rw;
	a->fault.f_direct = B_TRUE;
	return a;
}

/* What the process gets: a signal number, or 0. A driver may give up for a signal that has come. */
static int signal_of(const struct devmap_fault *f, enum devmap_fault_result result)
{
	if (result != DEVMAP_FAULT_FAILED || (f->f_error == EINTR && signal_pending(current)))
		return 0;
	return f->f_signal;
}

/*
 * Have the core answer, and the driver if need be. Without mmap_lock. Consumes a. Returns 0: try
 * again (after the handler of a signal); or the signal.
 */
static int access_serve(struct space *s, struct access *a, bool user)
{
	struct context c = { .in_access = true, .killable_only = !user };
	enum devmap_fault_result result;
	int signal;

	space_name(s);
	context_enter(&c, &s->as);
	result = devmap_fault(&a->fault);
	if (result == DEVMAP_FAULT_DONE && a->fault.f_granted)
		devmap_fault_woken(&a->fault);
	context_leave(&c);
	signal = signal_of(&a->fault, result);
	a->granted = result == DEVMAP_FAULT_DONE && a->fault.f_granted;
	if (a->fault.f_again || a->granted)
		kept_put(s, a);
	else
		kfree(a);
	return signal;
}

/*
 * Insertion
 */

struct insertion {
	struct vm_area_struct *vma;
	unsigned long addr;		/* of the page */
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

	/* Where the vma is not what the core knows, an unload would not find the translation. */
	if (r->gone || WARN_ON_ONCE(pgoff != handle_pgoff(dh) + page))
		return ENXIO;
	pfn = region_pfn(r, (dh->dh_roff >> PAGE_SHIFT) + page);
	in->result = vmf_insert_pfn_prot(vma, in->addr, pfn, page_prot(dh, r, vma->vm_page_prot));
	devmap_model_watch(r->model);
	return 0;
}

/* The rest of a grant begins when the page is there. */
static void note_inserted(struct space *s, unsigned long addr)
{
	struct access *a;

	if (READ_ONCE(s->nkept) == 0)
		return;
	a = kept_take(s, addr & PAGE_MASK);
	if (a != NULL && a->granted)
		devmap_fault_woken(&a->fault);
	kfree(a);
}

static vm_fault_t signal_result(int signal)
{
	return signal == SIGSEGV ? VM_FAULT_SIGSEGV : VM_FAULT_SIGBUS;
}

static uint_t rw_of(unsigned int flags)
{
	if (flags & FAULT_FLAG_WRITE)
		return DEVMAP_WRITE;
	return flags & FAULT_FLAG_INSTRUCTION ? DEVMAP_EXEC : DEVMAP_READ;
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
	struct access *a;
	int signal;

	if ((vmf->flags & FAULT_FLAG_ALLOW_RETRY) == 0)
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	a = access_begin(s, vmf->real_address, rw_of(vmf->flags));
	if (a == NULL)
		return VM_FAULT_OOM;
	space_hold(s);
	get_file(file);
	mmap_read_unlock(mm);
	signal = access_serve(s, a, (vmf->flags & FAULT_FLAG_USER) != 0);
	if (signal != 0 && file_gone(file))
		signal = SIGBUS;
	space_put(s);
	fput(file);
	if (signal == 0)
		return VM_FAULT_RETRY;
	mmap_read_lock(mm);
	return signal_result(signal);
}

/* mmap_lock is held for reading. */
vm_fault_t devmap_vma_fault(struct vm_fault *vmf)
{
	struct insertion in = { .vma = vmf->vma, .addr = vmf->address };
	struct space *s = vma_space(vmf->vma);
	int error;

	if (s == NULL)
		return file_gone(vmf->vma->vm_file) ? VM_FAULT_SIGBUS : VM_FAULT_SIGSEGV;
	error = devmap_if_loaded(&s->as, vmf->address, rw_of(vmf->flags), insert_page, &in);
	if (error == EAGAIN)
		return fault_ask(vmf, s);
	if (error != 0 && file_gone(vmf->vma->vm_file))
		return VM_FAULT_SIGBUS;
	if (error != 0)
		return error == EFAULT || error == EACCES ? VM_FAULT_SIGSEGV : VM_FAULT_SIGBUS;
	note_inserted(s, vmf->address);
	return in.result;
}

/*
 * Debuggers: ptrace(2), /proc/PID/mem. Linux leaves mappings like ours to this function.
 */

struct copy {
	unsigned long addr;
	void *buf;
	int len;		/* within the page */
	bool write;
};

/* Registers are accessed a word at a time where that is possible: some know nothing else. */
static void copy_mmio(void __iomem *io, void *buf, int len, bool write)
{
	bool words = IS_ALIGNED((unsigned long)io, 4) && IS_ALIGNED(len, 4);
	int step = words ? 4 : 1, i;
	u32 word;

	for (i = 0; i < len; i += step) {
		if (write && words) {
			memcpy(&word, buf + i, 4);
			writel(word, io + i);
		} else if (write) {
			writeb(*(u8 *)(buf + i), io + i);
		} else if (words) {
			word = readl(io + i);
			memcpy(buf + i, &word, 4);
		} else {
			*(u8 *)(buf + i) = readb(io + i);
		}
	}
}

/* mem_lock is held: the page is the process's meanwhile. */
static int copy_bytes(struct devmap_handle *dh, pgcnt_t page, void *arg)
{
	struct region *r = region_of(dh->dh_memory);
	struct copy *c = arg;
	size_t off = (size_t)dh->dh_roff + (page << PAGE_SHIFT) + offset_in_page(c->addr);

	if (r->gone)
		return ENXIO;
	if (r->kind == REGION_MMIO)
		copy_mmio(r->io + off, c->buf, c->len, c->write);
	else if (c->write)
		memcpy(r->pages + off, c->buf, (size_t)c->len);
	else
		memcpy(c->buf, r->pages + off, (size_t)c->len);
	return 0;
}

/* Is what stands at addr still of the same space, and may be accessed? mmap_lock is held. */
static bool access_allowed(struct mm_struct *mm, const struct space *s, unsigned long addr,
    bool write)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	return vma != NULL && vma->vm_ops == &devmap_vm_ops && vma_space(vma) == s &&
	    (vma->vm_flags & (write ? VM_WRITE : VM_READ)) != 0;
}

/* As fault_ask(), for a debugger: an access of the process, which takes its turn. 0 or -errno. */
static int access_ask(struct mm_struct *mm, struct space *s, unsigned long addr, uint_t rw)
{
	struct access *a = access_begin(s, addr, rw);
	int signal;

	if (a == NULL)
		return -ENOMEM;
	mmap_read_unlock(mm);
	signal = access_serve(s, a, false);
	mmap_read_lock(mm);
	if (fatal_signal_pending(current))
		return -EINTR;
	return signal != 0 ? -EIO : 0;
}

/*
 * Called with mmap_lock held for reading, which is given up meanwhile: neither the caller nor we
 * look at vma after that. Returns the bytes copied or -errno.
 */
int devmap_vma_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	struct copy c = { .addr = addr, .buf = buf, .write = write != 0,
		.len = min_t(int, len, PAGE_SIZE - offset_in_page(addr)) };
	uint_t rw = write ? DEVMAP_WRITE : DEVMAP_READ;
	struct space *s = vma_space(vma);
	struct mm_struct *mm = vma->vm_mm;
	struct file *file = vma->vm_file;
	int error = -EIO, i;

	if (s == NULL)
		return -EIO;
	space_hold(s);
	get_file(file);			/* as in fault_ask() */
	for (i = 0; i < ACCESS_TRIES && access_allowed(mm, s, addr, c.write); i++) {
		error = -devmap_if_loaded(&s->as, addr & PAGE_MASK, rw, copy_bytes, &c);
		if (error != -EAGAIN)
			break;
		error = access_ask(mm, s, addr, rw);
		if (error != 0)
			break;
		error = -EIO;
	}
	space_put(s);
	fput(file);
	return error == 0 ? c.len : error;
}
